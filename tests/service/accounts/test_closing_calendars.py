"""Remittances that calendars close: once per operator and day, whatever runs again, with what was accepted
before the day began in Paris."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

import ledger.calendars
from ledger.audit_books import BOOK_CHECKS
from ledger.calendar_rows import Calendar, midnight
from ledger.calendars import close_due, due_closings, is_only_closer, read_calendars, set_calendar
from ledger.programmes import UnknownProgramme
from ledger.remittances import list_remittances, read_remittance
from payouts.remittance_pdf import draw_remittance
from validator.app import build_app
from validator.closings import CalendarClerk
from validator.settings import Settings
from validator.wiring import CLERK

SECOND = timedelta(seconds=1)


@pytest.fixture
async def device(world):
    return await world.house.operator(qualified=False)


@pytest.fixture
def programme_on(world):
    async def make(calendar):
        programme_id = await world.house.programme()
        async with world.house.database() as connection:
            await set_calendar(connection, programme_id, calendar, reason="avenant 2", actor="tests")
        return programme_id

    return make


@pytest.fixture
def close(world, device):
    async def close(at):
        async with world.house.database() as connection:
            return [
                one
                for due in await due_closings(connection, at=at)
                if due.operator_id == device.operator_id
                for one in await close_due(connection, due, certification="par le calendrier", at=at)
            ]

    return close


async def _closed(world, device):
    async with world.house.database() as connection:
        page, _ = await list_remittances(connection, device.operator_id, limit=50, offset=0)
        return [await read_remittance(connection, device.operator_id, one.number) for one in reversed(page)]


@pytest.mark.parametrize("day", ["2027-01-01", "2026-04-01", "2026-11-01"])
async def test_the_last_second_of_a_month_is_in_and_the_first_of_the_next_is_not(
    world, device, programme_on, close, day
):
    programme_id = await programme_on(Calendar.MONTHLY)
    begins = midnight(date.fromisoformat(day))
    [last] = await world.accept(device, begins - SECOND, programme_id=programme_id)
    [first] = await world.accept(device, begins, programme_id=programme_id)
    [closed] = await close(begins)
    assert (closed.line_count, closed.total_cents, closed.closed_by) == (1, 1_000, "calendar")
    [whole] = await _closed(world, device)
    assert [line.attempt_id for line in whole.lines] == [last]
    assert whole.remittance.names.certified_by is None
    [later] = await close(midnight(date.fromisoformat(day) + timedelta(days=31)))
    assert later.number == 2
    assert [line.attempt_id for line in (await _closed(world, device))[1].lines] == [first]


async def test_a_second_run_closes_nothing_more_even_of_what_came_late(world, device, programme_on, close):
    programme_id = await programme_on(Calendar.MONTHLY)
    begins = midnight(date(2027, 2, 1))
    await world.accept(device, begins - SECOND, programme_id=programme_id)
    assert len(await close(begins)) == 1
    await world.accept(device, begins - 2 * SECOND, programme_id=programme_id)
    assert await close(begins + timedelta(days=3)) == []
    [caught_up] = await close(midnight(date(2027, 3, 1)))
    assert caught_up.line_count == 1


async def test_eight_runs_at_once_close_one_remittance(world, device, programme_on, close):
    programme_id = await programme_on(Calendar.WEEKLY)
    monday = midnight(date(2027, 5, 3))
    await world.accept(device, monday - SECOND, count=5, programme_id=programme_id)
    closed = await asyncio.gather(*(close(monday) for _ in range(8)))
    assert sum(map(len, closed)) == 1
    [whole] = await _closed(world, device)
    assert whole.remittance.line_count == 5


async def test_a_missed_run_is_made_good_by_the_next(world, device, programme_on, close):
    programme_id = await programme_on(Calendar.TWICE_A_MONTH)
    for day in (5, 20):
        await world.accept(device, midnight(date(2027, 6, day)), programme_id=programme_id)
    [closed] = await close(midnight(date(2027, 7, 4)))
    assert closed.line_count == 2


async def test_each_programme_closes_on_its_own_calendar_and_none_of_itself(
    world, device, programme_on, close
):
    weekly, monthly, none = [
        await programme_on(one) for one in (Calendar.WEEKLY, Calendar.MONTHLY, Calendar.NONE)
    ]
    for programme_id in (weekly, monthly, none):
        await world.accept(device, midnight(date(2027, 8, 5)), programme_id=programme_id)
    [closed] = await close(midnight(date(2027, 8, 9)))
    assert [part.programme_id for part in closed.parts] == [weekly]
    [closed] = await close(midnight(date(2027, 9, 1)))
    assert [part.programme_id for part in closed.parts] == [monthly]
    async with world.house.database() as connection:
        calendars = await read_calendars(connection)
    assert calendars[weekly] is Calendar.WEEKLY
    assert none not in calendars


async def test_what_one_remittance_can_not_hold_is_closed_by_the_next_at_once(
    world, device, programme_on, close, monkeypatch
):
    monkeypatch.setattr(ledger.calendars, "LINES_MAX", 2)
    programme_id = await programme_on(Calendar.MONTHLY)
    begins = midnight(date(2027, 10, 1))
    await world.accept(device, begins - SECOND, count=5, programme_id=programme_id)
    assert [one.line_count for one in await close(begins)] == [2, 2, 1]
    assert await close(begins) == []


async def test_the_paper_says_that_a_calendar_closed_it_and_the_books_agree(
    world, device, programme_on, close
):
    programme_id = await programme_on(Calendar.MONTHLY)
    begins = midnight(date(2027, 11, 1))
    await world.accept(device, begins - SECOND, programme_id=programme_id)
    await close(begins)
    [whole] = await _closed(world, device)
    assert draw_remittance(whole) == draw_remittance(whole)
    async with world.house.database() as connection:
        for check, query in BOOK_CHECKS.items():
            assert await connection.fetch(query) == [], check


async def test_a_programme_that_is_not_there_has_no_calendar(world):
    async with world.house.database() as connection:
        with pytest.raises(UnknownProgramme):
            await set_calendar(connection, 9_999, Calendar.MONTHLY, reason=None, actor="tests")


async def test_the_command_closes_what_is_due_and_then_nothing(
    world, device, programme_on, environment_of, poincon
):
    programme_id = await programme_on(Calendar.NONE)
    env = environment_of(world.house.settings)
    run = await poincon(
        "programmes", "closings", str(programme_id), "--calendar", "monthly", "--reason", "avenant", env=env
    )
    assert (run.returncode, "monthly" in run.stdout) == (0, True), run.stderr
    begins = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0)
    await world.accept(device, begins - timedelta(days=1), programme_id=programme_id)
    run = await poincon("remittances", "close-due", "--json", env=env)
    assert run.returncode == 0, run.stderr
    [closed] = [one for one in json.loads(run.stdout) if one["operator_id"] == device.operator_id]
    assert closed["names"]["certified_by"] is None
    assert "calendrier de clôture" in closed["certification"]
    again = await poincon("remittances", "close-due", env=env)
    assert again.stdout == "0 remittances closed by the calendar\n"
    wrong = await poincon("remittances", "close-due", "--at", "2999-01-01", env=env)
    assert wrong.returncode == 2
    assert "yet to come" in wrong.stderr


async def test_the_service_closes_by_itself_what_is_due_once_however_many_processes_look(
    world, device, programme_on
):
    programme_id = await programme_on(Calendar.MONTHLY)
    begins = midnight(date(2028, 1, 1))
    await world.accept(device, begins - SECOND, count=3, programme_id=programme_id)
    clerks = [CalendarClerk(world.house.settings.database_url, now=lambda: begins) for _ in range(4)]
    assert sum(await asyncio.gather(*(clerk.look() for clerk in clerks))) == 1
    assert await clerks[0].look() == 0
    [whole] = await _closed(world, device)
    assert "calendrier de clôture" in whole.remittance.certification
    async with world.house.database() as connection:
        assert await is_only_closer(connection)
        assert await clerks[1].look() == 0


async def test_one_operator_in_trouble_keeps_no_other_from_its_closing(
    world, device, programme_on, monkeypatch
):
    programme_id = await programme_on(Calendar.MONTHLY)
    begins = midnight(date(2028, 2, 1))
    other = await world.house.operator(qualified=False)
    for one in (device, other):
        await world.accept(one, begins - SECOND, programme_id=programme_id)
    closes = ledger.calendars.close_due

    async def failing(connection, due, **how):
        assert due.operator_id != device.operator_id, "planted"
        return await closes(connection, due, **how)

    monkeypatch.setattr("payouts.calendar_closing.close_due", failing)
    clerk = CalendarClerk(world.house.settings.database_url, now=lambda: begins)
    assert await clerk.look() == 1
    assert [one.remittance.line_count for one in await _closed(world, other)] == [1]
    monkeypatch.undo()
    assert await clerk.look() == 1


async def test_a_process_closes_on_calendars_unless_it_is_told_not_to(world, passphrase_file):
    """Tests choose their instants, so their services don't."""
    told = {
        "DATABASE_URL": "postgresql:///x",
        "POINCON_KEYS": "k",
        "POINCON_PASSPHRASE_FILE": str(passphrase_file),
    }
    assert Settings.from_environment(told).closes_on_calendars
    assert not Settings.from_environment(told | {"POINCON_CLOSINGS": "no"}).closes_on_calendars
    assert CLERK not in build_app(world.house.settings)
    assert CLERK in build_app(replace(world.house.settings, closes_on_calendars=True))
