"""When calendars close: legal days in Paris, clock changes and the end of the year included."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calendar_rows import Calendar, Due, last_due_day, midnight, request_of
from payouts.certification import calendar_certification


@pytest.mark.parametrize(
    ("calendar", "today", "due"),
    [
        (Calendar.NONE, "2026-11-01", None),
        (Calendar.MONTHLY, "2026-11-01", "2026-11-01"),
        (Calendar.MONTHLY, "2026-10-31", "2026-10-01"),
        (Calendar.TWICE_A_MONTH, "2026-11-15", "2026-11-01"),
        (Calendar.TWICE_A_MONTH, "2026-11-16", "2026-11-16"),
        (Calendar.TWICE_A_MONTH, "2028-02-29", "2028-02-16"),
        (Calendar.WEEKLY, "2027-01-03", "2026-12-28"),
        (Calendar.WEEKLY, "2027-01-04", "2027-01-04"),
    ],
)
def test_a_day_is_due_from_its_own_morning_on(calendar, today, due):
    assert last_due_day(calendar, date.fromisoformat(today)) == (date.fromisoformat(due) if due else None)


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.sampled_from(list(Calendar)[1:]))
def test_days_never_go_back_and_are_never_further_than_a_month(today, calendar):
    due, tomorrow = last_due_day(calendar, today), last_due_day(calendar, today + timedelta(days=1))
    assert today - timedelta(days=30) <= due <= today
    assert due <= tomorrow
    assert last_due_day(calendar, due) == due


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        ("2027-01-01", "2026-12-31T23:00:00"),
        ("2026-03-29", "2026-03-28T23:00:00"),  # clocks go forward at two
        ("2026-03-30", "2026-03-29T22:00:00"),
        ("2026-10-25", "2026-10-24T22:00:00"),  # clocks go back at three
        ("2026-10-26", "2026-10-25T23:00:00"),
    ],
)
def test_what_is_closed_was_accepted_before_midnight_in_paris(day, begins):
    due = Due(1, "Structure", "99900001100018", date.fromisoformat(day), (1,))
    assert due.accepted_before.astimezone(UTC) == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert midnight(due.day) == due.accepted_before


def test_the_same_closing_has_the_same_name_and_no_other_has_it():
    day = date(2026, 11, 1)
    names = {request_of(operator, day + timedelta(days=n), place) for operator in (1, 2, 11)
             for n in range(3) for place in (0, 1)}  # fmt: skip
    assert len(names) == 18
    assert request_of(1, day, 0) == request_of(1, day, 0)


def test_what_the_calendar_closed_is_not_said_to_be_certified():
    text = calendar_certification(
        operator="La Fabrique à clics", operator_siret="99900001100018", day=date(2026, 11, 1)
    )
    assert "1er\u00a0novembre\u00a02026" in text
    assert "Personne ne l’a certifié" in text
    assert " certifie " not in text
