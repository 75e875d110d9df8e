"""The demo's clock: the service's modules go by it in a demo, nothing else does, and it only goes forward."""

import sys
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner

import command.report
from command.surroundings import Surroundings
from demo.clock import REAL_CLOCK, ROOMS, ClockRefused, DemoClock, going_by, load_rooms
from demo.skipping import SKIPPED_MAX, nights, read_target

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
MONTH = timedelta(days=30)
PARIS = ZoneInfo("Europe/Paris")


def modules():
    """Of ours, those that know `datetime`."""
    rooms = {*ROOMS, "demo", "embedded", "keys", "ledger", "loadtests", "scanner"}
    return {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] in rooms and isinstance(getattr(module, "datetime", None), type)
    }


def ahead(module) -> bool:
    return module.datetime.now(UTC) - datetime.now(UTC) > MONTH - timedelta(minutes=1)


@pytest.fixture
def clock(tmp_path):
    clock = DemoClock(tmp_path / "clock")
    clock.move_to(clock.now() + MONTH)
    return clock


def test_the_service_goes_by_it_sessions_and_the_record_do_not_and_in_the_end_nobody_does(clock):
    load_rooms()
    known = modules()
    assert {"validator.scan_calls", "console.visit", "validator.closings", "command.report"} <= known.keys()
    with going_by(clock):
        for name, module in known.items():
            assert ahead(module) == (name.partition(".")[0] in ROOMS and name not in REAL_CLOCK), name
    assert not any(ahead(module) for module in known.values())
    assert all(module.datetime is datetime for module in known.values())


def test_what_modules_make_of_it_are_plain_instants(clock):
    with going_by(clock):
        moved = sys.modules["console.visit"].datetime
        assert type(moved.now(UTC)) is datetime
        assert type(moved.combine(NOW.date(), time(3), UTC)) is datetime
        assert type(moved.fromisoformat("2026-11-21T09:30:00+00:00")) is datetime
        assert moved(2026, 11, 21, 9, 30, tzinfo=UTC) == NOW
        assert isinstance(NOW, moved)
        assert not isinstance(NOW.date(), moved)


def test_another_process_sees_it_move_and_nobody_moves_it_back(clock, tmp_path):
    other = DemoClock(tmp_path / "clock")
    assert other.ahead == clock.ahead
    other.move_to(other.now() + MONTH)
    assert clock.ahead == other.ahead >= 2 * MONTH - timedelta(seconds=2)
    with pytest.raises(ClockRefused, match="only goes forward"):
        clock.move_to(clock.now() - timedelta(hours=1))
    with pytest.raises(ClockRefused, match="20 years"):
        clock.move_to(clock.now() + timedelta(days=30_000))


def test_a_command_given_the_demo_s_folder_goes_by_its_clock_until_it_ends(clock, tmp_path):
    (tmp_path / "environment.json").write_text("{}", encoding="utf-8")
    seen = []

    @click.command()
    def told():
        Surroundings(None)
        seen.append(ahead(command.report))
        Surroundings(tmp_path)
        seen.append(ahead(command.report))

    CliRunner().invoke(told, catch_exceptions=False)
    assert seen == [False, True]
    assert not ahead(command.report)


def test_it_is_told_by_how_much_or_to_which_day():
    assert read_target("+30d", NOW) == NOW + MONTH
    assert read_target(" +2 j", NOW) == NOW + timedelta(days=2)
    assert read_target("+12h", NOW) == NOW + timedelta(hours=12)
    # The same hour in Paris, though the sun is elsewhere.
    assert read_target("2027-07-01", NOW) == datetime(2027, 7, 1, 8, 30, tzinfo=UTC)
    for wrong in ("30d", "demain", "2026-11-20", f"+{SKIPPED_MAX.days + 1}d", "2027-02-30"):
        with pytest.raises(ClockRefused):
            read_target(wrong, NOW)


def test_every_night_on_the_way_is_lived_once_at_both_changes_of_the_hour():
    lived = list(nights(NOW, NOW + timedelta(days=365)))
    days = [at.astimezone(PARIS).date() for at in lived]
    assert len(lived) == 365
    assert all(after - before == timedelta(days=1) for before, after in pairwise(days))
    assert {at.astimezone(PARIS).hour for at in lived} == {3}
