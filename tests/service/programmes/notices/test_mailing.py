"""Notices by mail, through real SMTP servers that fail in named ways: sent once, or told to a person."""

import asyncio
import sys
from dataclasses import replace

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from ledger.connect import connected
from ledger.contacts import add_address, list_addresses, remove_address
from ledger.notice_facts import bank_account_changed, returned
from ledger.notice_rows import NoticeRefused, NoticeState
from ledger.notices import (
    begin_sending,
    recent_notices,
    resend,
    settle_by_hand,
    stuck_notices,
    tell,
    tell_all,
)
from ledger.payout_rows import OperatorAccount
from programmes.notices.mail_server import MailServer
from programmes.notices.retries import ATTEMPTS_MAX, WAITS
from validator.app import build_app

BY_HAND = {"actor": "tests", "reason": "vu au téléphone"}


async def test_a_notice_leaves_once_in_french_to_who_is_concerned(
    told, serving, kinds_of_servers, mail, notice
):
    server = kinds_of_servers["takes"]()
    async with serving(server) as reached:
        assert await mail(reached) == 1
        assert await mail(reached) == 0
    [message] = server.taken
    assert message["To"] == "compta@fabrique.example"
    assert "Virement de" in message["Subject"]
    assert "BR-1-1-1" in message.get_content()
    assert (await notice()).state is NoticeState.SENT


async def test_a_fact_told_twice_is_one_notice_and_a_fact_that_is_not_kept_is_none(
    told, a_fact, connection, clock
):
    await tell_all(connection, [a_fact(), a_fact(2), a_fact(2)], at=clock())
    undone = connection.transaction()
    await undone.start()
    await tell(connection, a_fact(3), at=clock())
    await undone.rollback()
    assert [one.fact for one in await recent_notices(connection)] == ["paid:BR-1-2-1", "paid:BR-1-1-1"]


async def test_a_greylisted_notice_is_sent_at_the_next_try(
    told, serving, kinds_of_servers, mail, notice, clock
):
    server = kinds_of_servers["greylists"]()
    async with serving(server) as reached:
        assert await mail(reached) == 0
        waiting = await notice()
        assert (waiting.state, waiting.attempts, waiting.next_at) == (
            NoticeState.WAITING,
            1,
            clock() + WAITS[0],
        )
        assert "451" in waiting.error
        assert await mail(reached) == 0, "before its time"
        clock.forward(minutes=1)
        assert await mail(reached) == 1
    assert len(server.taken) == 1
    assert ((await notice()).state, (await notice()).error) == (NoticeState.SENT, None)


@pytest.mark.parametrize(("how", "code"), [("refuses the recipient", "550"), ("refuses the text", "554")])
async def test_a_notice_refused_for_good_waits_for_a_person_and_is_not_tried_again(
    how, code, told, serving, kinds_of_servers, mail, notice, connection, clock
):
    server = kinds_of_servers[how]()
    async with serving(server) as reached:
        await mail(reached)
        clock.forward(days=30)
        await mail(reached)
    assert len(server.recipients_asked) == 1
    stuck = await notice()
    assert (stuck.state, code in stuck.error) == (NoticeState.REFUSED, True)
    assert [one.id for one in await stuck_notices(connection)] == [stuck.id]


async def test_a_text_that_is_not_taken_for_now_is_given_again(
    told, serving, kinds_of_servers, mail, notice, clock
):
    async with serving(kinds_of_servers["is full for now"]()) as reached:
        assert await mail(reached) == 0
    assert ((await notice()).state, (await notice()).attempts) == (NoticeState.WAITING, 1)
    clock.forward(minutes=1)
    server = kinds_of_servers["takes"]()
    async with serving(server) as reached:
        assert await mail(reached) == 1
    assert len(server.taken) == 1


async def test_a_server_that_hangs_up_after_the_text_leaves_a_notice_that_only_a_person_sends_again(
    told, serving, kinds_of_servers, mail, notice, clock, connection
):
    server = kinds_of_servers["drops after DATA"]()
    async with serving(server) as reached:
        assert await mail(reached) == 0
        unclear = await notice()
        assert unclear.state is NoticeState.UNCLEAR
        clock.forward(days=30)
        assert await mail(reached) == 0
    assert len(server.taken) == 1, "it may have arrived: it is not repeated"
    await resend(connection, unclear.id, at=clock(), **BY_HAND)
    other = kinds_of_servers["takes"]()
    async with serving(other) as reached:
        assert await mail(reached) == 1
    assert other.taken[0]["Message-ID"] == server.taken[0]["Message-ID"]


async def test_a_server_that_does_not_answer_the_text_in_time_leaves_it_unclear(
    told, serving, kinds_of_servers, mail, notice
):
    server = kinds_of_servers["is slow"]()
    async with serving(server) as reached:
        assert await mail(reached) == 0
        server.answers.set()
    assert (await notice()).state is NoticeState.UNCLEAR
    assert len(server.taken) == 1


async def test_a_server_that_is_down_costs_one_notice_an_attempt_and_the_others_none(
    told, a_fact, connection, mail, clock, unused_tcp_port
):
    await tell_all(connection, [a_fact(number) for number in range(2, 6)], at=clock())
    assert await mail(MailServer("127.0.0.1", unused_tcp_port, "a@pass.example", start_tls=False)) == 0
    attempts = sorted(one.attempts for one in await recent_notices(connection))
    assert attempts == [0, 0, 0, 0, 1]
    assert {one.state for one in await recent_notices(connection)} == {NoticeState.WAITING}


async def test_a_server_that_offers_no_tls_gets_nothing(told, serving, kinds_of_servers, mail, notice):
    server = kinds_of_servers["takes"]()
    async with serving(server) as reached:
        assert await mail(replace(reached, start_tls=True)) == 0
    assert not server.taken
    assert not server.recipients_asked
    assert (await notice()).state is NoticeState.WAITING


async def test_patience_ends_with_a_person(told, mail, notice, clock, unused_tcp_port):
    nowhere = MailServer("127.0.0.1", unused_tcp_port, "a@pass.example", start_tls=False)
    for _ in range(ATTEMPTS_MAX + 3):
        await mail(nowhere)
        clock.forward(days=2)
    given_up = await notice()
    assert (given_up.state, given_up.attempts) == (NoticeState.GIVEN_UP, ATTEMPTS_MAX)


KILLED = """
import asyncio, sys
from datetime import datetime
from ledger.connect import connected
from programmes.notices.mail_server import MailServer
from programmes.notices.mailing import Mailing

async def main():
    server = MailServer("127.0.0.1", int(sys.argv[2]), "avis@pass.example", start_tls=False)
    async with connected(sys.argv[1], purpose="mail") as own:
        await Mailing(server, None, lambda: datetime.fromisoformat(sys.argv[3])).look(own)

asyncio.run(main())
"""


async def test_a_mailer_killed_after_the_text_left_never_sends_it_again(
    told, serving, kinds_of_servers, mail, notice, instance, clock, until, connection
):
    server = kinds_of_servers["is slow"]()
    async with serving(server) as reached:
        arguments = [instance.dsn, str(reached.port), clock().isoformat()]
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, *arguments)
        try:
            async with asyncio.timeout(30):
                await server.has_text.wait()
        finally:
            process.kill()
            await process.wait()
        server.answers.set()
        assert (await notice()).state is NoticeState.SENDING

        async def is_unlocked() -> bool:
            await mail(reached)
            return (await notice()).state is NoticeState.UNCLEAR

        await until(is_unlocked)
        clock.forward(days=30)
        assert await mail(reached) == 0
    assert len(server.taken) == 1
    unclear = await notice()
    assert "interrompu" in unclear.error
    await settle_by_hand(connection, unclear.id, NoticeState.SENT, at=clock(), **BY_HAND)
    assert (await notice()).state is NoticeState.SENT


async def test_one_process_sends_while_the_others_look_on(
    told, serving, kinds_of_servers, mail, instance, clock
):
    server = kinds_of_servers["is slow"]()
    async with serving(server) as reached:
        first = asyncio.create_task(mail(reached))
        await server.has_text.wait()
        assert await mail(reached) == 0
        server.answers.set()
        assert await first == 1
    assert len(server.taken) == 1


async def test_many_mailers_at_once_send_each_notice_once(
    told, a_fact, connection, serving, kinds_of_servers, mail, clock
):
    await tell_all(connection, [a_fact(number) for number in range(2, 21)], at=clock())
    server = kinds_of_servers["takes"]()
    async with serving(server) as reached:
        for _ in range(3):
            await asyncio.gather(*(mail(reached) for _ in range(4)))
    assert len(server.taken) == 20
    assert len({message["Message-ID"] for message in server.taken}) == 20


async def test_a_notice_without_an_address_waits_for_a_person_who_adds_one(
    connection, a_fact, clock, serving, kinds_of_servers, mail
):
    await tell(connection, a_fact(), at=clock())
    [stuck] = await stuck_notices(connection)
    assert (stuck.state, stuck.address) == (NoticeState.NO_ADDRESS, None)
    with pytest.raises(NoticeRefused, match="add an address first"):
        await resend(connection, stuck.id, at=clock(), **BY_HAND)
    assert (await stuck_notices(connection))[0].state is NoticeState.NO_ADDRESS
    for address in ("a@fabrique.example", "b@fabrique.example"):
        await add_address(connection, address, operator_id=1, actor="tests", at=clock())
    await resend(connection, stuck.id, at=clock(), **BY_HAND)
    assert await stuck_notices(connection) == []
    server = kinds_of_servers["takes"]()
    async with serving(server) as reached:
        assert await mail(reached) == 2
    assert {message["To"] for message in server.taken} == {"a@fabrique.example", "b@fabrique.example"}


async def test_a_changed_bank_account_is_told_to_the_address_that_was_removed_the_day_before(
    told, connection, clock
):
    [former] = await list_addresses(connection, operator_id=1)
    await remove_address(connection, former.id, actor="intruder", at=clock())
    await add_address(connection, "moi@evil.example", operator_id=1, actor="intruder", at=clock())
    clock.forward(days=1)
    account = OperatorAccount(
        5,
        1,
        "La Fabrique",
        "FR7630006000011234567890189",
        None,
        "RIB",
        clock(),
        1,
        None,
        None,
        None,
        None,
        None,
        None,
    )
    await tell(connection, bank_account_changed(account, "propose", at=clock()), at=clock())
    changed = [one.address for one in await recent_notices(connection) if one.kind == "bank_account_changed"]
    assert sorted(changed) == ["compta@fabrique.example", "moi@evil.example"]


async def test_the_trustee_is_told_where_it_gave_an_address(connection, clock):
    back = returned(operator_id=1, end_to_end_id="BR-1-9-1", holder="X", amount_cents=100, reason="AC04")
    await add_address(connection, "payeurs@mandataire.example", actor="tests", at=clock())
    await tell(connection, back, at=clock())
    told = {one.audience: one.address for one in await recent_notices(connection)}
    assert told == {"operator": None, "trustee": "payeurs@mandataire.example"}


async def test_the_record_refuses_to_send_a_sent_notice_again_whoever_asks(
    told, connection, superuser, serving, kinds_of_servers, mail, notice, clock
):
    async with serving(kinds_of_servers["takes"]()) as reached:
        await mail(reached)
    sent = await notice()
    with pytest.raises(NoticeRefused, match="not one that waits for a person"):
        await resend(connection, sent.id, at=clock(), **BY_HAND)
    for change in ("state = 'waiting', sent_at = NULL", "address = 'x@evil.example'", "payload = '{}'"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await superuser.execute(f"UPDATE notices SET {change}")
    with pytest.raises(asyncpg.RestrictViolationError):
        await superuser.execute("DELETE FROM notices")
    assert not await begin_sending(connection, sent.id, at=clock())


async def test_a_letter_that_can_not_be_written_keeps_no_other_from_leaving(
    told, connection, superuser, a_fact, serving, kinds_of_servers, mail, clock
):
    await superuser.execute(
        "INSERT INTO notices (fact, kind, audience, address, payload, state, told_at, next_at, changed_at)"
        " VALUES ('x', 'paid', 'operator', 'x@y.example', '{}', 'waiting', $1, $1, $1)",
        clock.now.replace(year=2025),
    )
    server = kinds_of_servers["takes"]()
    async with serving(server) as reached:
        assert await mail(reached) == 1
    assert {one.state for one in await recent_notices(connection)} == {NoticeState.SENT, NoticeState.REFUSED}


@pytest.mark.parametrize("address", ["é@fabrique.example", "a@b", "a b@c.example", "a@c.example\nBcc: x", ""])
async def test_an_address_that_mail_servers_do_not_take_is_refused_when_it_is_given(
    address, connection, clock
):
    with pytest.raises(NoticeRefused):
        await add_address(connection, address, operator_id=1, actor="tests", at=clock())


async def test_who_sends_mail_holds_no_lock_after_its_connection_ends(told, instance, mail, unused_tcp_port):
    nowhere = MailServer("127.0.0.1", unused_tcp_port, "a@pass.example", start_tls=False)
    await mail(nowhere)
    async with connected(instance.dsn, purpose="tests") as other:
        assert await other.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


async def test_the_running_service_sends_what_is_due_by_itself(
    instance, told, serving, kinds_of_servers, until, notice
):
    server = kinds_of_servers["takes"]()
    async with serving(server) as reached:
        settings = replace(instance.settings, sends_notices=True, mail=reached)
        async with TestClient(TestServer(build_app(settings))):

            async def is_sent() -> bool:
                return (await notice()).state is NoticeState.SENT

            await until(is_sent)
    assert len(server.taken) == 1


async def test_a_service_that_stops_waits_for_the_answer_to_a_text_that_is_out(
    told, serving, kinds_of_servers, mail, notice
):
    server = kinds_of_servers["is slow"]()
    async with serving(server) as reached:
        sending = asyncio.create_task(mail(reached))
        await server.has_text.wait()
        sending.cancel()
        await asyncio.sleep(0)
        server.answers.set()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert (await notice()).state is NoticeState.SENT
