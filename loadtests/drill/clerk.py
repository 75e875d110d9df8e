"""Changes keys while the phones storm: rotates that of receipts, revokes one of passes. Breaks nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from keys.keyring import KeyPurpose, KeyState
from ledger.connect import UNREACHABLE, Connection, connected
from ledger.signing_keys import add_key, change_key, list_keys
from loadtests.drill.history import History, Revoked, Rotated
from loadtests.drill.phones import Gate
from loadtests.drill.seed import ACTOR
from loadtests.drill.stack import APP, Stack

AGAIN_SECONDS = 0.2


async def keep_keys(stack: Stack, gate: Gate, history: History, *, errand_count: int) -> None:
    for share, change in ((0.25, _rotate), (0.5, _revoke), (0.75, _rotate)):
        await gate.reach(int(share * errand_count))
        await change(stack, history)


async def _rotate(stack: Stack, history: History) -> None:
    key = await asyncio.to_thread(stack.keys.create_pair, KeyPurpose.RECEIPT, datetime.now(UTC))

    async def rotate(connection: Connection) -> None:
        known = {one.kid: one.state for one in (await list_keys(connection)).values()}
        if key.kid not in known:
            await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor=ACTOR)
        if known.get(key.kid) is not KeyState.ACTIVE:
            now = datetime.now(UTC)
            await change_key(connection, key.kid, KeyState.ACTIVE, at=now, actor=ACTOR, reason=None)

    began = history.now()
    await _until_done(stack, rotate)
    history.add(Rotated(began, history.now()))


async def _revoke(stack: Stack, history: History) -> None:
    kid = stack.seeded.doomed_kid

    async def revoke(connection: Connection) -> None:
        states = {one.kid: one.state for one in (await list_keys(connection)).values()}
        if states[kid] is not KeyState.REVOKED:
            now = datetime.now(UTC)
            await change_key(connection, kid, KeyState.REVOKED, at=now, actor=ACTOR, reason="exercice")

    began = history.now()
    await _until_done(stack, revoke)
    history.add(Revoked(began, history.now(), stack.seeded.doomed_booklets))


async def _until_done(stack: Stack, change: Callable[[Connection], Awaitable[None]]) -> None:
    """As a person would who finds the database away: again, unless it was done after all."""
    while True:
        try:
            async with connected(stack.postgres.dsn(APP), purpose="drill") as connection:
                return await change(connection)
        except UNREACHABLE:
            await asyncio.sleep(AGAIN_SECONDS)
