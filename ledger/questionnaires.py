"""The versions of each programme's questionnaire. What a question may be is programmes/questionnaire.py's."""

from datetime import datetime
from typing import Any

from ledger.connect import Connection
from ledger.events import record_event
from ledger.handout_rows import KeptQuestionnaire

COLUMNS = "id, programme_id, version, content, loaded_at, loaded_by"
CURRENT = f"SELECT {COLUMNS} FROM questionnaires WHERE programme_id = $1 ORDER BY version DESC LIMIT 1"
FIND = f"SELECT {COLUMNS} FROM questionnaires WHERE id = $1"
ALL = f"SELECT {COLUMNS} FROM questionnaires WHERE programme_id = $1 ORDER BY version"
LOCK = "SELECT FROM programmes WHERE id = $1 FOR NO KEY UPDATE"
ADD = """
INSERT INTO questionnaires (programme_id, version, content, loaded_at, loaded_by) VALUES ($1, $2, $3, $4, $5)
RETURNING id"""


async def load_questionnaire(
    connection: Connection, programme_id: int, content: dict[str, Any], *, at: datetime, actor: str
) -> KeptQuestionnaire:
    """The programme's next version, unless it is what the last one says already."""
    async with connection.transaction():
        await connection.execute(LOCK, programme_id)
        last = await current_questionnaire(connection, programme_id)
        if last is not None and last.content == content:
            return last
        version = last.version + 1 if last else 1
        added = await connection.fetchval(ADD, programme_id, version, content, at, actor)
        await record_event(
            connection,
            actor=actor,
            action="questionnaire.load",
            subject=f"programme:{programme_id}",
            version=version,
        )
        return KeptQuestionnaire(added, programme_id, version, content, at, actor)


async def current_questionnaire(connection: Connection, programme_id: int) -> KeptQuestionnaire | None:
    row = await connection.fetchrow(CURRENT, programme_id)
    return KeptQuestionnaire(*row) if row else None


async def find_questionnaire(connection: Connection, questionnaire_id: int) -> KeptQuestionnaire | None:
    row = await connection.fetchrow(FIND, questionnaire_id)
    return KeptQuestionnaire(*row) if row else None


async def list_questionnaires(connection: Connection, programme_id: int) -> list[KeptQuestionnaire]:
    return [KeptQuestionnaire(*row) for row in await connection.fetch(ALL, programme_id)]
