"""Warnings that passes expire: each once, with what is left by the published definition."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ledger.notices import recent_notices
from ledger.validity_ends import ending_programmes
from programmes.notices.endings import warn_of_endings, warning_due

END = date(2027, 12, 31)


@pytest.mark.parametrize(
    ("left", "warning"),
    [(31, None), (30, 30), (16, 30), (15, 15), (7, 7), (2, 7), (1, 1), (0, 1), (-1, None)],
)
def test_the_warning_of_a_day_is_the_nearest_that_holds(left, warning):
    assert warning_due(END, END - timedelta(days=left)) == warning


async def test_a_funder_is_warned_once_per_stage_with_the_days_and_passes_that_are_left(connection, instance):
    [ending] = await ending_programmes(connection, instance.programme_id)

    async def looked(days: int) -> int:
        day = ending.last_day - timedelta(days=days)
        return await warn_of_endings(connection, now=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))

    assert [await looked(days) for days in (40, 30, 29, 12, 12, 7, 1, 0, -1)] == [0, 1, 0, 1, 0, 1, 1, 0, 0]
    told = [one.payload for one in reversed(await recent_notices(connection))]
    assert [one["days_left"] for one in told] == [30, 12, 7, 1]
    assert {one["remaining_passes"] for one in told} == {30}, "three booklets of ten"
