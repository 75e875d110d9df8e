"""Lines of the bank that wait for a person, and what can be chosen for each. Deciding is payouts'."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger.connect import Connection
from ledger.match_rows import Allocation, Match, MatchKind, OpenLine
from ledger.matches import half_offsets, open_lines, payments_for
from payouts.matching import Explanation, Payments, Why, explain
from payouts.words import NAMED_MAX, line_sentence, proposal_sentence

# All proposals of these are one choice; of the others, each is.
TOGETHER = frozenset({Why.SUM_OF_A_BATCH, Why.CAME_BACK_SHORT})


@dataclass(frozen=True, slots=True)
class Choice:
    """What one button takes: the payments, told in a sentence."""

    sentence: str
    end_to_end_ids: frozenset[str]

    @property
    def mark(self) -> str:
        """Of exactly these payments: a form names them by it, thousands as well as one."""
        return hashlib.sha256("\n".join(sorted(self.end_to_end_ids)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Item:
    line: OpenLine
    sentence: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Worklist:
    items: tuple[Item, ...]  # those with something to confirm first
    halves: tuple[Match, ...]  # explained, and waiting for the line that undoes them


async def read_worklist(connection: Connection, *, line_id: int | None = None) -> Worklist:
    lines = await open_lines(connection, line_id=line_id)
    payments = Payments(await payments_for(connection, lines))
    items = [_item(line, payments) for line in lines]
    items.sort(key=lambda item: not item.choices)
    return Worklist(tuple(items), tuple(await half_offsets(connection)))


def _item(line: OpenLine, payments: Payments) -> Item:
    found = explain(line, payments)
    return Item(line, line_sentence(line, found), tuple(_choices(line, found, payments)))


def _choices(line: OpenLine, found: Explanation, payments: Payments) -> list[Choice]:
    if found.why is Why.TAKEN_BACK and line.open_cents == line.amount_cents:
        # What a person took back may be what a person wants after all.
        before = explain(replace(line, settled=frozenset()), payments)
        return _together(before.allocations or before.proposals)
    if found.why in TOGETHER:
        return _together(found.proposals)
    return [choice for one in found.proposals for choice in _together([one])]


def _together(allocations: Sequence[Allocation]) -> list[Choice]:
    named = [one for one in allocations if one.payment is not None]
    if not named:
        return []
    ids = frozenset(one.payment.end_to_end_id for one in named if one.payment)
    if len(named) == 1:
        return [Choice(proposal_sentence(named[0]), ids)]
    what = "retours" if named[0].kind is MatchKind.RETURN else "virements"
    told = ", ".join(sorted(ids)[:NAMED_MAX])
    more = len(ids) - NAMED_MAX
    return [Choice(f"{len(ids)} {what} : {told}{f' et {more} de plus' if more > 0 else ''}", ids)]
