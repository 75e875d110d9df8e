"""The clients of a drill: each sends its errand to any validator, again and again until it knows the end."""

import asyncio
from collections.abc import Sequence
from itertools import chain, repeat
from random import Random

import msgspec

from loadtests.drill.history import Call, Closed, GaveUp, History, Lost, Scan, Told, Verdict
from loadtests.drill.line import (
    ANSWER_SECONDS_MAX,
    BROKEN,
    WAITING_SECONDS_MAX,
    Answer,
    Cut,
    Line,
    WasCut,
)
from loadtests.drill.plan import Errand

ERRAND_SECONDS_MAX = 60.0
CLOSED_SECONDS_MAX = 40.0  # thousands of lines take longer: validator.remittance_calls
PAUSE_SECONDS = 0.1
PAUSE_SECONDS_MAX = 0.8
UNDO_REASON = "erreur de saisie (exercice)"


class _Verdicts(msgspec.Struct):
    verdicts: tuple[Verdict, ...]


class _Line(msgspec.Struct):
    amount_cents: int


class _Remittance(msgspec.Struct):
    number: int
    count: int
    total_cents: int
    lines_sha256: str
    lines: list[_Line]


class _Problem(msgspec.Struct):
    type: str


class Gate:
    """Hands out errands, never far ahead of the faults that have to strike among them."""

    def __init__(self, errands: Sequence[Errand]) -> None:
        self._errands = errands
        self._limit = len(errands)
        self._moved = asyncio.Condition()
        self.taken = 0

    async def next(self) -> Errand | None:
        async with self._moved:
            await self._moved.wait_for(lambda: self.taken < self._limit or self.taken == len(self._errands))
            if self.taken == len(self._errands):
                return None
            self.taken += 1
            self._moved.notify_all()
            return self._errands[self.taken - 1]

    async def open_until(self, limit: int) -> None:
        async with self._moved:
            self._limit = min(limit, len(self._errands))
            self._moved.notify_all()

    async def reach(self, taken: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self.taken >= min(taken, len(self._errands)))


class Phone:
    def __init__(self, rng: Random, *, ports: Sequence[int], tokens: Sequence[str], history: History) -> None:
        self._rng = rng
        self._tokens = tokens
        self._history = history
        self._lines = [Line(port) for port in ports]

    async def run(self, gate: Gate) -> None:
        try:
            while (errand := await gate.next()) is not None:
                await self._do(errand)
        finally:
            for line in self._lines:
                line.drop()

    async def _do(self, errand: Errand) -> None:
        if errand.closing is not None:
            body = {"request_id": errand.closing}
            await self._until_told(errand, Call.CLOSE, "/v1/remittances", body, [], errand.cuts)
            return
        bodies = [{"attempt_id": one.scan.attempt_id, "code": one.code} for one in errand.scans]
        scans = [one.scan for one in errand.scans]
        if errand.is_batch:
            await self._until_told(
                errand, Call.BATCH, "/v1/scans/batch", {"scans": bodies}, scans, errand.cuts
            )
            return
        told = await self._until_told(errand, Call.SCAN, "/v1/scans", bodies[0], scans, errand.cuts)
        if errand.then_undo and told and told[0].verdict == "accepted":
            path = f"/v1/scans/{scans[0].attempt_id}/undo"
            await self._until_told(errand, Call.UNDO, path, {"reason": UNDO_REASON}, scans, errand.cuts)

    async def _until_told(
        self, errand: Errand, call: Call, path: str, body: object, scans: list[Scan], cuts: Sequence[Cut]
    ) -> tuple[Verdict, ...]:
        request = _request(path, self._tokens[errand.device], msgspec.json.encode(body))
        began = self._history.now()
        pause_seconds = PAUSE_SECONDS
        for cut in chain(cuts, repeat(None)):
            validator = self._rng.randrange(len(self._lines))
            exchange = self._history.sent(
                validator=validator,
                device=errand.device,
                call=call,
                scans=scans,
                request_id=errand.closing,
            )
            told = await self._ask(exchange, validator, request, call, cut)
            if told is not None and told.status != 503:
                return told.verdicts
            if self._history.now() - began > ERRAND_SECONDS_MAX:
                break
            if cut is None:
                await asyncio.sleep(pause_seconds * self._rng.uniform(0.5, 1.5))
                pause_seconds = min(2 * pause_seconds, PAUSE_SECONDS_MAX)
        self._history.add(GaveUp(self._history.now(), tuple(scans)))
        return ()

    async def _ask(
        self, exchange: int, validator: int, request: bytes, call: Call, cut: Cut | None
    ) -> Told | None:
        waiting_seconds = self._rng.uniform(0, WAITING_SECONDS_MAX)
        try:
            answer = await self._lines[validator].ask(
                request,
                cut=cut,
                waiting_seconds=waiting_seconds,
                answer_seconds=CLOSED_SECONDS_MAX if call is Call.CLOSE else ANSWER_SECONDS_MAX,
            )
        except WasCut:
            self._history.add(Lost(self._history.now(), exchange, True, str(cut)))
            return None
        except BROKEN as error:
            # A request that was meant to be cut and broke before is as lost as it was going to be.
            self._history.add(Lost(self._history.now(), exchange, cut is not None, repr(error)))
            return None
        told = _told(self._history.now(), exchange, answer, call)
        self._history.add(told)
        return told


def _request(path: str, token: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: drill\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _told(at: float, exchange: int, answer: Answer, call: Call) -> Told:
    match answer.status, call:
        case 200, Call.BATCH:
            verdicts = msgspec.json.decode(answer.body, type=_Verdicts).verdicts
            return Told(at, exchange, answer.status, verdicts)
        case 200, _:
            return Told(at, exchange, answer.status, (msgspec.json.decode(answer.body, type=Verdict),))
        case 201, Call.CLOSE:
            closed = _closed(msgspec.json.decode(answer.body, type=_Remittance))
            return Told(at, exchange, answer.status, closed=closed)
    problem = msgspec.json.decode(answer.body, type=_Problem).type.rpartition(":")[2]
    return Told(at, exchange, answer.status, problem=problem)


def _closed(told: _Remittance) -> Closed:
    total_cents = sum(line.amount_cents for line in told.lines)
    adds_up = (told.count, told.total_cents) == (len(told.lines), total_cents)
    return Closed(told.number, told.count, told.total_cents, told.lines_sha256, adds_up)


async def send_all(
    gate: Gate,
    *,
    phone_count: int,
    rng: Random,
    ports: Sequence[int],
    tokens: Sequence[str],
    history: History,
) -> None:
    async with asyncio.TaskGroup() as phones:
        for _ in range(phone_count):
            phone = Phone(Random(rng.getrandbits(64)), ports=ports, tokens=tokens, history=history)
            phones.create_task(phone.run(gate))
