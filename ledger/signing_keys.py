"""Public halves of the signing keys and their life. Private halves are sealed files, never here."""

from datetime import datetime

from keys.keyring import KeyPurpose, KeyState, PublicKey, may_become
from ledger.connect import Connection, Record
from ledger.events import record_event

KEYS = """
SELECT id, kid, purpose, state, public_key, created_at, activated_at, retired_at, revoked_at
FROM signing_keys ORDER BY id"""
INSERT = "INSERT INTO signing_keys (kid, purpose, public_key) VALUES ($1, $2, $3) RETURNING id"
LOCK = "SELECT state, purpose FROM signing_keys WHERE kid = $1 FOR UPDATE"
RETIRE_ACTIVE = """
UPDATE signing_keys SET state = 'retired', retired_at = $2
WHERE purpose = $1 AND state = 'active' RETURNING kid"""
SET_STATE = {
    KeyState.ACTIVE: "UPDATE signing_keys SET state = 'active', activated_at = $2 WHERE kid = $1",
    KeyState.RETIRED: "UPDATE signing_keys SET state = 'retired', retired_at = $2 WHERE kid = $1",
    KeyState.REVOKED: "UPDATE signing_keys SET state = 'revoked', revoked_at = $2 WHERE kid = $1",
}
ACTIVE = "SELECT kid FROM signing_keys WHERE purpose = $1 AND state = 'active'"
LIVE_UNTIL = """
SELECT k.kid, max(p.expires_at) AS until
FROM batches b JOIN signing_keys k ON k.id = b.key_id JOIN programmes p ON p.id = b.programme_id
GROUP BY k.kid"""


class KeyChangeRefused(Exception):
    """The key is unknown, or its state does not allow the change; the text says which."""


def public_key(row: Record) -> PublicKey:
    return PublicKey(
        kid=row["kid"],
        purpose=KeyPurpose(row["purpose"]),
        state=KeyState(row["state"]),
        raw=row["public_key"],
        created_at=row["created_at"],
        activated_at=row["activated_at"],
        retired_at=row["retired_at"],
        revoked_at=row["revoked_at"],
    )


async def list_keys(connection: Connection) -> dict[int, PublicKey]:
    return {row["id"]: public_key(row) for row in await connection.fetch(KEYS)}


async def add_key(connection: Connection, *, kid: bytes, purpose: KeyPurpose, raw: bytes, actor: str) -> int:
    """Publish a planned key, before it signs anything, so that pages know it by the time that it does."""
    async with connection.transaction():
        key_id = await connection.fetchval(INSERT, kid, purpose.value, raw)
        await record_event(
            connection, actor=actor, action="key.plan", subject=f"key:{kid.hex()}", purpose=purpose.value
        )
    assert isinstance(key_id, int)
    return key_id


async def change_key(
    connection: Connection, kid: bytes, new_state: KeyState, *, at: datetime, actor: str, reason: str | None
) -> None:
    """Move a key on; activating one retires the active key of the same purpose."""
    async with connection.transaction():
        row = await connection.fetchrow(LOCK, kid)
        if row is None:
            raise KeyChangeRefused(f"no key {kid.hex()} in the record; `poincon keys list` shows those known")
        if not may_become(KeyState(row["state"]), new_state):
            raise KeyChangeRefused(f"key {kid.hex()} is {row['state']} and can't become {new_state.value}")
        if new_state is KeyState.ACTIVE:
            for retired in await connection.fetch(RETIRE_ACTIVE, row["purpose"], at):
                subject = f"key:{retired['kid'].hex()}"
                await record_event(connection, actor=actor, action="key.retired", subject=subject)
        await connection.execute(SET_STATE[new_state], kid, at)
        await record_event(
            connection,
            actor=actor,
            action=f"key.{new_state.value}",
            subject=f"key:{kid.hex()}",
            reason=reason,
        )


async def passes_live_until(connection: Connection) -> dict[bytes, datetime]:
    """Per key, until when passes that it signed may be scanned."""
    return {row["kid"]: row["until"] for row in await connection.fetch(LIVE_UNTIL)}


async def active_kid(connection: Connection, purpose: KeyPurpose) -> bytes | None:
    kid: bytes | None = await connection.fetchval(ACTIVE, purpose.value)
    return kid
