"""Calls the webhooks that are due: signed, over fenced connections, until the receiver takes each event.

A receiver may be called twice with one event: it tells by the event's id. What the headers mean is in
docs/avis.md, which receivers read.
"""

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
import structlog

from keys.webhook_secret import SecretUnreadable, WebhookKeys, signature
from ledger.connect import Connection
from ledger.notice_rows import CallState, Webhook, WebhookCall
from ledger.webhooks import due_calls, is_only_caller, list_webhooks, settle_call
from programmes.notices.addresses import AddressRefused, GuardedResolver, check_url
from programmes.notices.retries import next_attempt_at

CALL_SECONDS_MAX = 10.0
WEBHOOKS_AT_ONCE_MAX = 10
BODY_VERSION = 1
USER_AGENT = "Poincon-Avis/1"

EVENT_ID = "Poincon-Event-Id"
EVENT_KIND = "Poincon-Event-Kind"
SIGNATURE = "Poincon-Signature"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int | None
    error: str | None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def body_of(call: WebhookCall) -> bytes:
    """The same bytes at each attempt."""
    told = {
        "version": BODY_VERSION,
        "id": str(call.event_id),
        "kind": call.kind.value,
        "occurred_at": call.occurred_at.isoformat(),
        "data": dict(call.payload),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Calling:
    keys: WebhookKeys
    clock: Callable[[], datetime]
    allows_private: bool = False
    seconds_max: float = CALL_SECONDS_MAX
    resolver: Callable[[], GuardedResolver] | None = None
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WEBHOOKS_AT_ONCE_MAX))

    async def look(self, connection: Connection) -> int:
        """How many calls were taken; 0 too while another process calls."""
        if not await is_only_caller(connection):
            return 0
        due = sorted(await due_calls(connection, at=self.clock()), key=lambda call: call.webhook_id)
        if not due:
            return 0
        webhooks = {webhook.id: webhook for webhook in await list_webhooks(connection)}
        async with self._session() as session:
            answered = await asyncio.gather(
                *(
                    self._call_one(session, webhooks[webhook_id], list(calls))
                    for webhook_id, calls in itertools.groupby(due, key=lambda call: call.webhook_id)
                )
            )
        taken = 0
        for call, answer in itertools.chain.from_iterable(answered):
            await self._settle(connection, call, answer)
            taken += answer.is_taken
        return taken

    def _session(self) -> aiohttp.ClientSession:
        resolver = (
            self.resolver() if self.resolver else GuardedResolver.system(allows_private=self.allows_private)
        )
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, force_close=True, use_dns_cache=False),
            timeout=aiohttp.ClientTimeout(total=self.seconds_max),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def _call_one(
        self, session: aiohttp.ClientSession, webhook: Webhook, calls: list[WebhookCall]
    ) -> list[tuple[WebhookCall, Answer]]:
        """In their order, up to the first that fails: the rest waits without an attempt counted."""
        answered = []
        async with self._places:
            for call in calls:
                answer = await self._post(session, webhook, call)
                answered.append((call, answer))
                if not answer.is_taken:
                    break
        return answered

    async def _post(self, session: aiohttp.ClientSession, webhook: Webhook, call: WebhookCall) -> Answer:
        body = body_of(call)
        try:
            check_url(webhook.url, allows_private=self.allows_private)
            secret = self.keys.unseal(webhook.sealed_secret, webhook.seal_name)
            headers = {
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
                EVENT_ID: str(call.event_id),
                EVENT_KIND: call.kind.value,
                SIGNATURE: signature(secret, body, at=self.clock()),
            }
            # A redirection is no answer of the address that was given, and could lead inside.
            async with session.post(
                webhook.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
        except TimeoutError:
            return Answer(None, f"pas de réponse en {self.seconds_max:g} s")
        except (aiohttp.ClientError, AddressRefused, SecretUnreadable, OSError, ValueError) as error:
            return Answer(None, str(error) or type(error).__name__)
        return Answer(status, None if 200 <= status < 300 else f"réponse {status}")

    async def _settle(self, connection: Connection, call: WebhookCall, answer: Answer) -> None:
        now = self.clock()
        next_at = None if answer.is_taken else next_attempt_at(call.attempts + 1, now=now)
        state = CallState.TAKEN if answer.is_taken else CallState.WAITING if next_at else CallState.GIVEN_UP
        if not answer.is_taken:
            log.warning(
                "webhook_not_taken", webhook=call.webhook_id, status=answer.status, error=answer.error
            )
        await settle_call(
            connection,
            call.id,
            state,
            at=now,
            next_at=next_at or now,
            status=answer.status,
            error=answer.error,
        )
