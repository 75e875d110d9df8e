"""Signed calls to other people's systems, over real HTTP: until they are taken, only where they may go."""

import asyncio
import hashlib
import hmac
import json

import pytest

from keys.webhook_secret import WebhookKeys, new_name, new_secret, shown
from ledger.connect import connected
from ledger.notice_facts import booklets_blocked
from ledger.notice_rows import CallState, NoticeKind, NoticeRefused
from ledger.notices import tell, tell_all
from ledger.webhooks import add_webhook, call_again, calls_of, end_webhook
from programmes.notices.calling import Calling
from programmes.notices.retries import ATTEMPTS_MAX, WAITS

KEYS = WebhookKeys(bytes(range(32)))
SECRET = new_secret()
BOTH = (NoticeKind.PAID, NoticeKind.BOOKLET_BLOCKED)


@pytest.fixture
def hook(connection, clock):
    async def added(url, *, kinds=BOTH, **scope):
        name = new_name()
        return await add_webhook(
            connection,
            url=url,
            kinds=kinds,
            seal_name=name,
            sealed_secret=KEYS.seal(SECRET, name),
            actor="tests",
            at=clock(),
            **scope,
        )

    return added


@pytest.fixture
def call(instance, clock):
    """One look, as a process of its own would."""

    async def looked(*, allows_private=True, seconds_max=2.0):
        async with connected(instance.dsn, purpose="webhooks") as own:
            return await Calling(KEYS, clock, allows_private, seconds_max).look(own)

    return looked


async def test_a_call_says_what_happened_and_bears_a_signature_that_its_receiver_can_check(
    hook, call, receiver, connection, a_fact, clock
):
    webhook = await hook(receiver.url)
    await tell(connection, a_fact(), at=clock())
    assert await call() == 1
    assert await call() == 0
    [(headers, body)] = receiver.requests
    timestamp, mac = (part.partition("=")[2] for part in headers["Poincon-Signature"].split(","))
    expected = hmac.new(shown(SECRET).encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(mac, expected)
    told = json.loads(body)
    assert told["kind"] == headers["Poincon-Event-Kind"] == "paid"
    assert told["id"] == headers["Poincon-Event-Id"]
    assert told["data"]["amount_cents"] == 12_000
    [done] = await calls_of(connection, webhook.id)
    assert (done.state, done.last_status) == (CallState.TAKEN, 204)


async def test_a_call_that_is_not_taken_is_repeated_under_the_same_event_id_and_with_the_same_body(
    hook, call, receiver, connection, a_fact, clock
):
    webhook = await hook(receiver.url)
    await tell(connection, a_fact(), at=clock())
    receiver.statuses = [500, 302]
    assert await call() == 0
    assert await call() == 0, "before its time"
    clock.forward(minutes=1)
    assert await call() == 0, "a redirection is not followed, and is no answer"
    clock.forward(seconds=int(WAITS[1].total_seconds()))
    assert await call() == 1
    assert len({headers["Poincon-Event-Id"] for headers, _ in receiver.requests}) == 1
    assert len({body for _, body in receiver.requests}) == 1
    assert len({headers["Poincon-Signature"] for headers, _ in receiver.requests}) == 3
    [done] = await calls_of(connection, webhook.id)
    assert (done.state, done.attempts) == (CallState.TAKEN, 3)


async def test_a_receiver_that_never_answers_well_is_given_up_and_called_again_by_a_person(
    hook, call, receiver, connection, a_fact, clock
):
    webhook = await hook(receiver.url)
    await tell(connection, a_fact(), at=clock())
    receiver.statuses = [503] * ATTEMPTS_MAX
    for _ in range(ATTEMPTS_MAX + 2):
        await call()
        clock.forward(days=2)
    [given_up] = await calls_of(connection, webhook.id)
    assert (given_up.state, given_up.attempts) == (CallState.GIVEN_UP, ATTEMPTS_MAX)
    await call_again(connection, given_up.id, actor="tests", at=clock())
    assert await call() == 1


async def test_a_receiver_that_says_nothing_is_left_after_seconds(
    hook, call, receiver, connection, a_fact, clock
):
    webhook = await hook(receiver.url)
    await tell(connection, a_fact(), at=clock())
    receiver.waits = asyncio.Event()
    assert await call(seconds_max=0.2) == 0
    [waiting] = await calls_of(connection, webhook.id)
    assert (waiting.state, waiting.last_status) == (CallState.WAITING, None)
    assert "pas de réponse" in waiting.error


async def test_a_failing_receiver_keeps_no_other_waiting_and_its_later_events_lose_no_attempt(
    hook, call, receiver, connection, a_fact, clock, unused_tcp_port
):
    broken = await hook(f"http://127.0.0.1:{unused_tcp_port}/")
    await hook(receiver.url)
    await tell_all(connection, [a_fact(number) for number in (1, 2, 3)], at=clock())
    assert await call() == 3
    assert sorted(one.attempts for one in await calls_of(connection, broken.id)) == [0, 0, 1]


async def test_nothing_is_sent_to_this_machine_or_its_network_unless_the_instance_says_so(
    hook, call, receiver, connection, a_fact, clock
):
    literal = await hook(receiver.url)
    named = await hook(receiver.url.replace("http://127.0.0.1", "https://localhost."))
    await tell(connection, a_fact(), at=clock())
    assert await call(allows_private=False) == 0
    assert not receiver.requests
    for webhook in (literal, named):
        [refused] = await calls_of(connection, webhook.id)
        assert (refused.state, refused.last_status) == (CallState.WAITING, None)
        assert refused.error


async def test_a_webhook_hears_of_its_operator_or_programme_and_of_the_kinds_it_asked_for(
    hook, connection, a_fact, clock, instance
):
    everything = await hook("https://a.example/")
    first = await hook("https://b.example/", operator_id=1)
    funder = await hook("https://c.example/", programme_id=instance.programme_id)
    paid_only = await hook("https://d.example/", kinds=[NoticeKind.PAID])
    await tell_all(connection, [a_fact(1), a_fact(2, operator_id=2)], at=clock())
    blocked = booklets_blocked(programme_id=instance.programme_id, booklets=[3, 2], cause="lost")
    await tell_all(connection, [blocked, blocked], at=clock())
    heard = {
        webhook.url: sorted(one.fact for one in await calls_of(connection, webhook.id))
        for webhook in (everything, first, funder, paid_only)
    }
    assert heard == {
        "https://a.example/": ["booklets_blocked:2", "paid:BR-1-1-1", "paid:BR-1-2-1"],
        "https://b.example/": ["paid:BR-1-1-1"],
        "https://c.example/": ["booklets_blocked:2"],
        "https://d.example/": ["paid:BR-1-1-1", "paid:BR-1-2-1"],
    }


async def test_an_ended_webhook_is_not_called_any_more(hook, call, receiver, connection, a_fact, clock):
    webhook = await hook(receiver.url)
    await tell(connection, a_fact(1), at=clock())
    await end_webhook(connection, webhook.id, actor="tests", at=clock(), reason="fin du contrat")
    await tell(connection, a_fact(2), at=clock())
    assert await call() == 0
    assert not receiver.requests
    [left] = await calls_of(connection, webhook.id)
    with pytest.raises(NoticeRefused):
        await call_again(connection, left.id, actor="tests", at=clock())
    with pytest.raises(NoticeRefused):
        await end_webhook(connection, webhook.id, actor="tests", at=clock(), reason="encore")


async def test_a_secret_sealed_by_another_instance_signs_nothing(
    hook, receiver, connection, a_fact, clock, instance
):
    webhook = await hook(receiver.url)
    await tell(connection, a_fact(), at=clock())
    async with connected(instance.dsn, purpose="webhooks") as own:
        assert await Calling(WebhookKeys(bytes(32)), clock, True).look(own) == 0
    assert not receiver.requests
    [waiting] = await calls_of(connection, webhook.id)
    assert "secret" in waiting.error
