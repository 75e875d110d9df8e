"""Freezes the papers of a joint statement once both sides have signed, and once only. Again: what is kept."""

import asyncio
from datetime import datetime

from ledger.connect import Connection
from ledger.joint_statements import JointStatement, Side, signatures_of
from ledger.statement_papers import StatementPapers, add_papers, find_papers, lock_statement
from payouts.joint_statement import draw_statement, statement_csv


async def freeze_statement(
    connection: Connection, statement: JointStatement, *, at: datetime, actor: str
) -> StatementPapers | None:
    """None: a signature is missing."""
    async with connection.transaction():
        # A statement of its own: what another one froze meanwhile is seen by the next ones.
        await lock_statement(connection, statement)
        if frozen := await find_papers(connection, statement):
            return frozen
        signatures = await signatures_of(connection, statement)
        if set(signatures) != set(Side):
            return None
        content = statement_csv(statement, signatures)
        # In a thread: drawing would hold the loop, and with it the scans.
        pdf = await asyncio.to_thread(draw_statement, statement, signatures, content, at=at)
        return await add_papers(connection, statement, csv=content, pdf=pdf, actor=actor, at=at)
