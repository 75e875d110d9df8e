"""What happened in a drill, in order: requests, what became of them, faults. Only added to; decides nothing.

Times are seconds of one monotonic clock since the drill began.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from keys.passes import PassId


class Call(StrEnum):
    SCAN = "scan"
    BATCH = "batch"
    UNDO = "undo"
    CLOSE = "close"


class Excuse(StrEnum):
    """What a fault may rightly cause while it lasts. What no fault excuses is a violation."""

    CANNOT_DECIDE = "cannot_decide"  # 503
    BROKEN_LINE = "broken_line"  # a connection that we did not cut
    STALE_MARK = "stale_mark"  # an undo could not reach Valkey: other validators learn of it a little later


class Scan(Struct, frozen=True):
    attempt_id: UUID
    pass_id: PassId


class Earlier(Struct, frozen=True):
    accepted_at: datetime
    site: str


class Verdict(Struct, frozen=True):
    """What a client reads for one scan, or for an undo (verdict "undone")."""

    verdict: str = "undone"
    attempt_id: UUID | None = None
    pass_: dict[str, int | str] = msgspec.field(name="pass", default_factory=dict)
    accepted_at: datetime | None = None
    undone_at: datetime | None = None
    receipt: str = ""
    refusal: str = ""
    earlier: Earlier | None = None

    @property
    def pass_id(self) -> PassId | None:
        booklet, number = self.pass_.get("booklet"), self.pass_.get("number")
        if isinstance(booklet, int) and isinstance(number, int):
            return PassId(booklet, number)
        return None


class Closed(Struct, frozen=True):
    """What a client reads of a remittance that it closed."""

    number: int
    count: int
    total_cents: int
    lines_sha256: str
    adds_up: bool  # its lines are as many, and as much, as it says


class Event(Struct, frozen=True, tag_field="event"):
    at: float


class Sent(Event, frozen=True, tag="sent"):
    exchange: int
    validator: int
    device: int
    call: Call
    scans: tuple[Scan, ...]
    request_id: UUID | None = None  # of a closing


class Told(Event, frozen=True, tag="told"):
    exchange: int
    status: int
    verdicts: tuple[Verdict, ...] = ()
    closed: Closed | None = None
    problem: str = ""  # the name of what the server refused to do


class Lost(Event, frozen=True, tag="lost"):
    """No answer was read: because we cut the line ourselves, or because it broke."""

    exchange: int
    was_cut: bool
    detail: str


class GaveUp(Event, frozen=True, tag="gave_up"):
    scans: tuple[Scan, ...]


class Struck(Event, frozen=True, tag="struck"):
    """A fault, from `at` until `ended`, when what had been broken was started again; healing comes after."""

    fault: str
    ended: float
    excuses: tuple[Excuse, ...] = ()
    validator: int | None = None  # None: all of them
    is_outage: bool = False  # what was broken stayed away from `at` to `ended`


class Rotated(Event, frozen=True, tag="rotated"):
    """Another receipt key signs, from some instant between `at` and `ended`."""

    ended: float


class Revoked(Event, frozen=True, tag="revoked"):
    """The pass key of these booklets was revoked, at some instant between `at` and `ended`."""

    ended: float
    booklets: frozenset[int]


AnyEvent: TypeAlias = Sent | Told | Lost | GaveUp | Struck | Rotated | Revoked


class History:
    """Events in the order in which they were noted; also as JSON lines, to look at afterwards."""

    def __init__(self, path: Path) -> None:
        self.events: list[AnyEvent] = []
        self._file = path.open("wb")
        self._encoder = msgspec.json.Encoder()
        self._began = time.monotonic()
        self._exchanges = 0

    def now(self) -> float:
        return time.monotonic() - self._began

    def add(self, event: AnyEvent) -> None:
        self.events.append(event)
        self._file.write(self._encoder.encode(event) + b"\n")

    def sent(
        self,
        *,
        validator: int,
        device: int,
        call: Call,
        scans: Sequence[Scan],
        request_id: UUID | None = None,
    ) -> int:
        """Note a request about to leave; return the number by which its end is noted."""
        self._exchanges += 1
        self.add(Sent(self.now(), self._exchanges, validator, device, call, tuple(scans), request_id))
        return self._exchanges

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
