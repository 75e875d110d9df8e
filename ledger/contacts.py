"""Where notices go: the addresses of operators, of programmes' funders and of the trustee. Added and removed,
never changed, so that who was told what stays readable."""

import re
from datetime import datetime

import asyncpg

from ledger.connect import Connection
from ledger.events import record_event
from ledger.notice_rows import ContactAddress, NoticeRefused

ADDRESSES_MAX = 5_000
ADDRESSES_PER_OWNER_MAX = 5
# What any mail server takes without extensions: letters outside ASCII need SMTPUTF8, which few have.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
ADDRESS_CHARS_MAX = 254

ADD = """
INSERT INTO contact_addresses (operator_id, programme_id, address, added_at, added_by)
VALUES ($1, $2, $3, $4, $5)"""
OF_OWNER = """
SELECT count(*) FROM contact_addresses WHERE removed_at IS NULL
AND operator_id IS NOT DISTINCT FROM $1::integer AND programme_id IS NOT DISTINCT FROM $2::integer"""
REMOVE = """
UPDATE contact_addresses SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL
RETURNING operator_id, programme_id, address"""
LIST = """
SELECT c.id, c.operator_id, c.programme_id, c.address, coalesce(o.name, p.name) AS owner, c.added_at,
       c.removed_at
FROM contact_addresses c LEFT JOIN operators o ON o.id = c.operator_id
LEFT JOIN programmes p ON p.id = c.programme_id
WHERE c.removed_at IS NULL AND ($2::integer IS NULL OR c.operator_id = $2)
ORDER BY c.operator_id IS NOT NULL, c.programme_id IS NOT NULL, owner, c.address LIMIT $1"""


def is_address(text: str) -> bool:
    return len(text) <= ADDRESS_CHARS_MAX and ADDRESS.fullmatch(text) is not None


async def add_address(
    connection: Connection,
    address: str,
    *,
    operator_id: int | None = None,
    programme_id: int | None = None,
    actor: str,
    at: datetime,
) -> None:
    """Of the operator, of the programme's funder, or of the trustee where neither is given."""
    if not is_address(address):
        raise NoticeRefused(f"{address!r} is not an address that any mail server takes")
    async with connection.transaction():
        if await connection.fetchval(OF_OWNER, operator_id, programme_id) >= ADDRESSES_PER_OWNER_MAX:
            raise NoticeRefused(f"{ADDRESSES_PER_OWNER_MAX} addresses at most: remove one first")
        try:
            async with connection.transaction():
                await connection.execute(ADD, operator_id, programme_id, address, at, actor)
        except asyncpg.UniqueViolationError:
            raise NoticeRefused(f"{address} is there already") from None
        except asyncpg.ForeignKeyViolationError:
            raise NoticeRefused("there is no such operator or programme") from None
        subject = _owner(operator_id, programme_id)
        await record_event(connection, actor=actor, action="contact.add", subject=subject, address=address)


async def remove_address(connection: Connection, address_id: int, *, actor: str, at: datetime) -> None:
    async with connection.transaction():
        row = await connection.fetchrow(REMOVE, address_id, at)
        if row is None:
            raise NoticeRefused(f"address {address_id} is not one in use")
        subject = _owner(row["operator_id"], row["programme_id"])
        await record_event(
            connection, actor=actor, action="contact.remove", subject=subject, address=row["address"]
        )


async def list_addresses(connection: Connection, *, operator_id: int | None = None) -> list[ContactAddress]:
    """Those in use: the trustee's, then by owner."""
    rows = await connection.fetch(LIST, ADDRESSES_MAX, operator_id)
    return [ContactAddress(*row) for row in rows]


def _owner(operator_id: int | None, programme_id: int | None) -> str:
    if operator_id is not None:
        return f"operator:{operator_id}"
    return f"programme:{programme_id}" if programme_id is not None else "trustee"
