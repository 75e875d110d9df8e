"""Which parts of a validator answer now: those that it needs, and those without which it goes on."""

import asyncio
from dataclasses import dataclass

import asyncpg

from ledger.connect import UNREACHABLE, Pool, answering, takes_writes
from validator.guard import Guard
from validator.keeper import SnapshotKeeper
from validator.receipt_desk import ReceiptDesk
from validator.trouble import CannotDecide

READY_SECONDS_MAX = 2.0
PROBE = "pn:ready"  # a counter that nobody counts: to be asked for is enough
OK = "ok"


@dataclass(frozen=True)
class Readiness:
    """By part, what it says: `ok`, or what is wrong with it."""

    needed: dict[str, str]  # without one of them no scan is judged
    helping: dict[str, str]

    @property
    def failing(self) -> list[str]:
        return [told for told in self.needed.values() if told != OK]

    @property
    def parts(self) -> dict[str, str]:
        return self.needed | self.helping


async def readiness(keeper: SnapshotKeeper, desk: ReceiptDesk, pool: Pool, guard: Guard) -> Readiness:
    facts = _facts(keeper)
    keys, record, marks = await asyncio.gather(_receipt_keys(desk, facts), _record(pool), _guard(guard))
    return Readiness({"facts": facts, "receipt_keys": keys, "record": record}, {"guard": marks})


def _facts(keeper: SnapshotKeeper) -> str:
    try:
        keeper.current()
    except CannotDecide as error:
        return str(error)
    return OK


async def _receipt_keys(desk: ReceiptDesk, facts: str) -> str:
    if facts != OK:
        return "unknown while the facts are missing"
    try:
        # In a thread: unsealing a new key takes some tenths of a second, and scans must not wait for it.
        await asyncio.to_thread(desk.open_keys)
    except CannotDecide as error:
        return str(error)
    return OK


async def _record(pool: Pool) -> str:
    try:
        async with answering(pool, seconds=READY_SECONDS_MAX) as connection:
            if await takes_writes(connection):
                return OK
    except (*UNREACHABLE, asyncpg.PostgresError):
        pass
    return "the record can't be written, or not durably"


async def _guard(guard: Guard) -> str:
    if await guard.counted(PROBE) is None:
        return "the guard does not answer: scans go on, slower"
    return OK
