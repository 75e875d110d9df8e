"""The days of the end of validity, in Paris, over both changes of the clocks."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calendar_rows import midnight
from programmes.end_of_validity import Phase, Stage, Validity, due_stages

CONVENTION = Validity(date(2026, 12, 31), 31)


def test_the_days_of_the_convention():
    assert CONVENTION.alert_on == date(2026, 12, 1)
    assert CONVENTION.block_on == date(2026, 12, 16)
    assert CONVENTION.acknowledge_on == date(2026, 12, 24)
    assert CONVENTION.refused_on == date(2027, 2, 1)
    assert CONVENTION.statement_on == date(2027, 2, 6)


@pytest.mark.parametrize(
    ("day", "phase"),
    [
        (date(2026, 12, 1), Phase.ALERT),
        (date(2026, 12, 16), Phase.BLOCK),
        (date(2026, 12, 24), Phase.LAST_WEEK),
        (date(2027, 1, 1), Phase.GRACE),
        (date(2027, 2, 1), Phase.OVER),
        (date(2027, 2, 6), Phase.STATEMENT),
    ],
)
def test_a_phase_begins_at_its_midnight_and_not_a_second_before(day, phase):
    begins = midnight(day).astimezone(UTC)
    assert CONVENTION.phase(begins) is phase
    assert CONVENTION.phase(begins - timedelta(seconds=1)) is not phase


def test_a_long_grace_waits_for_its_last_offline_scan():
    long = Validity(date(2026, 12, 31), 60)
    assert long.statement_on > long.refused_on
    assert midnight(long.statement_on) > long.released_from


BEGINS = datetime(2024, 6, 1, tzinfo=UTC)
VALIDITIES = st.builds(Validity, st.dates(date(2025, 1, 1), date(2030, 12, 31)), st.integers(0, 365))
INSTANTS = st.integers(0, 3_000 * 86_400).map(lambda seconds: BEGINS + timedelta(seconds=seconds))


@given(VALIDITIES, INSTANTS, INSTANTS)
def test_phases_only_go_forward(validity, one, other):
    order = list(Phase)
    early, late = sorted((one, other))
    assert order.index(validity.phase(early)) <= order.index(validity.phase(late))


@given(VALIDITIES, INSTANTS, st.sets(st.sampled_from(Stage)))
def test_nothing_is_released_before_the_last_scan_and_nothing_is_done_twice(validity, now, done):
    due = due_stages(validity, done, now)
    assert not set(due) & done
    if Stage.RELEASED in due:
        assert validity.phase(now) in {Phase.OVER, Phase.STATEMENT}
        assert due == [Stage.RELEASED]
    if validity.phase(now) is Phase.STATEMENT:
        assert Stage.RELEASED in {*due, *done}
