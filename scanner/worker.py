"""The worker process: reads one picture after the other from its socket, under limits it can't lift.

Run as `python -m scanner.worker READER CPU_SECONDS_MAX SECONDS_MAX OPTIONS`, the socket as standard input. It
ends when the socket does, so it does not outlive a service that is killed, busy (by an alarm) or not.
What is found is told as it is found: code in C that takes too long can only be stopped by dying.
"""

import importlib
import json
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from scanner.answer import LENGTH, Answer, Failed, Read, Reading, Ready, Refused, to_frame
from scanner.found import FoundCode, ImageRefusal, ImageRefused

# On top of what the libraries take once loaded.
MEMORY_BYTES_MAX = 336 * 1024 * 1024
# The service kills a late worker itself; the alarm is for a service that is no longer there.
ALARM_GRACE_SECONDS = 1.0

# Called as reader(image_bytes, told=…), where `told` hears a name of the stage and all codes known after it.
Reader = Callable[..., list[FoundCode]]


def serve(
    reader_name: str, options: Mapping[str, float], *, cpu_seconds_max: float, seconds_max: float
) -> None:
    # A crash on a picture must not write that picture's memory to disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    reader, decoders = _load(reader_name, options)
    _limit_memory()
    with socket.socket(fileno=sys.stdin.fileno()) as service:
        service.sendall(to_frame(Ready(decoders)))
        while (image_bytes := _receive(service)) is not None:
            signal.setitimer(signal.ITIMER_REAL, seconds_max + ALARM_GRACE_SECONDS)
            # SIGPROF, which nobody handles here, so it kills even in the middle of code in C.
            signal.setitimer(signal.ITIMER_PROF, cpu_seconds_max)
            answer = _answer(partial(reader, told=_teller(service)), image_bytes)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            service.sendall(to_frame(answer))


def _load(reader_name: str, options: Mapping[str, float]) -> tuple[Reader, tuple[str, ...]]:
    from scanner.decoders import decoders

    module, _, function = reader_name.partition(":")
    reader: Reader = partial(getattr(importlib.import_module(module), function), **options)
    return reader, decoders()


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BYTES_MAX
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _receive(service: socket.socket) -> bytes | None:
    header = _receive_exactly(service, LENGTH.size)
    return None if header is None else _receive_exactly(service, LENGTH.unpack(header)[0])


def _receive_exactly(service: socket.socket, count: int) -> bytes | None:
    received = bytearray(count)
    view = memoryview(received)
    while view:
        step = service.recv_into(view)
        if step == 0:
            return None
        view = view[step:]
    return bytes(received)


def _teller(service: socket.socket) -> Callable[[object, list[FoundCode]], None]:
    told = 0

    def tell(_: object, found: list[FoundCode]) -> None:
        nonlocal told
        if len(found) > told:
            told = len(found)
            service.sendall(to_frame(Reading(found)))

    return tell


def _answer(reader: Reader, image_bytes: bytes) -> Answer:
    try:
        return Read(reader(image_bytes))
    except ImageRefused as refused:
        return Refused(refused.refusal, refused.message)
    except MemoryError:
        return Refused(
            ImageRefusal.TOO_COSTLY, "The picture needs too much memory. Reduce it and send it again."
        )
    except Exception as cause:  # The next picture is none the worse for it; the service logs the cause.
        return Failed(f"{type(cause).__name__}: {cause}")


if __name__ == "__main__":
    serve(
        sys.argv[1],
        json.loads(sys.argv[4]),
        cpu_seconds_max=float(sys.argv[2]),
        seconds_max=float(sys.argv[3]),
    )
