"""One scan, from the text of a code to a verdict: open, refuse early, ask the guard, claim, judge."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from keys.passes import CodeFault, PassId, PracticePass, SignedPass
from ledger.acceptances import live_acceptance
from ledger.connect import Pool, answering
from ledger.rows import Candidate, Claimed, Device, Outcome
from validator import metrics
from validator.code_reading import CodeReader, ReadPass
from validator.group_commit import GroupCommit
from validator.guard import Guard, Mark
from validator.guard_line import Silence
from validator.keeper import SnapshotKeeper
from validator.snapshot import Snapshot
from validator.trouble import CannotDecide, TooManyAttempts
from validator.verdict import (
    Accepted,
    AttemptReused,
    Earlier,
    NotJudged,
    Refusal,
    Refused,
    ScanTime,
    Unsettled,
    Verdict,
    judge,
    refuse_early,
    refuse_practice,
)

CODES_PER_TURN = 8
LOOKS_MAX = 3  # how often a candidate is looked at again when the record moved on meanwhile


_ACCEPTED_SO_FAR = metrics.VERDICTS.labels("accepted")
_REFUSED_SO_FAR = {refusal: metrics.VERDICTS.labels(refusal.value) for refusal in Refusal}


class Attempt(Struct, frozen=True):
    """One physical scan by one device. The id comes from the device, the same at each resend."""

    attempt_id: UUID
    code: str
    service: str | None
    time: ScanTime


class _Scan(NamedTuple):
    code: SignedPass
    attempt: Attempt


class Scanning:
    def __init__(
        self, keeper: SnapshotKeeper, reader: CodeReader, guard: Guard, group_commit: GroupCommit
    ) -> None:
        self._keeper = keeper
        self._reader = reader
        self._guard = guard
        self._group_commit = group_commit

    async def scan(self, attempt: Attempt, device: Device, now: datetime) -> Verdict:
        code = await self._reader.read(attempt.code, device, self._keeper.current())
        [verdict] = await self._judge([(code, attempt)], device, now)
        return verdict

    async def scan_many(self, attempts: Sequence[Attempt], device: Device, now: datetime) -> list[Verdict]:
        """In the order given; of two attempts on one pass, the first given comes first."""
        # All are read before any is taken: typed codes, which take longer to read, keep their place.
        codes: list[ReadPass | NotJudged] = []
        for one in attempts:
            codes.append(await self._read(one, device))
            if len(codes) % CODES_PER_TURN == 0:
                # Signatures are slow: single scans, and answers of the guard, have their turn in between.
                await asyncio.sleep(0)
        if all(isinstance(code, NotJudged) for code in codes):
            await self._reader.read(attempts[0].code, device, self._keeper.current())  # tells why, as a 429
        return await self._judge(list(zip(codes, attempts, strict=True)), device, now)

    async def _read(self, attempt: Attempt, device: Device) -> ReadPass | NotJudged:
        try:
            return await self._reader.read(attempt.code, device, self._keeper.current())
        except TooManyAttempts as error:
            return NotJudged(str(error), error.retry_after_seconds)

    async def _judge(
        self, read: Sequence[tuple[ReadPass | NotJudged, Attempt]], device: Device, now: datetime
    ) -> list[Verdict]:
        """One or many in one pass: the guard is asked once, and the record, in their order."""
        verdicts: dict[int, Verdict] = {}
        left: dict[int, _Scan] = {}
        for place, (code, attempt) in enumerate(read):
            if isinstance(code, SignedPass):
                left[place] = _Scan(code, attempt)
            else:
                verdicts[place] = _without_pass(code)
        await self._know_booklets(left.values())
        for _ in range(LOOKS_MAX):
            decided = await self._decide(list(left.values()), device, self._keeper.current(), now)
            settled = dict(zip(left, decided, strict=True))
            verdicts |= {place: one for place, one in settled.items() if not isinstance(one, Unsettled)}
            left = {place: scan for place, scan in left.items() if place not in verdicts}
            if not left:
                return [_counted(verdicts[place]) for place in range(len(read))]
            await self._keeper.refresh()
        raise CannotDecide("the record changes faster than it can be read")

    async def _know_booklets(self, scans: Iterable[_Scan]) -> None:
        """Rightly signed and unknown: issued since the last reading, perhaps, and even accepted elsewhere."""
        booklets = self._keeper.current().booklets
        if (
            any(scan.code.pass_id.booklet not in booklets for scan in scans)
            and not await self._keeper.refresh()
        ):
            raise CannotDecide("the record can't be read")

    async def _decide(
        self, scans: Sequence[_Scan], device: Device, snapshot: Snapshot, now: datetime
    ) -> list[Verdict | Unsettled]:
        refusals = [refuse_at(code, attempt, device, snapshot, now) for code, attempt in scans]
        unrefused = [scan.code.pass_id for scan, refusal in zip(scans, refusals, strict=True) if not refusal]
        marks = iter(await self._marks(unrefused, snapshot))
        verdicts: list[Verdict | Unsettled | None] = [
            _refuse_unasked(scan, refusal, None if refusal else next(marks))
            for scan, refusal in zip(scans, refusals, strict=True)
        ]
        # A refused attempt goes to the record too: had it been accepted before, it stays accepted.
        asked = [place for place, verdict in enumerate(verdicts) if verdict is None]
        candidates = [_candidate(*scans[at], device, snapshot, refusals[at], now) for at in asked]
        claims = await self._group_commit.submit(candidates) if candidates else []
        for at, candidate, claimed in zip(asked, candidates, claims, strict=True):
            self._remember(claimed, candidate, snapshot)
            verdicts[at] = judge(candidate.pass_id, claimed, refusals[at])
        return [verdict for verdict in verdicts if verdict is not None]

    async def _marks(self, pass_ids: Sequence[PassId], snapshot: Snapshot) -> Sequence[Mark | Silence]:
        """What the guard tells and nobody can have undone since. Valkey may be back from an old copy of
        itself, and an undo that could not reach it is known from the record alone."""
        marks = await self._guard.find(snapshot.guard_generation, pass_ids)
        is_fresh = self._keeper.knows_of_undos
        believed: list[Mark | Silence] = []
        for pass_id, mark in zip(pass_ids, marks, strict=True):
            if isinstance(mark, Mark) and (not is_fresh or snapshot.booklets[pass_id.booklet].ever_undone):
                metrics.GUARD_DISBELIEVED.inc()
                believed.append(Silence.NO_MARK)
            else:
                believed.append(mark)
        return believed

    def _remember(self, claimed: Claimed, candidate: Candidate, snapshot: Snapshot) -> None:
        """Tell the guard what the record has committed; a pass that was ever undone stays with the record."""
        row = claimed.row
        if row is None or row.undone_at or claimed.ever_undone or claimed.outcome is Outcome.CONFLICT:
            return
        self._guard.remember(
            snapshot.guard_generation,
            candidate.pass_id,
            attempt_id=row.attempt_id,
            accepted_at=row.accepted_at,
            site_id=row.site_id,
        )


async def check(
    code_text: str,
    *,
    service: str | None,
    device: Device,
    now: datetime,
    reader: CodeReader,
    keeper: SnapshotKeeper,
    pool: Pool,
) -> Refused | SignedPass:
    """What a scan would be told now, taking nothing."""
    snapshot = keeper.current()
    code = await reader.read(code_text, device, snapshot)
    if isinstance(code, CodeFault):
        return Refused(Refusal(code.value))
    if isinstance(code, PracticePass):
        return refuse_practice(code)
    if refusal := refuse_early(code, device, service, snapshot, now):
        return Refused(refusal, code.pass_id)
    async with answering(pool) as connection:
        live = await live_acceptance(connection, code.pass_id)
    if live is not None:
        return Refused(Refusal.ALREADY_ACCEPTED, code.pass_id, Earlier(live.accepted_at, live.site_id))
    return code


def refuse_at(
    code: SignedPass, attempt: Attempt, device: Device, snapshot: Snapshot, now: datetime
) -> Refusal | None:
    """Refuse by the scan's own time where that can be trusted, else by now."""
    time = attempt.time
    if time.is_clock_known:
        refusal = refuse_early(code, device, attempt.service, snapshot, time.at)
    else:
        refusal = refuse_early(code, device, attempt.service, snapshot, now)
        # Good when it was scanned and no more: the device's clock decides, and nobody knows how right it is.
        if refusal and refuse_early(code, device, attempt.service, snapshot, time.at) is None:
            refusal = Refusal.TOO_LATE
    # Of a replaced booklet, not even what was scanned before is taken: it may be spent under its new number.
    is_replaced = refusal is None and snapshot.booklets[code.pass_id.booklet].replaced_at is not None
    if refusal is None and (time.is_too_late or is_replaced):
        return Refusal.TOO_LATE
    return refusal


def _without_pass(code: CodeFault | PracticePass | NotJudged) -> Verdict:
    if isinstance(code, CodeFault):
        return Refused(Refusal(code.value))
    return refuse_practice(code) if isinstance(code, PracticePass) else code


def _refuse_unasked(scan: _Scan, refusal: Refusal | None, mark: Mark | Silence | None) -> Refused | None:
    """What can be refused without the record: no such pass, or another attempt's committed acceptance."""
    if refusal is Refusal.UNKNOWN_PASS:
        return Refused(refusal, scan.code.pass_id)
    if isinstance(mark, Mark) and not mark.is_of(scan.attempt.attempt_id):
        return Refused(Refusal.ALREADY_ACCEPTED, scan.code.pass_id, Earlier(mark.accepted_at, mark.site_id))
    return None


def _candidate(
    code: SignedPass,
    attempt: Attempt,
    device: Device,
    snapshot: Snapshot,
    refusal: Refusal | None,
    now: datetime,
) -> Candidate:
    programme = snapshot.programmes[snapshot.booklets[code.pass_id.booklet].programme_id]
    service = snapshot.services.get(attempt.service or "")
    is_by_own_time = attempt.time.is_clock_known
    return Candidate(
        pass_id=code.pass_id,
        attempt_id=attempt.attempt_id,
        device_id=device.id,
        site_id=device.site_id,
        operator_id=device.operator_id,
        service_id=service.id if service else 0,
        amount_cents=programme.face_value_cents,
        judged_at=attempt.time.at if is_by_own_time else now,
        # What it was judged by; the word of a clock that nobody knows is kept for the trustee only.
        scanned_at=attempt.time.scanned_at if is_by_own_time or refusal is Refusal.TOO_LATE else None,
        may_take=refusal is None,
        is_too_late=refusal is Refusal.TOO_LATE,
    )


def _counted(verdict: Verdict) -> Verdict:
    match verdict:
        case Accepted():
            _ACCEPTED_SO_FAR.inc()
        case Refused(refusal=refusal):
            _REFUSED_SO_FAR[refusal].inc()
        case AttemptReused():
            metrics.VERDICTS.labels("attempt_reused").inc()
        case NotJudged():
            metrics.VERDICTS.labels("not_judged").inc()
    return verdict
