"""What befalls PostgreSQL: killed, frozen, cut off, full disks, syncs that fail, failover."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from random import Random

from ledger.connect import UNREACHABLE, connected
from loadtests.drill.fault import (
    RECORD_IS_AWAY,
    VALIDATOR_IS_BEHIND,
    Fault,
    postgres_back,
    stay_away,
    stay_down,
)
from loadtests.drill.processes import family, frozen, send
from loadtests.drill.proxy_process import Route
from loadtests.drill.stack import Stack, discard, socket_of
from loadtests.drill.standby import promoted
from loadtests.drill.tampering import backends, cut_connections
from loadtests.drill.world import World

SLOW_SECONDS = (0.01, 0.12)
SLOW_SYNC_MICROSECONDS = (20_000, 300_000)
# By then the server has ended what its dead lines had begun (ledger.connect), and whoever queued behind it.
FOUND_OUT_SECONDS = 42.0
BALLAST_STEP_BYTES = 1 << 16
TRACER_SECONDS_MAX = 60.0


async def cut_postgres(stack: Stack, _: Random) -> None:
    async with connected(stack.postgres.superuser_dsn, purpose="drill") as superuser:
        await cut_connections(superuser)


async def kill_postgres(stack: Stack, rng: Random) -> None:
    await asyncio.to_thread(stack.postgres.kill)
    await stay_down(rng)
    await asyncio.to_thread(stack.postgres.restart)


async def freeze_postgres(stack: Stack, rng: Random) -> None:
    with frozen(family(stack.postgres.pid)):
        await stay_away(rng)


async def kill_backend(stack: Stack, rng: Random) -> None:
    if pid := await _a_backend(stack, rng):
        send(pid, signal.SIGKILL)
        await stay_down(rng)
    await postgres_back(stack)


async def freeze_backend(stack: Stack, rng: Random) -> None:
    if pid := await _a_backend(stack, rng):
        with frozen([pid]):
            await stay_away(rng)


async def _a_backend(stack: Stack, rng: Random) -> int | None:
    async with connected(stack.postgres.superuser_dsn, purpose="drill") as superuser:
        pids = await backends(superuser)
    return rng.choice(pids) if pids else None


async def reset_postgres_lines(stack: Stack, _: Random) -> None:
    await stack.proxy.tell(Route.POSTGRES, "cut")


async def slow_postgres_lines(stack: Stack, rng: Random) -> None:
    await stack.proxy.tell(Route.POSTGRES, "delay", rng.uniform(*SLOW_SECONDS))
    await stay_away(rng)
    await stack.proxy.tell(Route.POSTGRES, "delay", 0)


async def hold_postgres_lines(stack: Stack, rng: Random) -> None:
    await stack.proxy.tell(Route.POSTGRES, "hold")
    await stay_away(rng)
    await stack.proxy.tell(Route.POSTGRES, "pass")


async def half_open_postgres_lines(stack: Stack, _: Random) -> None:
    await stack.proxy.tell(Route.POSTGRES, "half_open")
    await asyncio.sleep(FOUND_OUT_SECONDS)


async def fill_disk(stack: Stack, rng: Random) -> None:
    ballast = stack.disk / "ballast"
    try:
        _fill(ballast)
        await stay_away(rng)
    finally:
        ballast.unlink()
    await postgres_back(stack)


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        room = os.statvfs(ballast.parent)
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)
        while True:
            file.write(bytes(BALLAST_STEP_BYTES))


async def fail_syncs(stack: Stack, rng: Random) -> None:
    await _trace(stack, rng, "error=EIO")


async def slow_syncs(stack: Stack, rng: Random) -> None:
    await _trace(stack, rng, f"delay_enter={rng.randint(*SLOW_SYNC_MICROSECONDS)}")


async def _trace(stack: Stack, rng: Random, injected: str) -> None:
    """Have strace tamper with the syncs of all of PostgreSQL's processes, those still to come as well."""
    strace = shutil.which("strace")
    assert strace is not None
    attached = [part for pid in family(stack.postgres.pid) for part in ("-p", str(pid))]
    calls = "fsync,fdatasync"
    tampering = ["-e", f"trace={calls}", "-e", f"inject={calls}:{injected}"]
    tracer = subprocess.Popen(  # noqa: S603, ASYNC220
        [strace, "-f", "-qq", "-o", "/dev/null", *tampering, *attached], stderr=subprocess.DEVNULL
    )
    try:
        await stay_away(rng)
    finally:
        tracer.terminate()
        await asyncio.to_thread(tracer.wait, TRACER_SECONDS_MAX)
    await postgres_back(stack)


async def freeze_standby(stack: Stack, rng: Random) -> None:
    assert stack.standby is not None
    with frozen(family(stack.standby.pid)):
        await stay_away(rng)


async def promote_standby(stack: Stack, rng: Random) -> None:
    """What commits while the standby hears nothing is on one disk only, and that disk is then lost."""
    assert stack.standby is not None
    standby, primary = stack.standby, stack.postgres
    await stack.proxy.tell(Route.REPLICATION, "hold")
    await stack.proxy.tell(Route.REPLICATION, "half_open")
    with frozen(family(standby.pid)):
        await stay_away(rng)
        # Ended while they wait for the standby: their rows stay, visible to whoever asks again.
        with contextlib.suppress(*UNREACHABLE):
            await cut_postgres(stack, rng)
        await stay_away(rng)
        await asyncio.to_thread(primary.kill)
    await promoted(standby)
    stack.postgres, stack.standby = standby, None
    await stack.proxy.tell(Route.POSTGRES, "target", str(socket_of(standby)))
    await stack.proxy.tell(Route.POSTGRES, "cut")
    await stack.proxy.tell(Route.REPLICATION, "target", str(socket_of(standby)))
    await stack.proxy.tell(Route.REPLICATION, "pass")
    await asyncio.to_thread(discard, stack.folder, primary)
    await stack.attach_standby()


def _has_standby(world: World) -> bool:
    return world.has_standby


POSTGRES_FAULTS = {
    "kill_postgres": Fault(kill_postgres, RECORD_IS_AWAY),
    "freeze_postgres": Fault(freeze_postgres, VALIDATOR_IS_BEHIND),
    "kill_backend": Fault(kill_backend, RECORD_IS_AWAY),
    "freeze_backend": Fault(freeze_backend, VALIDATOR_IS_BEHIND),
    "cut_postgres": Fault(cut_postgres, RECORD_IS_AWAY),
    "reset_postgres_lines": Fault(reset_postgres_lines, RECORD_IS_AWAY),
    "slow_postgres_lines": Fault(slow_postgres_lines, VALIDATOR_IS_BEHIND),
    "hold_postgres_lines": Fault(hold_postgres_lines, VALIDATOR_IS_BEHIND),
    "half_open_postgres_lines": Fault(half_open_postgres_lines, VALIDATOR_IS_BEHIND, weight=1),
    "fill_disk": Fault(fill_disk, RECORD_IS_AWAY, fits=lambda world: world.has_small_disk),
    "fail_syncs": Fault(fail_syncs, RECORD_IS_AWAY),
    "slow_syncs": Fault(slow_syncs, RECORD_IS_AWAY),
    "freeze_standby": Fault(freeze_standby, RECORD_IS_AWAY, weight=10, fits=_has_standby),
    "promote_standby": Fault(promote_standby, VALIDATOR_IS_BEHIND, weight=10, fits=_has_standby),
}
