"""The pool of worker processes: a bounded queue in front, a time limit, replacement. Decodes nothing itself.

concurrent.futures is not used: one dead worker breaks its whole pool and every request in it.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scanner.answer import Answer, Failed, Read, Refused
from scanner.found import FoundCode, ImageRefused, refuse_too_many_bytes
from scanner.process import WorkerLost, WorkerProcess

# A reader that minds its own time ends well before; beyond this much CPU its process is ended.
CPU_SECONDS_MAX = 1.0
# Libraries in C leak and fragment a little; a fresh process costs half a second.
IMAGES_PER_WORKER_MAX = 500
WAIT_SECONDS_MAX = 10.0

_CLOSED = "The reader of pictures is closed."

_log = logging.getLogger(__name__)


class ReaderBusy(Exception):
    """Too many pictures are waiting. Nothing is wrong with this one: send it again a little later."""


class ReaderFailed(Exception):
    """Reading this picture hung or killed its worker before any code was found, or the reader is closed."""


class ReaderPool:
    """Reads pictures in `workers` processes; `waiting_max` more pictures may wait for one to be free."""

    def __init__(
        self,
        *,
        workers: int = 1,
        cpu_seconds_max: float = CPU_SECONDS_MAX,
        seconds_max: float = 10.0,
        waiting_max: int = 16,
        images_per_worker_max: int = IMAGES_PER_WORKER_MAX,
        reader: str = "scanner.read:read_codes",
        options: Mapping[str, float] = MappingProxyType({}),
        on_demand: bool = False,
    ) -> None:
        """A worker is ended at `cpu_seconds_max` of CPU or `seconds_max` by the clock, which only guards
        against hanging: on a busy machine an honest picture takes several seconds.

        `options` go to the reader by name with each picture: {"cpu_seconds_max": 0.3}, say.
        `on_demand`: no worker before the first picture, which waits for it and learns what is wrong with it.
        """
        assert workers > 0
        assert waiting_max > 0
        self._waiting: asyncio.Queue[_Request] = asyncio.Queue(waiting_max)
        self._lanes = [
            _Lane(
                self._waiting,
                reader,
                options,
                cpu_seconds_max=cpu_seconds_max,
                seconds_max=seconds_max,
                images_per_worker_max=images_per_worker_max,
            )
            for _ in range(workers)
        ]
        self._serving: list[asyncio.Task[None]] = []
        self._starts_with = [] if on_demand else self._lanes

    @property
    def decoders(self) -> tuple[str, ...]:
        """What the workers read with, known once the pool has started."""
        return self._lanes[0].decoders

    async def start(self) -> None:
        """Returns once every worker is ready that is not left for later."""
        assert not self._serving
        try:
            async with asyncio.TaskGroup() as starting:
                for lane in self._starts_with:
                    starting.create_task(lane.start_worker())
        except BaseException as failure:
            for lane in self._lanes:
                await lane.stop_worker()
            if isinstance(failure, ExceptionGroup):
                first = failure.exceptions[0]
                raise ReaderFailed(f"The reader of pictures cannot start: {first}.") from first
            raise
        self._serving = [asyncio.create_task(lane.serve()) for lane in self._lanes]

    async def close(self) -> None:
        """Pictures in hand or waiting get ReaderFailed; no worker is left."""
        serving, self._serving = self._serving, []
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        # Not in the lanes' own `finally`: a task cancelled before its first step never gets there.
        for lane in self._lanes:
            await lane.stop_worker()
        while not self._waiting.empty():
            self._waiting.get_nowait().fail(ReaderFailed(_CLOSED))

    async def read(self, image_bytes: bytes) -> list[FoundCode]:
        refuse_too_many_bytes(len(image_bytes))
        if not self._serving:
            raise ReaderFailed(_CLOSED)
        loop = asyncio.get_running_loop()
        request = _Request(image_bytes, loop.time(), loop.create_future())
        try:
            self._waiting.put_nowait(request)
        except asyncio.QueueFull:
            raise ReaderBusy("Too many pictures are waiting to be read. Send this one again.") from None
        return await request.codes


@dataclass(frozen=True, eq=False)
class _Request:
    image_bytes: bytes
    since: float
    codes: asyncio.Future[list[FoundCode]]

    def settle(self, answer: Answer) -> None:
        match answer:
            case Read(codes):
                if not self.codes.done():
                    self.codes.set_result(codes)
            case Refused(refusal, message):
                self.fail(ImageRefused(refusal, message))
            case Failed(cause):
                _log.error("reading a picture of %d bytes failed: %s", len(self.image_bytes), cause)
                self.fail(ReaderFailed("This picture made the reader fail. Take another one."))
            case _:
                raise WorkerLost("answered out of turn")

    def fail(self, cause: Exception) -> None:
        """Told to the caller, if it is still there."""
        if not self.codes.done():
            self.codes.set_exception(cause)


class _Lane:
    """One worker's place in the pool: takes requests in turn, and a new process when the old one is done."""

    def __init__(
        self,
        waiting: asyncio.Queue[_Request],
        reader: str,
        options: Mapping[str, float],
        *,
        cpu_seconds_max: float,
        seconds_max: float,
        images_per_worker_max: int,
    ) -> None:
        self._waiting = waiting
        self._reader = reader
        self._options = options
        self._cpu_seconds_max = cpu_seconds_max
        self._seconds_max = seconds_max
        self._images_per_worker_max = images_per_worker_max
        self._worker: WorkerProcess | None = None
        self.decoders: tuple[str, ...] = ()

    async def start_worker(self) -> WorkerProcess:
        assert self._worker is None
        self._worker = await WorkerProcess.start(
            self._reader,
            self._options,
            cpu_seconds_max=self._cpu_seconds_max,
            seconds_max=self._seconds_max,
        )
        self.decoders = self._worker.decoders
        return self._worker

    async def stop_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()

    async def serve(self) -> None:
        while True:
            await self._handle(await self._waiting.get())
            await self._renew()

    async def _handle(self, request: _Request) -> None:
        if request.codes.done():  # The caller went away while it waited.
            return
        if asyncio.get_running_loop().time() - request.since > WAIT_SECONDS_MAX:
            request.fail(ReaderBusy("This picture waited too long to be read. Send it again."))
            return
        try:
            worker = self._worker or await self.start_worker()
            request.settle(await worker.ask(request.image_bytes, seconds_max=self._seconds_max))
        except asyncio.CancelledError:
            request.fail(ReaderFailed(_CLOSED))
            raise
        except Exception as cause:  # Whatever it was costs this request, and never the lane.
            _log.warning("the worker on a picture of %d bytes %s", len(request.image_bytes), cause)
            if self._worker is not None and self._worker.found_so_far:
                request.settle(Read(self._worker.found_so_far))
            else:
                request.fail(ReaderFailed(f"This picture can't be read: its worker {cause}. Take another."))
            await self.stop_worker()

    async def _renew(self) -> None:
        """The next request finds a worker ready; where none can be started now, it will try again."""
        if self._worker is not None and self._worker.images_read >= self._images_per_worker_max:
            await self.stop_worker()
        if self._worker is None:
            try:
                await self.start_worker()
            except (WorkerLost, OSError) as cause:
                _log.error("no worker can be started to read pictures: it %s", cause)
