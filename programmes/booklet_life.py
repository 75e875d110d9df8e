"""How far a booklet is in its life, decided from what the record tells of it. Its words are the page's."""

from enum import StrEnum

from ledger.booklet_history import BookletLife
from ledger.rows import BookletState


class Stage(StrEnum):
    """In the order of a life; a booklet is at the last that it has reached."""

    PRINTED = "printed"
    DELIVERED = "delivered"
    ACTIVE = "active"
    HANDED_OUT = "handed_out"  # a part of it at least
    STARTED = "started"
    FINISHED = "finished"
    EXPIRED = "expired"
    CANCELLED = "cancelled"  # lost, stolen, recalled, void
    REPLACED = "replaced"


def stage_of(life: BookletLife) -> Stage:
    """A finished booklet stays so, whatever comes after: nothing is left to expire or to be cancelled."""
    reached = {
        Stage.FINISHED: life.accepted >= life.pass_count,
        Stage.REPLACED: life.replaced_by is not None or life.is_being_replaced,
        Stage.CANCELLED: life.state == BookletState.CANCELLED,
        Stage.EXPIRED: life.is_over,
        Stage.STARTED: life.accepted > 0,
        Stage.HANDED_OUT: life.handed_out > 0,
        Stage.ACTIVE: life.state == BookletState.ACTIVE,
        Stage.DELIVERED: life.delivered_at is not None,
    }
    return next((stage for stage, holds in reached.items() if holds), Stage.PRINTED)
