"""Second factors of accounts and their recovery codes. Secrets arrive sealed and codes as MACs: nothing here
could show either."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ledger.account_rows import Account
from ledger.connect import Connection
from ledger.events import record_event

FIND = "SELECT sealed_secret, last_step FROM second_factors WHERE account_id = $1"
ADD = """
INSERT INTO second_factors (account_id, sealed_secret, last_step, enrolled_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id) DO NOTHING RETURNING account_id"""
# Of two requests with one code, the second finds the step taken.
USE_STEP = "UPDATE second_factors SET last_step = $2 WHERE account_id = $1 AND last_step < $2"
USE_RECOVERY = """
UPDATE recovery_codes SET used_at = $3 WHERE account_id = $1 AND mac = $2 AND used_at IS NULL"""
LEFT = "SELECT count(*) FROM recovery_codes WHERE account_id = $1 AND used_at IS NULL"
FORGET_RECOVERY = "DELETE FROM recovery_codes WHERE account_id = $1"
FORGET = "DELETE FROM second_factors WHERE account_id = $1 RETURNING account_id"
ADD_RECOVERY = "INSERT INTO recovery_codes (account_id, mac) SELECT $1, unnest($2::bytea[])"
END_SESSIONS = "DELETE FROM sessions WHERE account_id = $1"


class SealedFactor(NamedTuple):
    sealed_secret: bytes
    last_step: int


async def find_second_factor(connection: Connection, account: Account) -> SealedFactor | None:
    row = await connection.fetchrow(FIND, account.id)
    return SealedFactor(*row) if row else None


async def enrol_second_factor(
    connection: Connection,
    account: Account,
    *,
    sealed_secret: bytes,
    step: int,
    recovery_macs: Sequence[bytes],
    at: datetime,
) -> bool:
    """step: of the code that proved that the person holds the secret. False where there is one already."""
    async with connection.transaction():
        if await connection.fetchval(ADD, account.id, sealed_secret, step, at) is None:
            return False
        await _replace_recovery(connection, account, recovery_macs)
        await record_event(
            connection, actor=account.actor, action="account.second_factor", subject=account.actor
        )
    return True


async def use_step(connection: Connection, account: Account, step: int) -> bool:
    """False when this code, or a later one, has served."""
    used: str = await connection.execute(USE_STEP, account.id, step)
    return used == "UPDATE 1"


async def use_recovery_code(connection: Connection, account: Account, mac: bytes, *, at: datetime) -> bool:
    async with connection.transaction():
        if await connection.execute(USE_RECOVERY, account.id, mac, at) != "UPDATE 1":
            return False
        left = await connection.fetchval(LEFT, account.id)
        await record_event(
            connection, actor=account.actor, action="account.recovery", subject=account.actor, left=left
        )
    return True


async def count_recovery_codes(connection: Connection, account: Account) -> int:
    return int(await connection.fetchval(LEFT, account.id))


async def renew_recovery_codes(connection: Connection, account: Account, macs: Sequence[bytes]) -> None:
    async with connection.transaction():
        await _replace_recovery(connection, account, macs)
        await record_event(
            connection, actor=account.actor, action="account.recovery_codes", subject=account.actor
        )


async def remove_second_factor(connection: Connection, account: Account, *, actor: str, reason: str) -> bool:
    """The account's sessions end with it. False where there is none."""
    async with connection.transaction():
        await connection.execute(FORGET_RECOVERY, account.id)
        if await connection.fetchval(FORGET, account.id) is None:
            return False
        await connection.execute(END_SESSIONS, account.id)
        await record_event(
            connection,
            actor=actor,
            action="account.second_factor_removed",
            subject=account.actor,
            reason=reason,
        )
    return True


async def note_refused_code(connection: Connection, account: Account) -> None:
    """Somebody who knows the password, or holds a session, gave a wrong code: the log tells it."""
    await record_event(connection, actor=account.actor, action="account.code_refused", subject=account.actor)


async def _replace_recovery(connection: Connection, account: Account, macs: Sequence[bytes]) -> None:
    await connection.execute(FORGET_RECOVERY, account.id)
    await connection.execute(ADD_RECOVERY, account.id, list(macs))
