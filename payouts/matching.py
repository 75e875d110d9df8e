"""What explains a line of the bank, decided from facts and without I/O. reconciling.py does what is decided.

What a line says itself (an end-to-end id, a batch of ours and its sum) is believed. What only resembles is
proposed, and a person confirms. Nothing else moves money between accounts of the books.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ledger.match_rows import Allocation, How, MatchKind, OpenLine, Payment
from ledger.payout_rows import AttemptState
from payouts.bank.letters import to_epc

PROPOSALS_MAX = 5


class Why(StrEnum):
    """Why a line is explained, proposed or left in suspense. payouts/words.py says it in French."""

    # explained
    NAMED = "named"
    WHOLE_BATCH = "whole_batch"
    CAME_BACK = "came_back"
    REJECTED_YET_DEBITED = "rejected_yet_debited"
    EXECUTED_AGAIN = "executed_again"
    UNDOES = "undoes"
    # proposed
    SUM_OF_A_BATCH = "sum_of_a_batch"
    SAME_AMOUNT = "same_amount"
    NAMED_IN_TEXT = "named_in_text"
    CAME_BACK_SHORT = "came_back_short"
    # in suspense
    OTHER_AMOUNT = "other_amount"
    WAITS_FOR_DEBIT = "waits_for_debit"
    PARTS_DO_NOT_SUM = "parts_do_not_sum"
    BACK_ALREADY = "back_already"
    TAKEN_BACK = "taken_back"
    UNKNOWN_CREDIT = "unknown_credit"
    UNKNOWN_DEBIT = "unknown_debit"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is believed, else what is proposed, else why neither."""

    why: Why
    allocations: tuple[Allocation, ...] = ()
    proposals: tuple[Allocation, ...] = ()
    together: bool = False  # the proposals are one: all of a batch, say; else a person takes one of them


Named = tuple[Payment, int, str | None]  # a payment, what the line says of its amount, the bank's reason


class Payments:
    """The attempts, by what banks name them with; what one line explains, the next one knows."""

    def __init__(self, payments: Iterable[Payment]) -> None:
        self._by_id = {payment.end_to_end_id: payment for payment in payments}
        self._of_message: dict[str, list[str]] = {}
        for payment in self._by_id.values():
            self._of_message.setdefault(payment.message_id, []).append(payment.end_to_end_id)

    def named(self, end_to_end_id: str | None) -> Payment | None:
        return self._by_id.get(end_to_end_id or "")

    def of_message(self, message_id: str) -> list[Payment]:
        return [self._by_id[one] for one in self._of_message.get(message_id, ())]

    @property
    def messages(self) -> Collection[str]:
        return self._of_message.keys()

    def all(self) -> Iterable[Payment]:
        return self._by_id.values()

    def apply(self, allocation: Allocation) -> None:
        assert allocation.payment is not None
        payment = self._by_id[allocation.payment.end_to_end_id]
        match allocation.kind:
            case MatchKind.PAYOUT:
                payment = replace(payment, state=AttemptState.BOOKED)
            case MatchKind.RETURN:
                payment = replace(payment, state=AttemptState.RETURNED)
            case _:
                payment = replace(payment, offset_cents=payment.offset_cents + allocation.amount_cents)
        self._by_id[payment.end_to_end_id] = payment


def explain(line: OpenLine, payments: Payments) -> Explanation:
    assert line.open_cents
    found = _explain_once(line, payments)
    if found.why is not Why.TAKEN_BACK or line.open_cents != line.amount_cents:
        return found
    # What a person took back is not believed again; it may still be what it is after all.
    before = _explain_once(replace(line, settled=frozenset()), payments)
    believed = tuple(replace(one, how=How.CONFIRMED) for one in before.allocations)
    return Explanation(
        Why.TAKEN_BACK, (), believed or before.proposals, together=bool(believed) or before.together
    )


def _explain_once(line: OpenLine, payments: Payments) -> Explanation:
    return _explain_debit(line, payments) if line.amount_cents < 0 else _explain_credit(line, payments)


def payments_named(line: OpenLine, payments: Payments) -> list[Payment]:
    """All that the line may be about: none of it is sent again while the line is unexplained."""
    named = {one for mention in line.mentions if (one := payments.named(mention.end_to_end_id)) is not None}
    for message_id in _messages_of(line, payments):
        named.update(payments.of_message(message_id))
    return sorted(named | set(_in_text(line, payments)), key=lambda payment: payment.id)


def _explain_debit(line: OpenLine, payments: Payments) -> Explanation:
    if known := _known_mentions(line, payments):
        if -sum(amount for _, amount, _ in known) > -line.open_cents:
            return Explanation(Why.PARTS_DO_NOT_SUM)
        judged = [_debit_of(payment, amount, How.END_TO_END_ID) for payment, amount, _ in known]
        sound = tuple(one for one in judged if one is not None)
        return Explanation(_why_of_debit(sound[0]), sound) if sound else Explanation(Why.OTHER_AMOUNT)
    if line.settled:
        return Explanation(Why.TAKEN_BACK)
    messages = sorted(_messages_of(line, payments))
    for message_id in messages:
        if found := _whole_batch(line, payments.of_message(message_id), How.BATCH):
            return Explanation(_why_of_batch(found), found)
    return Explanation(Why.OTHER_AMOUNT) if messages else _propose_debit(line, payments)


def _debit_of(payment: Payment, amount_cents: int, how: How) -> Allocation | None:
    if amount_cents != -payment.amount_cents:
        return None
    match payment.state:
        case AttemptState.SENT:
            return Allocation(payment, MatchKind.PAYOUT, amount_cents, how)
        # Refused and debited all the same with its batch, or executed a second time: it must come back.
        case AttemptState.REJECTED | AttemptState.BOOKED | AttemptState.RETURNED:
            return Allocation(payment, MatchKind.OFFSET, amount_cents, how)
        case _:
            return None


def _why_of_debit(allocation: Allocation) -> Why:
    assert allocation.payment is not None
    if allocation.kind is MatchKind.PAYOUT:
        return Why.NAMED
    rejected = allocation.payment.state is AttemptState.REJECTED
    return Why.REJECTED_YET_DEBITED if rejected else Why.EXECUTED_AGAIN


def _why_of_batch(allocations: Sequence[Allocation]) -> Why:
    paid = any(one.kind is MatchKind.PAYOUT for one in allocations)
    return Why.WHOLE_BATCH if paid else _why_of_debit(allocations[0])


def _whole_batch(line: OpenLine, batch: Sequence[Payment], how: How) -> tuple[Allocation, ...]:
    """One debit for the file: all that is still at the bank, with or without what the bank rejected."""
    sent = [payment for payment in batch if payment.state is AttemptState.SENT]
    rejected = [p for p in batch if p.state is AttemptState.REJECTED and not p.offset_cents]
    for group in (sent, sent + rejected) if sent else (list(batch),):
        if -line.open_cents == sum(payment.amount_cents for payment in group):
            judged = [_debit_of(payment, -payment.amount_cents, how) for payment in group]
            if found := tuple(one for one in judged if one is not None):
                return found
    return ()


def _propose_debit(line: OpenLine, payments: Payments) -> Explanation:
    batches = [payments.of_message(message_id) for message_id in sorted(payments.messages)]
    waiting = [batch for batch in batches if any(p.state is AttemptState.SENT for p in batch)]
    whole = [found for batch in waiting if (found := _whole_batch(line, batch, How.CONFIRMED))]
    if len(whole) == 1 and len(whole[0]) > 1:
        return Explanation(Why.SUM_OF_A_BATCH, proposals=whole[0], together=True)
    alike = [p for p in payments.all() if p.state is AttemptState.SENT and p.amount_cents == -line.open_cents]
    return _proposed(line, alike, payments, MatchKind.PAYOUT) or Explanation(Why.UNKNOWN_DEBIT)


def _explain_credit(line: OpenLine, payments: Payments) -> Explanation:
    known = _known_mentions(line, payments)
    if not known:
        if line.settled:
            return Explanation(Why.TAKEN_BACK)
        alike = [
            p for p in payments.all() if p.state is AttemptState.BOOKED and p.amount_cents == line.open_cents
        ]
        return _proposed(line, alike, payments, MatchKind.RETURN) or Explanation(Why.UNKNOWN_CREDIT)
    if sum(amount for _, amount, _ in known) > line.open_cents:
        return Explanation(Why.PARTS_DO_NOT_SUM)
    judged = [_credit_of(*one) for one in known]
    if sound := [one for one in judged if isinstance(one, Allocation) and one.how is not How.CONFIRMED]:
        why = Why.CAME_BACK if sound[0].kind is MatchKind.RETURN else Why.UNDOES
        return Explanation(why, tuple(sound))
    if short := tuple(one for one in judged if isinstance(one, Allocation)):
        return Explanation(Why.CAME_BACK_SHORT, proposals=short, together=True)
    return Explanation(next(one for one in judged if isinstance(one, Why)))


def _credit_of(payment: Payment, amount_cents: int, reason: str | None) -> Allocation | Why:
    # A pair that waits is completed first: what was debited twice and came back once was paid once.
    if payment.offset_cents <= -amount_cents:
        return Allocation(payment, MatchKind.OFFSET, amount_cents, How.END_TO_END_ID, reason)
    match payment.state:
        case AttemptState.BOOKED if amount_cents == payment.amount_cents:
            return Allocation(payment, MatchKind.RETURN, amount_cents, How.END_TO_END_ID, reason)
        case AttemptState.BOOKED if amount_cents < payment.amount_cents:
            return Allocation(payment, MatchKind.RETURN, amount_cents, How.CONFIRMED, reason)
        case AttemptState.BOOKED:
            return Why.OTHER_AMOUNT
        case AttemptState.RETURNED:
            return Why.BACK_ALREADY
        case _:
            return Why.WAITS_FOR_DEBIT


def _known_mentions(line: OpenLine, payments: Payments) -> list[Named]:
    """Payments of ours that the line names and has not settled, each once."""
    found: dict[str, Named] = {}
    sign = 1 if line.amount_cents > 0 else -1
    for mention in line.mentions:
        payment = payments.named(mention.end_to_end_id)
        if payment is None or payment.end_to_end_id in found or payment.end_to_end_id in line.settled:
            continue
        cents = mention.amount_cents
        if cents is None:
            cents = line.open_cents if len(line.mentions) == 1 else sign * payment.amount_cents
        if cents * sign > 0:
            found[payment.end_to_end_id] = (payment, cents, mention.reason)
    return list(found.values())


def _messages_of(line: OpenLine, payments: Payments) -> set[str]:
    told = set(line.message_ids)
    for mention in line.mentions:
        # CFONB gives one reference, which for a batch is that of its file.
        told |= {mention.message_id or "", mention.end_to_end_id or ""}
    return {one for one in told if one in payments.messages}


def _in_text(line: OpenLine, payments: Payments) -> list[Payment]:
    texts = (line.label, *(mention.text for mention in line.mentions))
    words = {word.strip(".,;:()") for text in texts for word in text.split()}
    return [payment for word in sorted(words) if (payment := payments.named(word)) is not None]


def _proposed(
    line: OpenLine, alike: list[Payment], payments: Payments, kind: MatchKind
) -> Explanation | None:
    """Those named in free text, else those whose holder or account the line tells, else all of the amount."""
    told = {_bare(part) for mention in line.mentions for part in (mention.name, mention.iban) if part}
    in_text = [payment for payment in _in_text(line, payments) if payment in alike]
    by_party = [payment for payment in alike if told & {_bare(payment.holder), _bare(payment.iban)}]
    likely = in_text or by_party or ([] if told else alike)
    if not likely:
        return None
    reason = next((mention.reason for mention in line.mentions if mention.reason), None)
    return Explanation(
        Why.NAMED_IN_TEXT if in_text else Why.SAME_AMOUNT,
        proposals=tuple(
            Allocation(payment, kind, line.open_cents, How.CONFIRMED, reason)
            for payment in likely[:PROPOSALS_MAX]
        ),
    )


def _bare(text: str) -> str:
    """As banks write names: without accents, perhaps in capitals."""
    return "".join(to_epc(text).split()).casefold()
