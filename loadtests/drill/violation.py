"""What can be wrong after a drill, by name. Who finds it is in the checkers."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What can be wrong: a broken promise each."""

    TAKEN_TWICE = "taken_twice"  # two live acceptances of a pass
    NOT_TAKEN = "not_taken"  # its attempts were answered, and it has no live acceptance
    ACCEPTED_LOST = "accepted_lost"  # told accepted, and no row of that attempt
    UNDO_LOST = "undo_lost"  # told undone, and its row is live
    NEVER_SENT = "never_sent"  # a row of an attempt that nobody sent, or that another site sent
    ANSWERED_OTHERWISE = "answered_otherwise"  # an accepted attempt was told something else, before or after
    REFUSED_WITHOUT_OWNER = "refused_without_owner"  # refused as taken, and nobody else held it
    UNEXPECTED_REFUSAL = "unexpected_refusal"  # a good pass refused for another reason
    MIXED_UP = "mixed_up"  # answers to other scans than those sent
    BAD_RECEIPT = "bad_receipt"  # does not verify, or says otherwise than the row
    BAD_STATUS = "bad_status"  # neither 200 nor 503
    UNEXCUSED_503 = "unexcused_503"  # cannot decide, though nothing was down
    UNEXCUSED_BREAK = "unexcused_break"  # a connection lost that nobody cut
    GAVE_UP = "gave_up"  # a phone got no answer for a minute
    NOT_BACK = "not_back"  # no acceptance long after a fault had ended
    HELD_UP = "held_up"  # scans waited for Valkey, which may be away without anybody's noticing
    ACCEPTED_REVOKED = "accepted_revoked"  # sent long after the key of its pass was revoked, and accepted
    UNDO_REFUSED = "undo_refused"  # as remitted, and no remittance holds it
    REMITTANCE_LOST = "remittance_lost"  # told closed, and not on record as it was told
    BAD_REMITTANCE = "bad_remittance"  # does not add up, is not live, or is in another one too
    CLOSED_TWICE = "closed_twice"  # one request closed two remittances
    DEADLOCK = "deadlock"  # two transactions waited for each other: sorted claims never do
    AUDIT = "audit"  # the record disagrees with itself


class Violation(NamedTuple):
    kind: Kind
    subject: str
    detail: str
