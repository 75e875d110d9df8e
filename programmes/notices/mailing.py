"""Sends the notices that are due, one after the other, each at most once. When to try again is retries.py's.

The record says `sending` before any of the text leaves, and `sent` after the server took it. Who dies between
the two leaves a notice that nobody can be sure of: the next mailer shows it to a person, and repeats nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any

import structlog

from ledger.connect import Connection
from ledger.notice_rows import Notice, NoticeState
from ledger.notices import (
    begin_sending,
    due_notices,
    end_sending,
    give_up_unclear,
    is_only_mailer,
    postpone,
)
from programmes.notices.mail_server import Handover, MailServer, MayBeTaken, NotTaken
from programmes.notices.message import message_of
from programmes.notices.retries import next_attempt_at

STOP_SECONDS_MAX = 5.0  # a service that stops waits for the answer to a text that is out

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Mailing:
    server: MailServer
    public_url: str | None
    clock: Callable[[], datetime]

    async def look(self, connection: Connection) -> int:
        """How many notices were sent; 0 too while another process does. Its lock ends with its connection."""
        if not await is_only_mailer(connection):
            return 0
        for notice_id in await give_up_unclear(connection, at=self.clock()):
            log.error("notice_unclear", notice=notice_id)
        sent = 0
        for notice in await due_notices(connection, at=self.clock()):
            try:
                sent += await self._send(connection, notice)
            except NotTaken as error:
                # The others would fare the same: they wait for the next look, without an attempt counted.
                log.warning("mail_server_in_trouble", error=str(error))
                break
        return sent

    async def _send(self, connection: Connection, notice: Notice) -> bool:
        assert notice.address is not None
        try:
            message = message_of(
                notice,
                mail_from=self.server.mail_from,
                sender_name=self.server.sender_name,
                public_url=self.public_url,
                now=self.clock(),
            )
            handover = await self.server.open_for(notice.address)
        except NotTaken as error:
            await self._put_off(connection, notice, error)
            if error.is_of_server:
                raise
            return False
        except Exception as error:
            # A payload that can't be written must not keep the others from being sent.
            log.exception("notice_unwritable", notice=notice.id)
            await self._put_off(connection, notice, NotTaken(repr(error), is_final=True))
            return False
        return await _unhurried(self._give(connection, notice, handover, message))

    async def _give(
        self, connection: Connection, notice: Notice, handover: Handover, message: EmailMessage
    ) -> bool:
        try:
            if not await begin_sending(connection, notice.id, at=self.clock()):
                return False
            await handover.give(message)
        except NotTaken as error:
            await self._take_back(connection, notice, error)
            return False
        except MayBeTaken as error:
            await self._end(connection, notice, NoticeState.UNCLEAR, error=str(error))
            log.error("notice_unclear", notice=notice.id, error=str(error))
            return False
        else:
            await self._end(connection, notice, NoticeState.SENT)
            return True
        finally:
            await handover.close()

    async def _put_off(self, connection: Connection, notice: Notice, error: NotTaken) -> None:
        state, next_at = self._after(notice, error)
        await postpone(connection, notice.id, state, at=self.clock(), next_at=next_at, error=str(error))

    async def _take_back(self, connection: Connection, notice: Notice, error: NotTaken) -> None:
        state, next_at = self._after(notice, error)
        await end_sending(connection, notice.id, state, at=self.clock(), next_at=next_at, error=str(error))

    async def _end(
        self, connection: Connection, notice: Notice, state: NoticeState, *, error: str | None = None
    ) -> None:
        now = self.clock()
        await end_sending(connection, notice.id, state, at=now, next_at=now, error=error)

    def _after(self, notice: Notice, error: NotTaken) -> tuple[NoticeState, datetime]:
        now = self.clock()
        if error.is_final:
            return NoticeState.REFUSED, now
        next_at = next_attempt_at(notice.attempts + 1, now=now)
        return (NoticeState.WAITING, next_at) if next_at else (NoticeState.GIVEN_UP, now)


async def _unhurried(work: Coroutine[Any, Any, bool]) -> bool:
    """Finish it, for seconds, even when we are told to stop: an answer missed is a person's work."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=STOP_SECONDS_MAX)
        task.cancel()
        await asyncio.wait({task})
        raise
