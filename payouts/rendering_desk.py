"""Where a service has accounts rendered: in a process apart, one at a time, so that scans keep their turn."""

import asyncio
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from ledger.rendering_rows import Period
from payouts.drawing import environment_of_workers
from payouts.rendering_worker import Made, Wanted

SECONDS_MAX = 600.0


class RenderingBusy(Exception):
    """Another archive is being made."""


class RenderingRefused(Exception):
    """There is no archive; the text, in English and for the log, says why."""


class RenderingFailed(Exception):
    """Our mistake; the text is what the process said last."""


class RenderingDesk:
    def __init__(self) -> None:
        self._is_working = False

    async def render(
        self,
        dsn: str,
        period: Period,
        *,
        funder: str | None,
        programme_id: int | None,
        frozen_by: str | None = None,
        at: datetime,
    ) -> IO[bytes]:
        """The archive, open for reading; it has no name any more, and goes when it is closed."""
        if self._is_working:
            raise RenderingBusy("other accounts are being rendered")
        self._is_working = True
        try:
            with tempfile.TemporaryDirectory(prefix="poincon-accounts-") as folder:
                path = Path(folder) / "accounts.zip"
                wanted = Wanted(
                    dsn, str(path), period.first, period.last, funder, programme_id, frozen_by, at
                )
                made = await _made(msgspec.msgpack.encode(wanted))
                if made.refused:
                    raise RenderingRefused(made.refused)
                return await asyncio.to_thread(path.open, "rb")
        finally:
            self._is_working = False


async def _made(wanted: bytes) -> Made:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "payouts.rendering_worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment_of_workers(),
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            made, said = await process.communicate(wanted)
    except TimeoutError:
        raise RenderingFailed(f"not rendered within {SECONDS_MAX:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RenderingFailed(said.decode(errors="replace").strip().rpartition("\n")[2])
    return msgspec.msgpack.decode(made, type=Made)
