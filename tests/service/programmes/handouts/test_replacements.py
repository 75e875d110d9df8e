"""Replaced booklets: what was left goes out again, once, on the same money; the old one is shut at once,
everywhere, and never both are live, whatever an offline phone or a scan under way brings."""

import asyncio
import os
import sys
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from keys.keyring import Keyring
from ledger.audit import audit
from ledger.book_rows import circulation_of, funds_of
from ledger.books import balances
from ledger.connect import connected
from ledger.counters import read_counters, total
from ledger.replacements import (
    ReplacementRefused,
    finish_replacement,
    replace_booklet,
    replacements_around,
    unfinished_replacements,
)
from ledger.rows import CancelCause, Outcome
from validator.replacement_clerk import finish_replacements

POINCON = (sys.executable, "-c", "from command.main import main; main()")


@pytest.fixture
def replace(house):
    async def replaced(booklet: int, *, cause: CancelCause = CancelCause.LOST):
        async with house.database() as connection:
            return await replace_booklet(
                connection, booklet, cause=cause, at=datetime.now(UTC), actor="tests", reason="perdu"
            )

    return replaced


async def test_what_is_left_goes_out_again_once_on_the_same_money(open_desk, give, house, codes_of, replace):
    desk = await open_desk()
    await give(desk)
    codes = await codes_of(desk.booklets[0])
    for code in codes[:3]:
        assert (await house.scan(code.qr)).verdict == "accepted"
    async with house.database() as connection:
        before = await balances(connection)
    done = await replace(desk.booklets[0])
    assert (done.passes, await replace(desk.booklets[0])) == (7, done)
    async with house.database() as connection:
        assert await balances(connection) == before
        assert await replacements_around(connection, done.new_booklet) == [done]
    await house.refreshed()
    again = await codes_of(done.new_booklet)
    assert [one.pass_id.number for one in again] == list(range(1, 8))
    verdicts = [(await house.scan(one.qr)).verdict for one in codes]
    assert verdicts == ["cancelled"] * 10
    assert [(await house.scan(one.qr)).verdict for one in again] == ["accepted"] * 7


async def test_who_handed_the_old_one_out_is_refused_the_new_one_too(
    open_desk, give, house, codes_of, replace
):
    device = await house.operator()
    desk = await open_desk(person_id=device.mediator_id)
    await give(desk)
    done = await replace(desk.booklets[0])
    handed = await give(desk, booklet=done.new_booklet)
    assert handed.is_replacement
    await house.refreshed()
    code = (await codes_of(done.new_booklet))[0].qr
    assert (await house.scan(code, device=device)).verdict == "own_prescription"
    assert (await house.scan(code)).verdict == "accepted"


async def test_a_scan_made_offline_before_the_loss_was_told_is_kept_for_the_trustee_and_takes_nothing(
    open_desk, give, house, codes_of, replace
):
    desk = await open_desk()
    code = (await codes_of(desk.booklets[0]))[0].qr
    await asyncio.sleep(0.05)
    scanned_at = datetime.now(UTC)
    await asyncio.sleep(0.05)
    done = await replace(desk.booklets[0])
    assert done.passes == 10
    await house.refreshed()
    attempt = str(uuid.uuid4())
    scan = {"attempt_id": attempt, "code": code, "scanned_at": scanned_at.isoformat()}
    answer = await house.batch([scan], sent_at=datetime.now(UTC).isoformat())
    assert answer.body["verdicts"][0]["refusal"] == "too_late"
    async with house.database() as connection:
        kept = await connection.fetchval("SELECT outcome FROM attempts WHERE attempt_id = $1", attempt)
    assert kept == "too_late"


async def test_a_replacement_waits_for_the_scan_that_still_saw_the_booklet_active(
    house, replace, open_desk, claim
):
    desk = await open_desk()
    number = desk.booklets[0]
    async with connected(house.settings.database_url, purpose="tests") as scanning:
        under_way = scanning.transaction()
        await under_way.start()
        assert await claim(scanning, number, house.devices[0]) is Outcome.TAKEN
        waiting = asyncio.create_task(replace(number))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        await under_way.commit()
    assert (await waiting).passes == 9


async def test_a_replacement_whose_process_was_killed_between_its_stages_is_finished_by_the_clerk(
    house, open_desk, until, claim
):
    desk = await open_desk()
    number = desk.booklets[0]
    asked = ("booklets", "replace", str(number), "--cause", "lost", "--reason", "perdu")
    env = os.environ | {"DATABASE_URL": house.settings.database_url}
    async with connected(house.settings.database_url, purpose="tests") as scanning, house.database() as other:

        async def is_shut() -> bool:
            return number in await unfinished_replacements(other)

        # The second stage waits for a scan that is under way, and the process dies waiting.
        async with scanning.transaction():
            assert await claim(scanning, number, house.devices[0]) is Outcome.TAKEN
            process = await asyncio.create_subprocess_exec(*POINCON, *asked, env=env)
            await until(is_shut, seconds=20)
            process.kill()
            await process.wait()
        assert await is_shut()
        assert await finish_replacements(other, datetime.now(UTC)) == 1
        [done] = await replacements_around(other, number)
        assert (done.passes, done.decided_by.partition(":")[0]) == (9, "cli")
        assert await finish_replacements(other, datetime.now(UTC)) == 0


async def test_of_scans_and_replacements_at_once_no_pass_is_live_twice(house, open_desk, codes_of, replace):
    desk = await open_desk(booklets=6)
    printed = {number: await codes_of(number) for number in desk.booklets}

    async def disagreements() -> set[tuple[str, str]]:
        async with house.database() as connection:
            found = await audit(connection, keyring=Keyring.from_keys([]), opened_keys=None)
        return {(one.check, one.subject) for one in found.disagreements}

    # The house is shared: other tests post what no programme does.
    before = await disagreements()

    async def scan_all(number: int) -> None:
        for one in printed[number]:
            sent = datetime.now(UTC)
            scan = {
                "attempt_id": str(uuid.uuid4()),
                "code": one.qr,
                "scanned_at": (sent - timedelta(milliseconds=200)).isoformat(),
            }
            await house.batch([scan], sent_at=sent.isoformat())

    async def replace_soon(number: int, wait: float) -> None:
        await asyncio.sleep(wait)
        await asyncio.gather(replace(number), replace(number))

    await asyncio.gather(
        *(scan_all(number) for number in desk.booklets),
        *(replace_soon(number, 0.03 * place) for place, number in enumerate(desk.booklets)),
    )
    async with house.database() as connection:
        for number in desk.booklets:
            taken = await connection.fetchval(
                "SELECT count(*) FROM acceptances WHERE booklet = $1 AND undone_at IS NULL", number
            )
            [done] = await replacements_around(connection, number)
            assert taken + done.passes == 10
        assert (await balances(connection))[circulation_of(house.programme_id)] < 0
    assert await disagreements() - before == set()


async def test_what_cannot_be_replaced_is_told_why_and_stays_as_it_was(
    house, open_desk, give, replace, codes_of
):
    waiting = (await house.issue(activated=False)).first_booklet
    with pytest.raises(ReplacementRefused, match="never active"):
        await replace(waiting)
    desk = await open_desk(booklets=2)
    await give(desk, last_pass=5)
    with pytest.raises(ReplacementRefused, match="in part"):
        await replace(desk.booklets[0])
    for one in await codes_of(desk.booklets[1]):
        assert (await house.scan(one.qr)).verdict == "accepted"
    with pytest.raises(ReplacementRefused, match="all its passes"):
        await replace(desk.booklets[1])
    with pytest.raises(ReplacementRefused, match="lost, stolen or spoiled"):
        await replace(desk.booklets[0], cause=CancelCause.VOID)
    async with house.database() as connection:
        with pytest.raises(ReplacementRefused, match="not being replaced"):
            await finish_replacement(connection, waiting, at=datetime.now(UTC), actor="tests")


async def test_a_cancelled_booklet_is_refused_by_another_validator_within_the_minute(
    house, twin, open_desk, codes_of, replace, until
):
    desk = await open_desk()
    codes = await codes_of(desk.booklets[0])
    assert (await house.scan(codes[0].qr, client=twin)).verdict == "accepted"
    await replace(desk.booklets[0], cause=CancelCause.STOLEN)
    began = asyncio.get_running_loop().time()

    async def refused() -> bool:
        body = {"code": codes[1].qr}
        answer = await house.call("POST", "/v1/checks", json=body, device=house.devices[0], client=twin)
        return answer.verdict == "cancelled"

    await until(refused, seconds=60)
    assert asyncio.get_running_loop().time() - began < 60
    assert (await house.scan(codes[1].qr, client=twin)).verdict == "cancelled"


async def test_an_undo_on_a_replaced_booklet_gives_its_money_back_and_revives_nothing(
    house, open_desk, codes_of, replace
):
    desk = await open_desk()
    code = (await codes_of(desk.booklets[0]))[0].qr
    attempt = str(uuid.uuid4())
    assert (await house.scan(code, attempt_id=attempt)).verdict == "accepted"
    done = await replace(desk.booklets[0])
    assert done.passes == 9
    async with house.database() as connection:
        before = await balances(connection)
    assert (await house.undo(attempt)).status == 200
    async with house.database() as connection:
        after = await balances(connection)
    funds = funds_of(house.programme_id)
    assert before[funds] - after[funds] == 1_000
    assert (await house.scan(code)).verdict == "cancelled"


async def test_a_replacement_is_issued_and_handed_out_no_second_time_in_any_counter(
    house, open_desk, give, replace
):
    programme_id = await house.programme()
    desk = await open_desk(programme_id=programme_id)
    await give(desk)
    done = await replace(desk.booklets[0])
    assert (await give(desk, booklet=done.new_booklet)).is_replacement
    async with house.database() as connection:
        counted = total(await read_counters(connection, now=datetime.now(UTC), programme_id=programme_id))
    assert (counted.issued.passes, counted.handed_out.passes, counted.remaining.passes) == (10, 10, 10)
    assert counted.handed_out.booklets == 1
    assert counted.adds_up
