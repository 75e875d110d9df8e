"""Group commit: the candidates of all requests in flight go to the record in one call. No linger when idle.

Nothing is judged here, and nothing is answered before the record has committed.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

import asyncpg
import structlog

from ledger.claims import CANDIDATES_MAX, claim_passes
from ledger.connect import UNREACHABLE, Connection, connect
from ledger.rows import Candidate, Claimed
from validator import metrics
from validator.trouble import CannotDecide, Overloaded

WAITING_MAX = 20_000
PUT_BACK_MAX = 1_024  # passed over per flush: thousands of scans of one pass must not cost their square
FLUSH_SECONDS_MAX = 10.0
RECONNECT_SECONDS = 0.3  # after a failed connection, candidates are turned away for that long

log = structlog.get_logger(__name__)


# Gives the seals of candidates that would be accepted at this instant, and the key that signs their receipts.
Sealer: TypeAlias = Callable[[Sequence[Candidate], datetime], tuple[list[int], int]]


class _Submission:
    """Candidates that were handed in together: one scan, or a batch. They are answered together."""

    __slots__ = ("_claimed", "_left", "answer")

    def __init__(self, count: int) -> None:
        self.answer: asyncio.Future[list[Claimed]] = asyncio.get_running_loop().create_future()
        self._claimed: dict[int, Claimed] = {}
        self._left = count

    def tell(self, place: int, claimed: Claimed) -> None:
        self._claimed[place] = claimed
        self._left -= 1
        if self._left == 0 and not self.answer.done():
            self.answer.set_result([self._claimed[place] for place in range(len(self._claimed))])

    def fail(self, error: CannotDecide) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class _Waiting(NamedTuple):
    candidate: Candidate
    submission: _Submission
    place: int


class GroupCommit:
    def __init__(self, dsn: str, sealer: Sealer) -> None:
        self._dsn = dsn
        self._sealer = sealer
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._connection: Connection | None = None
        self._refused_until = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def waiting_count(self) -> int:
        return len(self._waiting)

    def submit(self, candidates: Sequence[Candidate]) -> asyncio.Future[list[Claimed]]:
        """The future ends when the record has committed them all, or with CannotDecide."""
        assert candidates
        if len(self._waiting) + len(candidates) > WAITING_MAX or self._closing:
            raise Overloaded("too many scans are waiting for the record")
        submission = _Submission(len(candidates))
        self._waiting.extend([_Waiting(one, submission, place) for place, one in enumerate(candidates)])
        self._arrived.set()
        return submission.answer

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Answer what is waiting, then stop."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        self._drop_connection()

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            flush = self._next_flush()
            try:
                await self._flush(flush)
            except Exception as error:
                if not isinstance(error, CannotDecide):
                    log.exception("flush_failed", candidates=len(flush))
                for one in flush:
                    one.submission.fail(CannotDecide("the record did not answer"))

    def _next_flush(self) -> list[_Waiting]:
        """At most one candidate per pass and per attempt; others wait for the next flush, in their order."""
        chosen: list[_Waiting] = []
        put_back: list[_Waiting] = []
        seen: set[object] = set()
        while self._waiting and len(chosen) < CANDIDATES_MAX and len(put_back) < PUT_BACK_MAX:
            one = self._waiting.popleft()
            candidate = one.candidate
            attempt = candidate.attempt_id.int  # hashed in C, which a UUID is not
            must_wait = candidate.pass_id in seen or attempt in seen
            (put_back if must_wait else chosen).append(one)
            # Of what waits too: a later rival for the same pass must not overtake it.
            seen.add(candidate.pass_id)
            seen.add(attempt)
        self._waiting.extendleft(reversed(put_back))
        # Sorted by key: two flushes of two processes can't wait for each other in a circle.
        chosen.sort(key=lambda one: one.candidate.pass_id)
        return chosen

    async def _flush(self, flush: list[_Waiting]) -> None:
        started = time.perf_counter()
        try:
            claimed = await self._claim(flush)
        except UNREACHABLE as error:
            self._drop_connection()
            self._refused_until = time.monotonic() + RECONNECT_SECONDS
            log.warning("record_unreachable", error=repr(error), candidates=len(flush))
            raise CannotDecide("the record can't be reached") from error
        except asyncpg.PostgresError as error:
            if len(flush) == 1:
                raise
            # One bad row, or a deadlock, fails a whole flush: the others must not pay for it.
            log.warning("flush_split", error=repr(error), candidates=len(flush))
            await self._flush_one_by_one(flush)
            return
        metrics.FLUSH_SIZE.observe(len(flush))
        metrics.FLUSH_SECONDS.observe(time.perf_counter() - started)
        for one, answer in zip(flush, claimed, strict=True):
            one.submission.tell(one.place, answer)

    async def _flush_one_by_one(self, flush: list[_Waiting]) -> None:
        for one in flush:
            try:
                await self._flush([one])
            except (CannotDecide, asyncpg.PostgresError) as error:
                log.error("candidate_failed", error=repr(error), attempt=str(one.candidate.attempt_id))
                one.submission.fail(CannotDecide("the record did not take this scan"))

    async def _claim(self, flush: list[_Waiting]) -> list[Claimed]:
        connection = await self._connected()
        candidates = [one.candidate for one in flush]
        accepted_at = datetime.now(UTC).replace(microsecond=0)
        seals, receipt_key_id = self._sealer(candidates, accepted_at)
        call = asyncio.ensure_future(
            claim_passes(
                connection, candidates, seals, accepted_at=accepted_at, receipt_key_id=receipt_key_id
            )
        )
        done, _ = await asyncio.wait({call}, timeout=FLUSH_SECONDS_MAX)
        if not done:
            # The statement is never cancelled: its connection is closed, and the attempts will be sent again.
            self._drop_connection()
            with contextlib.suppress(*UNREACHABLE):
                await call
            raise TimeoutError(f"no answer from the record within {FLUSH_SECONDS_MAX} s")
        return call.result()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            if time.monotonic() < self._refused_until:
                raise CannotDecide("the record can't be reached")
            self._connection = await connect(self._dsn, purpose="group commit")
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
