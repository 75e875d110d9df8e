"""Decides from the history and the tables whether what was promised was kept. Pure: no I/O, no clock."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import inf

from keys.passes import PassId
from keys.receipt import open_receipt
from ledger.rows import Acceptance
from ledger.seals import receipt_of
from loadtests.drill.evidence import Answer, Evidence, Exchange
from loadtests.drill.healing import Healing
from loadtests.drill.history import AnyEvent, Call, Excuse, Lost, Scan, Told
from loadtests.drill.record import Record
from loadtests.drill.remittance_checker import check_remittances
from loadtests.drill.revocation_checker import is_refused_as_revoked, taken_after_revocation
from loadtests.drill.violation import Kind, Violation
from loadtests.drill.waiting_checker import held_up

RECOVERY_SECONDS_MAX = 60.0  # a validator starts in three, and in twenty on a machine that is busy
# An undo that could not reach Valkey is known everywhere once each validator has read the record again.
STALE_SECONDS_MAX = 6.0
NOTIFY_SECONDS_MAX = 1.0  # the same when only the guard's few milliseconds were missed on a busy machine

# Answers that say no for a reason that holds on a sound stack too.
REFUSALS = {Call.UNDO: "remitted", Call.CLOSE: "nothing-to-remit"}


def check(events: Sequence[AnyEvent], record: Record, *, is_over: bool) -> list[Violation]:
    """events: up to the reading of the record, which was read while nothing was under way.

    is_over: no more requests will come, so that a validator that is not back by now never will be.
    """
    return list(_Checker(Evidence(events), record).violations(is_over=is_over))


class _Checker:
    def __init__(self, evidence: Evidence, record: Record) -> None:
        self._evidence = evidence
        self._record = record
        self._healing = Healing(evidence.struck, evidence.exchanges)
        self._row_of = {Scan(row.attempt_id, row.pass_id): row for row in record.acceptances}
        self._rows_of: dict[PassId, list[Acceptance]] = defaultdict(list)
        for row in record.acceptances:
            self._rows_of[row.pass_id].append(row)

    def violations(self, *, is_over: bool) -> Iterator[Violation]:
        for exchange in self._evidence.exchanges:
            yield from self._check_exchange(exchange)
        for scan, row in self._row_of.items():
            yield from self._check_row(scan, row)
        for pass_id in {scan.pass_id for scan in self._evidence.answers_of} | set(self._rows_of):
            yield from self._check_pass(pass_id)
        for scan, answers in self._evidence.answers_of.items():
            yield from self._check_attempt(scan, answers)
        yield from check_remittances(self._evidence, self._record)
        yield from taken_after_revocation(self._evidence)
        yield from held_up(self._evidence)
        if self._record.deadlocks:
            yield Violation(Kind.DEADLOCK, "record", f"{self._record.deadlocks} of them")
        for scan in self._evidence.gave_up:
            yield Violation(Kind.GAVE_UP, _name(scan), "no answer")
        for recovery in self._healing.recoveries() if is_over else ():
            if recovery.seconds > RECOVERY_SECONDS_MAX:
                yield Violation(Kind.NOT_BACK, recovery.fault, f"no acceptance for {recovery.seconds:.1f} s")
        for disagreement in self._record.disagreements:
            yield Violation(Kind.AUDIT, "record", disagreement)

    def _check_exchange(self, exchange: Exchange) -> Iterator[Violation]:
        subject = f"exchange {exchange.sent.exchange} with validator {exchange.sent.validator}"
        told = f"at {exchange.end.at:.3f} s"
        match exchange.end:
            case Told(status=200) if not exchange.answers_what_was_sent:
                yield Violation(Kind.MIXED_UP, subject, told)
            case Told(status=200 | 201) | Lost(was_cut=True):
                pass
            case Told(status=409, problem=problem) if REFUSALS.get(exchange.sent.call) == problem:
                pass
            case Told(status=503):
                if not self._is_excused(Excuse.CANNOT_DECIDE, exchange):
                    yield Violation(Kind.UNEXCUSED_503, subject, told)
            case Told(status=status, problem=problem):
                yield Violation(
                    Kind.BAD_STATUS, subject, f"{status} {problem} to {exchange.sent.call} {told}"
                )
            case Lost(detail=detail):
                if not self._is_excused(Excuse.BROKEN_LINE, exchange):
                    yield Violation(Kind.UNEXCUSED_BREAK, subject, f"{detail} {told}")

    def _is_excused(self, excuse: Excuse, exchange: Exchange) -> bool:
        sent, end = exchange
        return self._healing.is_excused(excuse, validator=sent.validator, since=sent.at, until=end.at)

    def _check_row(self, scan: Scan, row: Acceptance) -> Iterator[Violation]:
        device = self._evidence.device_of.get(scan)
        if device is None:
            yield Violation(Kind.NEVER_SENT, _name(scan), "a row without a request")
        elif self._record.device_sites[device] != row.site_id:
            yield Violation(Kind.NEVER_SENT, _name(scan), f"recorded at site {row.site_id}")
        if row.undone_at is not None and scan not in self._evidence.undos_sent:
            yield Violation(Kind.NEVER_SENT, _name(scan), "undone without a request")
        if row.undone_at is None and scan in self._evidence.undone_at:
            yield Violation(Kind.UNDO_LOST, _name(scan), "told undone, and live")

    def _check_pass(self, pass_id: PassId) -> Iterator[Violation]:
        live = [row for row in self._rows_of[pass_id] if row.undone_at is None]
        if len(live) > 1:
            yield Violation(Kind.TAKEN_TWICE, str(pass_id), ", ".join(str(row.attempt_id) for row in live))
        is_revoked = any(pass_id.booklet in one.booklets for one in self._evidence.revoked)
        if not live and pass_id not in self._evidence.passes_undone and not is_revoked:
            yield Violation(Kind.NOT_TAKEN, str(pass_id), "no live acceptance")

    def _check_attempt(self, scan: Scan, answers: list[Answer]) -> Iterator[Violation]:
        accepted = [answer for answer in answers if answer.is_accepted]
        refused = [answer for answer in answers if not answer.is_accepted]
        if accepted:
            yield from self._check_row_told(scan, accepted)
            yield from self._check_constancy(scan, accepted, refused)
        for answer in refused:
            yield from self._check_refusal(scan, answer)

    def _check_row_told(self, scan: Scan, accepted: list[Answer]) -> Iterator[Violation]:
        row = self._row_of.get(scan)
        if row is None:
            yield Violation(Kind.ACCEPTED_LOST, _name(scan), f"told at {accepted[0].told_at:.3f} s")
            return
        written = receipt_of(row, self._record.sirets[row.operator_id])
        for text in {answer.verdict.receipt for answer in accepted}:
            if open_receipt(text, self._record.keyring) != written:
                yield Violation(Kind.BAD_RECEIPT, _name(scan), "does not verify, or is not the row's")
        if {answer.verdict.accepted_at for answer in accepted} != {row.accepted_at}:
            yield Violation(Kind.ANSWERED_OTHERWISE, _name(scan), "another instant than the row's")

    def _check_constancy(
        self, scan: Scan, accepted: list[Answer], refused: list[Answer]
    ) -> Iterator[Violation]:
        if len({answer.verdict.receipt for answer in accepted}) > 1:
            yield Violation(Kind.ANSWERED_OTHERWISE, _name(scan), "another receipt")
        first_told_at = accepted[0].told_at
        for answer in refused:
            if is_refused_as_revoked(scan, answer, self._evidence, knows_all_at=first_told_at):
                continue
            # Once another attempt holds a pass, only an undo can free it for this one.
            if answer.sent.at >= first_told_at or scan.pass_id not in self._evidence.passes_undone:
                detail = f"refused at {answer.told_at:.3f} s, accepted at {first_told_at:.3f} s"
                yield Violation(Kind.ANSWERED_OTHERWISE, _name(scan), detail)
        undone_at = self._evidence.undone_at.get(scan, inf)
        for answer in accepted:
            if answer.sent.at >= undone_at and answer.verdict.undone_at is None:
                yield Violation(Kind.ANSWERED_OTHERWISE, _name(scan), "accepted as live after its undo")

    def _check_refusal(self, scan: Scan, answer: Answer) -> Iterator[Violation]:
        verdict, sent = answer.verdict, answer.sent
        if is_refused_as_revoked(scan, answer, self._evidence):
            return
        if verdict.refusal != "already_accepted" or verdict.earlier is None:
            yield Violation(Kind.UNEXPECTED_REFUSAL, _name(scan), verdict.refusal or verdict.verdict)
            return
        owners = [
            Scan(row.attempt_id, row.pass_id)
            for row in self._rows_of[scan.pass_id]
            if row.attempt_id != scan.attempt_id
            and row.accepted_at == verdict.earlier.accepted_at
            and self._record.site_names[row.site_id] == verdict.earlier.site
        ]
        if not owners:
            detail = f"{verdict.earlier.accepted_at} at {verdict.earlier.site}: nobody's acceptance"
            yield Violation(Kind.REFUSED_WITHOUT_OWNER, _name(scan), detail)
            return
        freed_at = max(self._evidence.undone_at.get(owner, inf) for owner in owners)
        is_blind = self._healing.is_excused(
            Excuse.STALE_MARK, validator=sent.validator, since=freed_at - STALE_SECONDS_MAX, until=sent.at
        )
        if sent.at > freed_at + (STALE_SECONDS_MAX if is_blind else NOTIFY_SECONDS_MAX):
            detail = f"its owner was undone at {freed_at:.3f} s, it was sent at {sent.at:.3f} s"
            yield Violation(Kind.REFUSED_WITHOUT_OWNER, _name(scan), detail)


def _name(scan: Scan) -> str:
    return f"attempt {scan.attempt_id} on pass {scan.pass_id.number} of booklet {scan.pass_id.booklet}"
