"""A key revoked in the middle of a drill: who may still be accepted, who may be refused for it. Pure."""

from collections.abc import Iterator
from math import inf

from loadtests.drill.evidence import Answer, Evidence
from loadtests.drill.history import Revoked, Scan
from loadtests.drill.violation import Kind, Violation

# Validators are notified, and read the record within moments; where something was broken meanwhile, what they
# know may be as old as validator.keeper.AGE_SECONDS_MAX.
KNOWN_SECONDS_MAX = 3.0
STALE_SECONDS_MAX = 31.0


def is_refused_as_revoked(
    scan: Scan, answer: Answer, evidence: Evidence, *, knows_all_at: float = inf
) -> bool:
    """Refused for its key, rightly so: it was revoked, and nobody had been told yet that it was accepted."""
    revoked = _revocation(scan, evidence)
    return (
        revoked is not None
        and answer.verdict.refusal == "revoked_key"
        and answer.told_at >= revoked.at
        and answer.sent.at < knows_all_at
    )


def taken_after_revocation(evidence: Evidence) -> Iterator[Violation]:
    for scan, answers in evidence.answers_of.items():
        revoked = _revocation(scan, evidence)
        if revoked is None or not any(answer.is_accepted for answer in answers):
            continue
        sent_at = evidence.first_sent_at[scan]
        if sent_at > revoked.ended + _seconds_to_know(revoked, sent_at, evidence):
            detail = f"sent {sent_at - revoked.ended:.1f} s after its key was revoked"
            yield Violation(Kind.ACCEPTED_REVOKED, f"attempt {scan.attempt_id}", detail)


def _seconds_to_know(revoked: Revoked, sent_at: float, evidence: Evidence) -> float:
    was_broken = any(
        struck.at <= sent_at and struck.ended >= revoked.at - STALE_SECONDS_MAX for struck in evidence.struck
    )
    return STALE_SECONDS_MAX if was_broken else KNOWN_SECONDS_MAX


def _revocation(scan: Scan, evidence: Evidence) -> Revoked | None:
    return next((one for one in evidence.revoked if scan.pass_id.booklet in one.booklets), None)
