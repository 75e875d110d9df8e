"""Whether the statements of an account follow one another without a hole. No import, no storage."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from typing import Final

from payouts.bank.money import decimal_of
from payouts.bank.statement import Statement

# Beyond this the order of the file is kept: looking for who follows whom is quadratic.
STATEMENTS_A_DAY_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Gap:
    """Between two statements the balance changed, by what no statement here tells."""

    account: str
    currency: str | None
    closed_on: date | None
    closing_cents: int
    opened_on: date | None
    opening_cents: int

    @property
    def missing_cents(self) -> int:
        return self.opening_cents - self.closing_cents

    def __str__(self) -> str:
        currency = self.currency or "EUR"
        return (
            f"{self.account}: closed at {decimal_of(self.closing_cents, currency)} on {self.closed_on}, "
            f"opened at {decimal_of(self.opening_cents, currency)} on {self.opened_on}: "
            f"{decimal_of(self.missing_cents, currency)} {currency} of movements are missing"
        )


def gaps(statements: Iterable[Statement]) -> tuple[Gap, ...]:
    """In any order and with repeats: they are put in order of their days first.

    Notices and interim reports have no balances to chain, and are passed over.
    """
    accounts: dict[tuple[str, str | None], list[Statement]] = {}
    for statement in dict.fromkeys(statements):
        if statement.opening_cents is not None and statement.closing_cents is not None:
            accounts.setdefault((statement.account, statement.currency), []).append(statement)
    return tuple(
        gap
        for chain in accounts.values()
        for earlier, later in pairwise(_in_order(chain))
        if (gap := _gap(earlier, later)) is not None
    )


def _in_order(chain: list[Statement]) -> Iterator[Statement]:
    """By day, then by the number the bank gave; of several on one day, the one that follows comes next."""
    in_days = sorted(chain, key=lambda statement: (_days(statement), (statement.sequence or "").rjust(35)))
    previous: Statement | None = None
    for _, same_day in groupby(in_days, key=_days):
        left = list(same_day)
        while left:
            previous = _next(left, previous) if len(left) <= STATEMENTS_A_DAY_MAX else left[0]
            left.remove(previous)
            yield previous


def _next(day: list[Statement], previous: Statement | None) -> Statement:
    following = [each for each in day if previous and each.opening_cents == previous.closing_cents]
    closings = {statement.closing_cents for statement in day}
    heads = [statement for statement in day if statement.opening_cents not in closings]
    return (following or heads or day)[0]


def _days(statement: Statement) -> tuple[date, date]:
    closed = statement.closing_on or date.min
    return closed, statement.opening_on or closed


def _gap(earlier: Statement, later: Statement) -> Gap | None:
    assert earlier.closing_cents is not None
    assert later.opening_cents is not None
    if earlier.closing_cents == later.opening_cents:
        return None
    return Gap(
        account=earlier.account,
        currency=earlier.currency,
        closed_on=earlier.closing_on,
        closing_cents=earlier.closing_cents,
        opened_on=later.opening_on,
        opening_cents=later.opening_cents,
    )


def apart(opening_cents: int, closing_cents: int, others: Iterable[tuple[int, int, int]]) -> set[int]:
    """Of other statements of the same days, given as number, opening and closing: those that begin where this
    one ends, or end where it begins, and theirs in turn. They tell of other movements than this one.

    One that shares an end with this one may tell of the same movements, and is left out.
    """
    sound = [one for one in others if one[1] != opening_cents and one[2] != closing_cents]
    return _reached(closing_cents, [(number, start, end) for number, start, end in sound]) | _reached(
        opening_cents, [(number, end, start) for number, start, end in sound]
    )


def _reached(from_cents: int, steps: list[tuple[int, int, int]]) -> set[int]:
    found: set[int] = set()
    ends = [from_cents]
    while ends:
        at = ends.pop()
        for number, start, end in steps:
            if start == at and number not in found:
                found.add(number)
                ends.append(end)
    return found
