"""One worker process as the service holds it: started, asked, killed. Queues nothing.

Not multiprocessing: its spawned children import the parent's main module, hence the whole service, and
inherit its environment. This child gets a socket, the name of its reader, and no secret.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping

import msgspec

from scanner.answer import ANSWER_BYTES_MAX, LENGTH, Answer, Reading, Ready, from_body
from scanner.found import FoundCode

# Half a second on an idle machine; a loaded one is given time.
START_SECONDS_MAX = 30.0

_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG")


class WorkerLost(Exception):
    """The worker hung, died or spoke nonsense. It is of no further use."""


class WorkerProcess:
    """After WorkerLost or a cancelled `ask` the only thing to do with it is `stop`."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self.decoders: tuple[str, ...] = ()
        self.images_read = 0
        # On the picture in hand; all there is when the worker is lost.
        self.found_so_far: list[FoundCode] = []

    @classmethod
    async def start(
        cls, reader_name: str, options: Mapping[str, float], *, cpu_seconds_max: float, seconds_max: float
    ) -> "WorkerProcess":
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            try:
                process = _spawn(reader_name, options, (cpu_seconds_max, seconds_max), theirs)
            except BaseException:
                writer.close()
                raise
        worker = cls(process, reader, writer)
        try:
            async with _answer_within(START_SECONDS_MAX):
                ready = await worker._hear()
            if not isinstance(ready, Ready):
                raise WorkerLost("did not say that it is ready")
        except BaseException:
            await worker.stop()
            raise
        worker.decoders = ready.decoders
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, image_bytes: bytes, *, seconds_max: float) -> Answer:
        self.images_read += 1
        self.found_so_far = []
        self._writer.writelines((LENGTH.pack(len(image_bytes)), image_bytes))
        async with _answer_within(seconds_max):
            while isinstance(answer := await self._hear(), Reading):
                self.found_so_far = answer.codes
        return answer

    async def stop(self) -> None:
        self._process.kill()
        self._writer.close()
        # Shielded: whoever is cancelled here, the process is still waited for and leaves no zombie.
        await asyncio.shield(asyncio.to_thread(self._process.wait))
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _hear(self) -> Answer:
        try:
            (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            if length > ANSWER_BYTES_MAX:
                raise WorkerLost(f"announced an answer of {length} bytes")
            return from_body(await self._reader.readexactly(length))
        except (EOFError, OSError) as cause:
            raise WorkerLost(await self._epitaph()) from cause
        except msgspec.MsgspecError as cause:
            raise WorkerLost(f"answered nonsense: {cause}") from cause

    async def _epitaph(self) -> str:
        """How it ended; the socket closes a moment before the process can be waited for."""
        try:
            status = await asyncio.to_thread(self._process.wait, 1.0)
        except subprocess.TimeoutExpired:
            return "closed its socket"
        if status == -signal.SIGPROF:
            return "spent all the time it had"
        return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"


@contextlib.asynccontextmanager
async def _answer_within(seconds_max: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds_max):
            yield
    except TimeoutError as cause:
        raise WorkerLost(f"did not answer within {seconds_max:g} s") from cause


def _spawn(
    reader_name: str,
    options: Mapping[str, float],
    limits: tuple[float, float],
    socket_of_child: socket.socket,
) -> subprocess.Popen[bytes]:
    """Takes about a millisecond (vfork), so it is not worth a thread."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # One core a worker; OpenBLAS would also reserve memory for each thread it might start.
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        # -P: the directory that the service happens to run in is no place to import from.
        [
            sys.executable,
            "-P",
            "-m",
            "scanner.worker",
            reader_name,
            *map(str, limits),
            json.dumps(dict(options)),
        ],
        stdin=socket_of_child.fileno(),
        stdout=subprocess.DEVNULL,
        env=environment,
        # Ctrl-C is for the service, which then stops its workers.
        start_new_session=True,
    )
