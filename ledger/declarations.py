"""Yearly declarations to the State: what was declared, once per programme and year. Archives are payouts'."""

from datetime import datetime

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.period_rows import Declaration

COLUMNS = "id, programme_id, year, passes, face_cents, state_cents, archive_sha256, frozen_at, frozen_by"

ADD = f"""
INSERT INTO declarations
    (programme_id, year, passes, face_cents, state_cents, archive_sha256, frozen_at, frozen_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (programme_id, year) DO NOTHING RETURNING {COLUMNS}"""
FIND = f"SELECT {COLUMNS} FROM declarations WHERE programme_id = $1 AND year = $2"
LIST = f"SELECT {COLUMNS} FROM declarations WHERE programme_id = $1 ORDER BY year"


class DeclaredOtherwise(Exception):
    """The year was declared before and said something else; the text says what, and what to do."""


async def declare(
    connection: Connection,
    programme_id: int,
    year: int,
    *,
    passes: int,
    face_cents: int,
    state_cents: int,
    archive_sha256: bytes,
    at: datetime,
    actor: str,
) -> Declaration:
    """Keep what is declared. Again: what was kept before, or DeclaredOtherwise."""
    async with connection.transaction():
        row = await connection.fetchrow(
            ADD, programme_id, year, passes, face_cents, state_cents, archive_sha256, at, actor
        )
        if row is not None:
            await record_event(
                connection,
                actor=actor,
                action="declaration.freeze",
                subject=f"programme:{programme_id}",
                year=str(year),
                passes=passes,
                amount_cents=face_cents,
                sha256=archive_sha256.hex(),
            )
            return _read(row)
        declared = _read(await connection.fetchrow(FIND, programme_id, year))
    if (declared.passes, declared.face_cents, declared.archive_sha256) != (
        passes,
        face_cents,
        archive_sha256,
    ):
        raise DeclaredOtherwise(
            f"{year} was declared on {declared.frozen_at:%Y-%m-%d} with {declared.passes} passes and"
            f" {declared.face_cents} c; the record now says {passes} and {face_cents} c, or its documents"
            " differ: run `poincon audit`"
        )
    return declared


async def declarations_of(connection: Connection, programme_id: int) -> list[Declaration]:
    """Oldest first."""
    return [_read(row) for row in await connection.fetch(LIST, programme_id)]


def _read(row: Record) -> Declaration:
    return Declaration(*row)
