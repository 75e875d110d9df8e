"""The papers of joint statements, kept once both sides have signed. Drawing them is payouts'."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from ledger.connect import Connection
from ledger.events import record_event
from ledger.joint_statements import STATEMENT, JointStatement

COLUMNS = "statement_id, csv_sha256, pdf_sha256, frozen_at"
LOCK = "SELECT FROM programmes WHERE id = $1 FOR NO KEY UPDATE"
ADD = f"""
INSERT INTO joint_statement_papers (statement_id, csv, csv_sha256, pdf, pdf_sha256, frozen_at, frozen_by)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {COLUMNS}"""
FIND = f"SELECT {COLUMNS} FROM joint_statement_papers WHERE statement_id = $1"
CSV = "SELECT csv FROM joint_statement_papers WHERE statement_id = $1"
PDF = "SELECT pdf FROM joint_statement_papers WHERE statement_id = $1"
UNFROZEN = f"""
SELECT {STATEMENT} FROM joint_statements s
WHERE (SELECT count(*) FROM joint_signatures g WHERE g.statement_id = s.id) = 2
  AND NOT EXISTS (SELECT FROM joint_statement_papers p WHERE p.statement_id = s.id) ORDER BY id"""


@dataclass(frozen=True, slots=True)
class StatementPapers:
    statement_id: int
    csv_sha256: bytes
    pdf_sha256: bytes
    frozen_at: datetime


async def lock_statement(connection: Connection, statement: JointStatement) -> None:
    """Nobody else freezes papers of its programme until this transaction ends."""
    await connection.execute(LOCK, statement.programme_id)


async def find_papers(connection: Connection, statement: JointStatement) -> StatementPapers | None:
    row = await connection.fetchrow(FIND, statement.id)
    return StatementPapers(*row) if row else None


async def statement_csv(connection: Connection, statement: JointStatement) -> bytes | None:
    content: bytes | None = await connection.fetchval(CSV, statement.id)
    return content


async def statement_pdf(connection: Connection, statement: JointStatement) -> bytes | None:
    content: bytes | None = await connection.fetchval(PDF, statement.id)
    return content


async def unfrozen_statements(connection: Connection) -> list[JointStatement]:
    """Signed by both sides, and without papers yet."""
    return [JointStatement(*row) for row in await connection.fetch(UNFROZEN)]


async def add_papers(
    connection: Connection, statement: JointStatement, *, csv: bytes, pdf: bytes, actor: str, at: datetime
) -> StatementPapers:
    hashes = hashlib.sha256(csv).digest(), hashlib.sha256(pdf).digest()
    async with connection.transaction():
        row = await connection.fetchrow(ADD, statement.id, csv, hashes[0], pdf, hashes[1], at, actor)
        await record_event(
            connection,
            actor=actor,
            action="validity.papers",
            subject=f"programme:{statement.programme_id}",
            sha256=hashes[1].hex(),
        )
    return StatementPapers(*row)
