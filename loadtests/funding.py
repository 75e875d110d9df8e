"""Made-up money for made-up programmes, by the way that it comes in life: a line of the bank, confirmed."""

import uuid
from datetime import UTC, datetime
from typing import Any

from ledger.connect import Connection
from ledger.funding import receive
from ledger.programmes import add_programme


async def fund(connection: Connection, programme_id: int, amount_cents: int, *, actor: str) -> None:
    now = datetime.now(UTC)
    await receive(
        connection,
        programme_id,
        reference=f"VIR-{uuid.uuid4()}",
        booked_on=now.date(),
        amount_cents=amount_cents,
        label="virement inventé",
        actor=actor,
        at=now,
    )


async def add_funded(connection: Connection, *, funds_cents: int, actor: str, **facts: Any) -> int:
    """A programme as add_programme() makes it, with its money. funds_cents: 0 for none yet."""
    programme_id = await add_programme(connection, actor=actor, **facts)
    if funds_cents:
        await fund(connection, programme_id, funds_cents, actor=actor)
    return programme_id
