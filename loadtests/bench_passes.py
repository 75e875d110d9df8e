"""Passes for a benchmark: issued, activated and signed between the measured bursts, never within one."""

import os
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from keys.keyring import KeyPurpose
from keys.pass_code import issue_code
from keys.passes import PassId
from keys.sealed import KeyFolder
from keys.signer import Signer
from ledger.booklets import activate_batch, issue_batch
from ledger.connect import Connection
from loadtests.bench_failure import BenchFailed
from loadtests.funding import fund

ACTOR = "bench"
BOOKLET_SIZE = 10
FACE_VALUE_CENTS_MAX = 2_000
PASSES_MAX = 2_000_000  # of one run


class PassSupply:
    def __init__(self, connection: Connection, key_folder: KeyFolder, programme_id: int) -> None:
        self._connection = connection
        self._key_folder = key_folder
        self._programme_id = programme_id
        self._signer: Signer | None = None
        self._expires_at = 0
        self._ready: deque[PassId] = deque()
        self._issued = 0

    async def take(self, count: int) -> list[PassId]:
        """Passes that nobody has scanned, in the order of their booklets, as workshops spend them."""
        if len(self._ready) < count:
            await self._issue(count - len(self._ready))
        return [self._ready.popleft() for _ in range(count)]

    def give_back(self, unused: Sequence[PassId]) -> None:
        self._ready.extendleft(reversed(unused))

    def code(self, pass_id: PassId) -> str:
        """What the QR of an issued pass says."""
        assert self._signer is not None
        return issue_code(pass_id, self._expires_at, self._signer)

    async def _issue(self, count: int) -> None:
        batch = await issue_batch(
            self._connection, self._programme_id, -(-count // BOOKLET_SIZE), actor=ACTOR
        )
        assert batch.booklet_size == BOOKLET_SIZE
        self._issued += batch.booklet_count * BOOKLET_SIZE
        if self._issued > PASSES_MAX:
            raise BenchFailed(f"more than {PASSES_MAX} passes would be needed: ask for fewer seconds")
        now = datetime.now(UTC)
        await fund(
            self._connection,
            self._programme_id,
            batch.booklet_count * BOOKLET_SIZE * FACE_VALUE_CENTS_MAX,
            actor=ACTOR,
        )
        await activate_batch(self._connection, batch.id, at=now, actor=ACTOR, reason="benchmark")
        if self._signer is None:
            self._signer = self._key_folder.signer(KeyPurpose.PASS_CODE, batch.kid)
            self._expires_at = int(batch.expires_at.timestamp())
        self._ready.extend(
            PassId(booklet, number) for booklet in batch.booklets for number in range(1, BOOKLET_SIZE + 1)
        )


def new_attempt() -> UUID:
    """A UUIDv7 (RFC 9562), as our page makes them: the time first, then chance."""
    drawn = bytearray((time.time_ns() // 1_000_000).to_bytes(6) + os.urandom(10))
    drawn[6] = drawn[6] & 0x0F | 0x70
    drawn[8] = drawn[8] & 0x3F | 0x80
    return UUID(bytes=bytes(drawn))
