"""Whether remittances closed in a storm add up, are those that were told, and hold what is live. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from ledger.remittance_rows import ClosedRemittance, hash_of_lines
from loadtests.drill.evidence import Evidence
from loadtests.drill.history import Call, Closed, Scan, Told
from loadtests.drill.record import Record
from loadtests.drill.violation import Kind, Violation


def check_remittances(evidence: Evidence, record: Record) -> Iterator[Violation]:
    yield from _check_record(record)
    yield from _check_told(evidence, record)
    yield from _check_undos(evidence, record)


def _check_record(record: Record) -> Iterator[Violation]:
    live = {Scan(row.attempt_id, row.pass_id) for row in record.acceptances if row.undone_at is None}
    amount_cents = {Scan(row.attempt_id, row.pass_id): row.amount_cents for row in record.acceptances}
    remitted: set[Scan] = set()
    numbers: dict[int, list[int]] = defaultdict(list)
    for closed in record.remittances:
        numbers[closed.remittance.operator_id].append(closed.remittance.number)
        if not _adds_up(closed):
            yield Violation(Kind.BAD_REMITTANCE, _name(closed), "does not add up")
        for line in closed.lines:
            scan = Scan(line.attempt_id, line.pass_id)
            if scan not in live or amount_cents[scan] != line.amount_cents:
                yield Violation(Kind.BAD_REMITTANCE, _name(closed), f"line {line.line} is no live acceptance")
            if scan in remitted:
                yield Violation(Kind.BAD_REMITTANCE, _name(closed), f"line {line.line} is remitted elsewhere")
            remitted.add(scan)
    for operator_id, found in numbers.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield Violation(Kind.BAD_REMITTANCE, f"operator {operator_id}", f"numbered {sorted(found)}")


def _adds_up(closed: ClosedRemittance) -> bool:
    remittance, lines = closed.remittance, closed.lines
    return (
        remittance.line_count == len(lines) > 0
        and remittance.total_cents == sum(line.amount_cents for line in lines)
        and remittance.total_cents == sum(part.total_cents for part in remittance.parts)
        and remittance.lines_sha256 == hash_of_lines(remittance.siret, remittance.number, list(lines))
    )


def _check_told(evidence: Evidence, record: Record) -> Iterator[Violation]:
    on_record = {
        (one.remittance.operator_id, one.remittance.number): _as_told(one) for one in record.remittances
    }
    told_of: dict[UUID, Closed] = {}
    for sent, told in evidence.closings:
        closed, request_id = told.closed, sent.request_id
        if closed is None or request_id is None:
            continue
        operator_id = record.site_operators[record.device_sites[sent.device]]
        subject = f"remittance {closed.number} of operator {operator_id}"
        if on_record.get((operator_id, closed.number)) != closed:
            yield Violation(Kind.REMITTANCE_LOST, subject, f"told at {told.at:.3f} s")
        if told_of.setdefault(request_id, closed) != closed:
            yield Violation(Kind.CLOSED_TWICE, subject, f"and {told_of[request_id].number}")


def _as_told(one: ClosedRemittance) -> Closed:
    remittance = one.remittance
    return Closed(
        remittance.number,
        remittance.line_count,
        remittance.total_cents,
        remittance.lines_sha256.hex(),
        adds_up=True,
    )


def _check_undos(evidence: Evidence, record: Record) -> Iterator[Violation]:
    remitted = {Scan(line.attempt_id, line.pass_id) for one in record.remittances for line in one.lines}
    for sent, told in evidence.exchanges:
        if sent.call is Call.UNDO and isinstance(told, Told) and told.problem == "remitted":
            [scan] = sent.scans
            if scan not in remitted:
                yield Violation(Kind.UNDO_REFUSED, f"attempt {scan.attempt_id}", "it is in no remittance")


def _name(closed: ClosedRemittance) -> str:
    return f"remittance {closed.remittance.number} of operator {closed.remittance.operator_id}"
