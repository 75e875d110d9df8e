"""The checker alone, on a short history and its record: silent when all is well, and each lie by its name."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs

from keys.keyring import KeyPurpose, Keyring, KeyState, PublicKey
from keys.passes import PassId
from keys.receipt import sign_receipt
from keys.signer import Ed25519Signer
from ledger.remittance_rows import (
    ClosedRemittance,
    Remittance,
    RemittanceLine,
    RemittanceNames,
    RemittancePart,
    hash_of_lines,
)
from ledger.rows import Acceptance
from ledger.seals import receipt_of
from loadtests.drill.checker import check
from loadtests.drill.history import (
    AnyEvent,
    Call,
    Closed,
    Earlier,
    Excuse,
    GaveUp,
    Lost,
    Revoked,
    Scan,
    Sent,
    Struck,
    Told,
    Verdict,
)
from loadtests.drill.record import Record
from loadtests.drill.violation import Kind

SIRET = "99900001100018"
SITES = {1: "Médiathèque", 2: "Maison de quartier"}
PASS = PassId(7, 3)
FIRST, SECOND, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SIGNER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEYRING = Keyring.from_keys(
    [PublicKey(SIGNER.kid, KeyPurpose.RECEIPT, KeyState.ACTIVE, SIGNER.raw_public_key, created_at=NOON)]
)


def a_row(attempt_id: UUID = FIRST, **changed: Any) -> Acceptance:
    return structs.replace(Acceptance(PASS, attempt_id, NOON, 1, 1, 1_000, 1), **changed)


def a_record(*rows: Acceptance, **changed: Any) -> Record:
    record = Record(
        acceptances=rows,
        remittances=(),
        site_names=SITES,
        site_operators={1: 1, 2: 1},
        sirets={1: SIRET},
        device_sites=(1, 2),
        keyring=KEYRING,
        disagreements=(),
        deadlocks=0,
    )
    return replace(record, **changed)


def a_remittance(*rows: Acceptance, **changed: Any) -> ClosedRemittance:
    lines = [
        RemittanceLine(place, row.pass_id, row.attempt_id, row.accepted_at, row.amount_cents, 1, 1, "")
        for place, row in enumerate(rows, 1)
    ]
    total_cents = sum(line.amount_cents for line in lines)
    remittance = Remittance(
        operator_id=1,
        siret=SIRET,
        number=1,
        closed_at=NOON,
        line_count=len(lines),
        total_cents=total_cents,
        lines_sha256=hash_of_lines(SIRET, 1, lines),
        closed_by="device:1",
        certification="",
        names=RemittanceNames("", None, {}, {}, {}, {}),
        parts=(RemittancePart(1, len(lines), total_cents, 30),),
    )
    return ClosedRemittance(replace(remittance, **changed), tuple(lines))


def closed(one: ClosedRemittance, **changed: Any) -> Closed:
    remittance = one.remittance
    told = Closed(
        remittance.number, remittance.line_count, remittance.total_cents, remittance.lines_sha256.hex(), True
    )
    return structs.replace(told, **changed)


def accepted(row: Acceptance, **changed: Any) -> Verdict:
    verdict = Verdict(
        "accepted",
        row.attempt_id,
        {"booklet": PASS.booklet, "number": PASS.number},
        accepted_at=row.accepted_at,
        receipt=sign_receipt(receipt_of(row, SIRET), SIGNER),
    )
    return structs.replace(verdict, **changed)


def refused(attempt_id: UUID, owner: Acceptance, **changed: Any) -> Verdict:
    verdict = Verdict(
        "refused",
        attempt_id,
        {"booklet": PASS.booklet, "number": PASS.number},
        refusal="already_accepted",
        earlier=Earlier(owner.accepted_at, SITES[owner.site_id]),
    )
    return structs.replace(verdict, **changed)


class Story:
    """Exchanges one after the other, a second each, told as they are added."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.seconds = 0.0

    def ask(
        self, attempt_id: UUID, end: Verdict | int | str, *, device: int = 0, call: Call = Call.SCAN
    ) -> "Story":
        exchange = len(self.events) + 1
        scan = Scan(attempt_id, PASS)
        self.events.append(Sent(self.seconds, exchange, 0, device, call, (scan,)))
        self.seconds += 1.0
        match end:
            case Verdict():
                self.events.append(Told(self.seconds, exchange, 200, (end,)))
            case int():
                self.events.append(Told(self.seconds, exchange, end))
            case str():
                self.events.append(Lost(self.seconds, exchange, end == "cut", end))
        return self

    def close(self, told: Closed, *, request_id: UUID = OTHER) -> "Story":
        exchange = len(self.events) + 1
        self.events.append(Sent(self.seconds, exchange, 0, 0, Call.CLOSE, (), request_id))
        self.seconds += 1.0
        self.events.append(Told(self.seconds, exchange, 201, closed=told))
        return self

    def refuse_undo(self, attempt_id: UUID) -> "Story":
        exchange = len(self.events) + 1
        self.events.append(Sent(self.seconds, exchange, 0, 0, Call.UNDO, (Scan(attempt_id, PASS),)))
        self.events.append(Told(self.seconds + 0.1, exchange, 409, problem="remitted"))
        return self.wait(1.0)

    def revoke(self) -> "Story":
        self.events.append(Revoked(self.seconds, self.seconds + 0.1, frozenset({PASS.booklet})))
        return self.wait(0.1)

    def lose_valkey(self, *, waiting: int) -> "Story":
        """So many scans are sent while it is away, and answered when it is back."""
        began, first = self.seconds, len(self.events) + 1
        scan = (Scan(FIRST, PASS),)
        self.events += [Sent(began, first + n, 0, 0, Call.SCAN, scan) for n in range(waiting)]
        self.wait(3.0)
        struck = Struck(began, "freeze_valkey", self.seconds, (Excuse.STALE_MARK,), is_outage=True)
        self.events.append(struck)
        told = (accepted(a_row()),)
        self.events += [Told(self.seconds + 0.1, first + n, 200, told) for n in range(waiting)]
        return self.wait(1.0)

    def undo(self, attempt_id: UUID) -> "Story":
        undone = Verdict("undone", attempt_id, {"booklet": PASS.booklet, "number": PASS.number})
        return self.ask(attempt_id, undone, call=Call.UNDO)

    def strike(self, *excuses: Excuse) -> "Story":
        self.events.append(Struck(self.seconds, "a fault", self.seconds + 0.5, excuses))
        return self.wait(1.0)

    def give_up(self, attempt_id: UUID) -> "Story":
        self.events.append(GaveUp(self.seconds, (Scan(attempt_id, PASS),)))
        return self

    def wait(self, seconds: float) -> "Story":
        self.seconds += seconds
        return self


def a_good_story() -> Story:
    """Taken by the first attempt, which a cut had hidden from its phone; refused to the second; repeated."""
    return (
        Story()
        .ask(FIRST, "cut")
        .ask(FIRST, accepted(a_row()))
        .ask(SECOND, refused(SECOND, a_row()), device=1)
        .ask(FIRST, accepted(a_row()))
    )


def kinds(story: Story, record: Record) -> set[Kind]:
    return {violation.kind for violation in check(story.events, record, is_over=True)}


def test_a_good_history_has_nothing_wrong() -> None:
    assert kinds(a_good_story(), a_record(a_row())) == set()


def test_an_undone_pass_may_be_taken_by_another_attempt() -> None:
    second = a_row(SECOND, site_id=2)
    story = a_good_story().undo(FIRST).wait(2.0)
    story.ask(SECOND, accepted(second), device=1).ask(FIRST, accepted(a_row(), undone_at=NOON))

    assert kinds(story, a_record(a_row(undone_at=NOON), second)) == set()


def test_what_a_fault_explains_is_excused_until_the_first_acceptance_after_it() -> None:
    story = a_good_story().strike(Excuse.CANNOT_DECIDE, Excuse.BROKEN_LINE)
    story.ask(FIRST, 503).ask(FIRST, "reset").ask(FIRST, accepted(a_row()))
    assert kinds(story, a_record(a_row())) == set()

    story.wait(2.0).ask(FIRST, 503).ask(FIRST, "reset")
    assert kinds(story, a_record(a_row())) == {Kind.UNEXCUSED_503, Kind.UNEXCUSED_BREAK}


def test_a_closing_and_an_undo_that_came_too_late_for_it_are_good() -> None:
    remittance = a_remittance(a_row())
    story = a_good_story().close(closed(remittance)).close(closed(remittance)).refuse_undo(FIRST)

    assert kinds(story, a_record(a_row(), remittances=(remittance,))) == set()


def test_a_pass_may_be_refused_for_its_key_as_soon_as_that_is_revoked() -> None:
    story = Story().revoke().ask(FIRST, refused(FIRST, a_row(), refusal="revoked_key")).wait(5.0)
    story.ask(SECOND, refused(SECOND, a_row(), refusal="revoked_key"), device=1)

    assert kinds(story, a_record()) == set()


def test_few_scans_that_wait_for_valkey_prove_nothing() -> None:
    story = a_good_story().lose_valkey(waiting=3).ask(FIRST, accepted(a_row()))

    assert kinds(story, a_record(a_row())) == set()


def test_losing_valkey_excuses_no_503() -> None:
    story = a_good_story().strike(Excuse.STALE_MARK).ask(FIRST, 503).ask(FIRST, accepted(a_row()))

    assert kinds(story, a_record(a_row())) == {Kind.UNEXCUSED_503}


def test_a_validator_that_never_accepts_again_is_not_back() -> None:
    story = a_good_story().strike(Excuse.CANNOT_DECIDE).ask(FIRST, 503)

    assert kinds(story, a_record(a_row())) == {Kind.NOT_BACK}


NOWHERE = Earlier(NOON, "Nulle part")
TRUE_RECORD = a_record(a_row())
UNDONE_RECORD = a_record(a_row(undone_at=NOON))

FALSE_RECORDS = {
    "two live rows": (Kind.TAKEN_TWICE, a_record(a_row(), a_row(SECOND, site_id=2))),
    "a row undone that nobody undid": (Kind.NOT_TAKEN, UNDONE_RECORD),
    "no row": (Kind.ACCEPTED_LOST, a_record()),
    "the row of another attempt": (Kind.ACCEPTED_LOST, a_record(a_row(SECOND, site_id=2))),
    "a row of an attempt nobody sent": (Kind.NEVER_SENT, a_record(a_row(), a_row(OTHER, undone_at=NOON))),
    "a row at another site": (Kind.NEVER_SENT, a_record(a_row(site_id=2))),
    "a row of another amount": (Kind.BAD_RECEIPT, a_record(a_row(amount_cents=2_000))),
    "a deadlock": (Kind.DEADLOCK, a_record(a_row(), deadlocks=1)),
    "a remittance that holds what was undone": (
        Kind.BAD_REMITTANCE,
        a_record(a_row(undone_at=NOON), remittances=(a_remittance(a_row()),)),
    ),
    "a remittance of another total": (
        Kind.BAD_REMITTANCE,
        a_record(a_row(), remittances=(a_remittance(a_row(), total_cents=5),)),
    ),
    "a pass in two remittances": (
        Kind.BAD_REMITTANCE,
        a_record(a_row(), remittances=(a_remittance(a_row()), a_remittance(a_row(), number=2))),
    ),
    "an audit that is not clean": (Kind.AUDIT, a_record(a_row(), disagreements=("seals: edited",))),
}


@pytest.mark.parametrize("name", FALSE_RECORDS)
def test_a_false_record_is_called_by_its_name(name: str) -> None:
    kind, record = FALSE_RECORDS[name]

    assert kind in kinds(a_good_story(), record)


FALSE_ANSWERS: dict[str, tuple[Kind, Callable[[Story], Story], Record]] = {
    "an undo without effect": (Kind.UNDO_LOST, lambda story: story.undo(FIRST), TRUE_RECORD),
    "accepted, then refused": (
        Kind.ANSWERED_OTHERWISE,
        lambda story: story.ask(FIRST, refused(FIRST, a_row(SECOND))),
        TRUE_RECORD,
    ),
    "another receipt": (
        Kind.ANSWERED_OTHERWISE,
        lambda story: story.ask(FIRST, accepted(a_row(accepted_at=NOON.replace(hour=13)))),
        TRUE_RECORD,
    ),
    "accepted as live after its undo": (
        Kind.ANSWERED_OTHERWISE,
        lambda story: story.undo(FIRST).ask(FIRST, accepted(a_row())),
        UNDONE_RECORD,
    ),
    "refused for nobody": (
        Kind.REFUSED_WITHOUT_OWNER,
        lambda story: story.ask(SECOND, refused(SECOND, a_row(), earlier=NOWHERE), device=1),
        TRUE_RECORD,
    ),
    "refused for itself": (
        Kind.REFUSED_WITHOUT_OWNER,
        lambda story: story.ask(FIRST, refused(FIRST, a_row())),
        TRUE_RECORD,
    ),
    "refused for what was undone before": (
        Kind.REFUSED_WITHOUT_OWNER,
        lambda story: story.undo(FIRST).wait(2.0).ask(SECOND, refused(SECOND, a_row()), device=1),
        UNDONE_RECORD,
    ),
    "a good pass refused as forged": (
        Kind.UNEXPECTED_REFUSAL,
        lambda story: story.ask(SECOND, refused(SECOND, a_row(), refusal="forged"), device=1),
        TRUE_RECORD,
    ),
    "the answer to another scan": (
        Kind.MIXED_UP,
        lambda story: story.ask(SECOND, accepted(a_row()), device=1),
        TRUE_RECORD,
    ),
    "a receipt that does not verify": (
        Kind.BAD_RECEIPT,
        lambda story: story.ask(FIRST, accepted(a_row(), receipt="PR1:FORGED")),
        TRUE_RECORD,
    ),
    "a remittance that is not on record": (
        Kind.REMITTANCE_LOST,
        lambda story: story.close(closed(a_remittance(a_row()))),
        TRUE_RECORD,
    ),
    "a remittance of another sum than told": (
        Kind.REMITTANCE_LOST,
        lambda story: story.close(closed(a_remittance(a_row()), adds_up=False)),
        a_record(a_row(), remittances=(a_remittance(a_row()),)),
    ),
    "one request, two remittances": (
        Kind.CLOSED_TWICE,
        lambda story: story.close(closed(a_remittance(a_row()))).close(
            closed(a_remittance(a_row()), number=2)
        ),
        TRUE_RECORD,
    ),
    "an undo refused as remitted": (
        Kind.UNDO_REFUSED,
        lambda story: story.refuse_undo(FIRST),
        TRUE_RECORD,
    ),
    "accepted long after its key was revoked": (
        Kind.ACCEPTED_REVOKED,
        lambda story: story.revoke().wait(4.0).ask(OTHER, accepted(a_row(OTHER)), device=1),
        TRUE_RECORD,
    ),
    "refused for its key once it was accepted": (
        Kind.ANSWERED_OTHERWISE,
        lambda story: story.revoke().ask(FIRST, refused(FIRST, a_row(), refusal="revoked_key")),
        TRUE_RECORD,
    ),
    "scans that wait for Valkey": (
        Kind.HELD_UP,
        lambda story: story.lose_valkey(waiting=30),
        TRUE_RECORD,
    ),
    "an internal error": (Kind.BAD_STATUS, lambda story: story.ask(FIRST, 500), TRUE_RECORD),
    "a phone that gave up": (Kind.GAVE_UP, lambda story: story.give_up(OTHER), TRUE_RECORD),
}


@pytest.mark.parametrize("name", FALSE_ANSWERS)
def test_a_false_answer_is_called_by_its_name(name: str) -> None:
    kind, continue_story, record = FALSE_ANSWERS[name]

    assert kind in kinds(continue_story(a_good_story()), record)


def test_every_kind_of_violation_was_provoked() -> None:
    by_faults = {Kind.UNEXCUSED_503, Kind.UNEXCUSED_BREAK, Kind.NOT_BACK}
    by_lies = {kind for kind, *_ in (*FALSE_RECORDS.values(), *FALSE_ANSWERS.values())}
    assert by_faults | by_lies == set(Kind)
