"""Draws bordereaux and letters in a process apart, one at a time: long ones would take the scans' turn."""

import asyncio
import os
import sys

import msgspec

from ledger.correction_claims import ClaimLetter
from ledger.remittance_rows import ClosedRemittance
from payouts.delivery_note import DeliveryNote

WAITING_MAX = 8
SECONDS_MAX = 60.0
ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG")  # no secret of the service goes along


class DrawingBusy(Exception):
    """Too many are waiting for theirs already."""


class DrawingFailed(Exception):
    """Our mistake; the text is what the process said last."""


class DrawingDesk:
    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def draw(self, closed: ClosedRemittance) -> bytes:
        return await self._draw("payouts.remittance_pdf", msgspec.msgpack.encode(closed))

    async def draw_claim(self, letter: ClaimLetter) -> bytes:
        return await self._draw("payouts.claim_letter", msgspec.msgpack.encode(letter))

    async def draw_note(self, note: DeliveryNote) -> bytes:
        return await self._draw("payouts.delivery_note", msgspec.msgpack.encode(note))

    async def _draw(self, module: str, facts: bytes) -> bytes:
        if self._waiting >= WAITING_MAX:
            raise DrawingBusy("other papers are being drawn")
        self._waiting += 1
        try:
            async with self._turn:
                return await _drawn(module, facts)
        finally:
            self._waiting -= 1


def environment_of_workers() -> dict[str, str]:
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}


async def _drawn(module: str, facts: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment_of_workers(),
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            drawn, said = await process.communicate(facts)
    except TimeoutError:
        raise DrawingFailed(f"not drawn within {SECONDS_MAX:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise DrawingFailed(said.decode(errors="replace").strip().rpartition("\n")[2])
    return drawn
