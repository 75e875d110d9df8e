"""The append-only log of who did what, when and why. What a table row already tells is not told twice."""

from typing import Any

from ledger.connect import Connection

INSERT = "INSERT INTO events (actor, action, subject, reason, detail) VALUES ($1, $2, $3, $4, $5)"


async def record_event(
    connection: Connection, *, actor: str, action: str, subject: str, reason: str | None = None, **detail: Any
) -> None:
    """Call it in the transaction of what it tells. action: `noun.verb`; actor: `cli:root`, `device:12`…"""
    await connection.execute(INSERT, actor, action, subject, reason, detail)
