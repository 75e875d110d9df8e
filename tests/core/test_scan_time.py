"""When a scan counts: now, or by its own time corrected by the offset of the device's clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from validator.verdict import OFFLINE_AGE_MAX, PARIS, ScanTime, scan_time

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_scan_that_says_no_time_counts_now():
    assert scan_time(scanned_at=None, sent_at=None, now=NOON) == ScanTime(NOON, None)
    assert scan_time(scanned_at=None, sent_at=NOON - DAY, now=NOON) == ScanTime(NOON, None)


@pytest.mark.parametrize("offset", [timedelta(), timedelta(hours=5), timedelta(days=-400)], ids=str)
def test_the_offset_of_the_clock_is_taken_off_when_the_device_says_what_time_it_has(offset):
    time = scan_time(scanned_at=NOON - 2 * DAY + offset, sent_at=NOON + offset, now=NOON)
    assert time == ScanTime(NOON - 2 * DAY, NOON - 2 * DAY)


def test_a_scan_may_wait_72_hours_and_not_a_moment_more():
    assert timedelta(hours=72) == OFFLINE_AGE_MAX
    on_time = scan_time(scanned_at=NOON - OFFLINE_AGE_MAX, sent_at=NOON, now=NOON)
    late = scan_time(scanned_at=NOON - OFFLINE_AGE_MAX - timedelta(microseconds=1), sent_at=NOON, now=NOON)
    assert not on_time.is_too_late
    assert late.is_too_late


def test_a_scan_from_the_future_counts_now():
    assert scan_time(scanned_at=NOON + DAY, sent_at=NOON, now=NOON).at == NOON
    assert scan_time(scanned_at=NOON + DAY, sent_at=None, now=NOON).at == NOON


def test_without_sent_at_the_clock_is_not_known():
    assert not scan_time(scanned_at=NOON - DAY, sent_at=None, now=NOON).is_clock_known


instants = st.datetimes(timezones=st.sampled_from([UTC, PARIS]))


@given(scanned_at=st.none() | instants, sent_at=st.none() | instants)
@example(scanned_at=datetime.min.replace(tzinfo=UTC), sent_at=datetime.max.replace(tzinfo=UTC))
@example(scanned_at=datetime.max.replace(tzinfo=UTC), sent_at=datetime.min.replace(tzinfo=UTC))
def test_whatever_clocks_say_a_scan_never_counts_later_than_now(scanned_at, sent_at):
    time = scan_time(scanned_at=scanned_at, sent_at=sent_at, now=NOON)
    assert time.at <= NOON
    assert time.scanned_at in {None, time.at}
    assert time.is_too_late == (NOON - time.at > OFFLINE_AGE_MAX)
    time.at.astimezone(PARIS)
