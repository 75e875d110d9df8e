"""Mail servers that fail in named ways, receivers of webhooks, and notices to send through them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP, Envelope, Session

from ledger.connect import connected
from ledger.contacts import add_address
from ledger.notice_facts import paid
from ledger.notice_rows import Fact, Notice
from ledger.notices import recent_notices, tell
from programmes.notices.mail_server import MailServer
from programmes.notices.mailing import Mailing

START = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
ADDRESS = "compta@fabrique.example"


@dataclass
class Taking:
    """A mail server that takes everything."""

    taken: list[EmailMessage] = field(default_factory=list)
    recipients_asked: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.recipients_asked.append(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.taken.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


class RefusingRecipient(Taking):
    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802
        self.recipients_asked.append(address)
        return "550 5.1.1 no such user here"


class Greylisting(Taking):
    """Turns each recipient away the first time."""

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802
        if address not in self.recipients_asked:
            self.recipients_asked.append(address)
            return "451 4.7.1 greylisted, come back later"
        return await super().handle_RCPT(server, session, envelope, address, options)


class RefusingText(Taking):
    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        return "554 5.7.1 looks like spam"


class FullForNow(Taking):
    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        return "452 4.3.1 no space left"


class DroppingAfterData(Taking):
    """Takes the text, and hangs up instead of saying so."""

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        await super().handle_DATA(server, session, envelope)
        server.transport.abort()
        return "250 OK"


class Slow(Taking):
    """Takes the text, and answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.has_text = asyncio.Event()
        self.answers = asyncio.Event()

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        await super().handle_DATA(server, session, envelope)
        self.has_text.set()
        await self.answers.wait()
        return "250 OK"


class Mute:
    """Takes connections and never says a word."""


@pytest.fixture
def kinds_of_servers() -> dict[str, Callable[[], Taking]]:
    """By how they fail."""
    return {
        "takes": Taking,
        "refuses the recipient": RefusingRecipient,
        "greylists": Greylisting,
        "refuses the text": RefusingText,
        "is full for now": FullForNow,
        "drops after DATA": DroppingAfterData,
        "is slow": Slow,
    }


@pytest.fixture
def serving() -> Callable[[Taking], AbstractAsyncContextManager[MailServer]]:
    @asynccontextmanager
    async def served(handler: Taking) -> AsyncIterator[MailServer]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(handler, hostname="mail.example", loop=loop), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        yield MailServer(
            "127.0.0.1", port, "avis@pass.example", start_tls=False, step_seconds=2, data_seconds=2
        )
        server.close()

    return served


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: int) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def a_fact() -> Callable[..., Fact]:
    def made(number: int = 1, **changed: Any) -> Fact:
        facts = {
            "operator_id": 1,
            "end_to_end_id": f"BR-1-{number}-1",
            "holder": "La Fabrique à clics",
            "amount_cents": 12_000,
            "booked_on": date(2026, 11, 20),
        }
        return paid(**facts | changed)

    return made


@pytest.fixture
async def told(connection, a_fact, clock) -> Fact:
    """A fact that the first operator is to be told of."""
    await add_address(connection, ADDRESS, operator_id=1, actor="tests", at=START)
    fact = a_fact()
    await tell(connection, fact, at=clock())
    return fact


@pytest.fixture
def mail(instance, clock) -> Callable[[MailServer], Awaitable[int]]:
    """One look at the queue, as a process of its own would."""

    async def looked(server: MailServer) -> int:
        async with connected(instance.dsn, purpose="mail") as own:
            return await Mailing(server, "https://pass.example", clock).look(own)

    return looked


@pytest.fixture
def notice(connection) -> Callable[[], Awaitable[Notice]]:
    """The only one."""

    async def read() -> Notice:
        [one] = await recent_notices(connection)
        return one

    return read


@dataclass
class Receiver:
    """Somebody else's system; answers what it is told to."""

    statuses: list[int] = field(default_factory=list)  # of the next calls; 204 after them
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    waits: asyncio.Event | None = None

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        if self.waits is not None:
            await self.waits.wait()
        status = self.statuses.pop(0) if self.statuses else 204
        headers = {"Location": "/ailleurs"} if 300 <= status < 400 else {}
        return web.Response(status=status, headers=headers)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.take)
    async with TestServer(app) as server:
        one.url = str(server.make_url("/avis"))
        yield one
        if one.waits is not None:
            one.waits.set()
