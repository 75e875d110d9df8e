"""Who sends which code, when and how often, all from one seed. No I/O, and not which validator it reaches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from random import Random
from uuid import UUID

from keys.passes import PassId
from loadtests.drill.history import Scan
from loadtests.drill.line import Cut

SENDS_PER_PASS_MAX = 6
RESEND_SHARE = 0.3  # of the sends of a pass after its first: the same attempt again, by the same device
SHORT_CODE_SHARE = 0.15
BATCH_SHARE = 0.3  # of the sends; the others go one by one
BATCH_SIZE_MAX = 12
LONG_BATCH_SHARE = 0.4  # of the batches: a phone that was offline for an evening
LONG_BATCH_SIZE_MAX = 200
UNDO_SHARE = 0.04  # of the attempts that go one by one
CLOSE_SHARE = 0.006  # closings, for each other errand
CUT_SHARE = 0.1
CUTS_MAX = 2
# How far the sends of one pass lie apart, in passes: near enough that they race each other.
SPREAD_PASSES = 6.0


@dataclass(frozen=True, slots=True)
class Pass:
    pass_id: PassId
    qr: str
    short: str = ""  # empty: not drilled


@dataclass(frozen=True, slots=True)
class PlannedScan:
    scan: Scan
    code: str


@dataclass(frozen=True, slots=True)
class Errand:
    """What one phone does in one go, until it knows how it ended."""

    device: int
    scans: tuple[PlannedScan, ...]
    is_batch: bool
    then_undo: bool = False
    cuts: tuple[Cut, ...] = ()  # how its first tries end
    closing: UUID | None = None  # the request's id, when it closes a remittance of the device's operator


def new_attempt(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


def storm(
    rng: Random,
    passes: Sequence[Pass],
    device_count: int,
    *,
    undo_share: float = UNDO_SHARE,
    close_share: float = CLOSE_SHARE,
    batch_share: float = BATCH_SHARE,
) -> list[Errand]:
    """Each pass sent 1 to SENDS_PER_PASS_MAX times by several devices, in single scans and in batches."""
    sends = sorted(_sends(rng, passes, device_count), key=itemgetter(0))
    errands: list[Errand] = []
    for errand in _errands(rng, sends, undo_share, batch_share):
        errands.append(errand)
        if rng.random() < close_share:
            # Two at once, of one operator: its first two devices stand at one site.
            device = rng.randrange(0, device_count, 2)
            errands += [_closing(rng, device), _closing(rng, device + 1)]
    return errands


def _closing(rng: Random, device: int) -> Errand:
    return Errand(device, (), False, cuts=_cuts(rng), closing=new_attempt(rng))


def last_round(
    rng: Random, passes: Sequence[Pass], told_accepted: Sequence[tuple[int, Scan]], device_count: int
) -> list[Errand]:
    """Every attempt that was told accepted once more, by its device, and a new attempt on every pass."""
    code_of = {one.pass_id: one.qr for one in passes}
    by_device: list[list[PlannedScan]] = [[] for _ in range(device_count)]
    for device, scan in told_accepted:
        by_device[device].append(PlannedScan(scan, code_of[scan.pass_id]))
    for one in passes:
        scan = Scan(new_attempt(rng), one.pass_id)
        by_device[rng.randrange(device_count)].append(PlannedScan(scan, one.qr))
    errands = []
    for device, scans in enumerate(by_device):
        rng.shuffle(scans)
        errands += [Errand(device, tuple(scans[n : n + 50]), True) for n in range(0, len(scans), 50)]
    rng.shuffle(errands)
    return errands


def _sends(
    rng: Random, passes: Sequence[Pass], device_count: int
) -> Iterator[tuple[float, int, PlannedScan]]:
    for place, one in enumerate(passes):
        made: list[tuple[int, PlannedScan]] = []
        for _ in range(rng.randint(1, SENDS_PER_PASS_MAX)):
            if made and rng.random() < RESEND_SHARE:
                device, planned = rng.choice(made)
            else:
                code = one.short if one.short and rng.random() < SHORT_CODE_SHARE else one.qr
                device, planned = (
                    rng.randrange(device_count),
                    PlannedScan(Scan(new_attempt(rng), one.pass_id), code),
                )
                made.append((device, planned))
            yield place + rng.uniform(0, SPREAD_PASSES), device, planned


def _errands(
    rng: Random, sends: Sequence[tuple[float, int, PlannedScan]], undo_share: float, batch_share: float
) -> Iterator[Errand]:
    gathering: dict[int, tuple[int, list[PlannedScan]]] = {}
    for _, device, planned in sends:
        if rng.random() >= batch_share:
            yield Errand(device, (planned,), False, rng.random() < undo_share, _cuts(rng))
            continue
        size, scans = gathering.setdefault(device, (_batch_size(rng), []))
        # One request names an attempt once: a device that resends does so in another request.
        if planned not in scans:
            scans.append(planned)
        if len(scans) == size:
            yield Errand(device, tuple(scans), True, cuts=_cuts(rng))
            del gathering[device]
    for device, (_, scans) in gathering.items():
        yield Errand(device, tuple(scans), True, cuts=_cuts(rng))


def _batch_size(rng: Random) -> int:
    is_long = rng.random() < LONG_BATCH_SHARE
    return rng.randint(2, LONG_BATCH_SIZE_MAX if is_long else BATCH_SIZE_MAX)


def _cuts(rng: Random) -> tuple[Cut, ...]:
    return tuple(rng.choice(list(Cut)) for _ in range(CUTS_MAX) if rng.random() < CUT_SHARE)
