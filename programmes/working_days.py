"""Working days in metropolitan France: Monday to Friday but the eleven public holidays. No clock."""

from datetime import date, timedelta
from functools import cache

from holidays import country_holidays

SATURDAY = 5


@cache
def _holidays_of(year: int) -> frozenset[date]:
    return frozenset(country_holidays("FR", years=year))


def is_working_day(day: date) -> bool:
    return day.weekday() < SATURDAY and day not in _holidays_of(day.year)


def after_working_days(day: date, count: int) -> date:
    """The last day that is within `count` working days of `day`, which is not one of them."""
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day
