"""A small TCP proxy between validators and their servers, run as a script: what goes wrong on a network.

It has a process of its own, so that the phones' work does not delay what it passes on. Started with a JSON
object of names and paths of Unix sockets, it prints the port of each, then does what each line of its
standard input says and prints a line when that is done. It ends with its standard input.
"""

import asyncio
import contextlib
import json
import sys
from typing import Any

CHUNK_BYTES = 65_536


class Link:
    """One connection through the proxy: both of its halves."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.is_half_open = False

    def abort(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


class Route:
    def __init__(self, target: str) -> None:
        self._target = target
        self._delay_seconds = 0.0
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._links: set[Link] = set()

    async def serve(self) -> int:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def do(self, what: str, value: Any) -> None:
        match what:
            case "cut":
                for link in list(self._links):
                    link.abort()
            case "half_open":  # what is said on these connections reaches nobody; new ones work
                for link in self._links:
                    link.is_half_open = True
            case "delay":
                self._delay_seconds = float(value)
            case "hold":  # nothing passes, not even a new connection
                self._is_open.clear()
            case "pass":
                self._is_open.set()
            case "target":
                self._target = str(value)
            case _:
                raise ValueError(f"unknown order {what!r}")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link()
        link.writers.append(writer)
        self._links.add(link)
        try:
            await self._is_open.wait()
            try:
                far_reader, far_writer = await asyncio.open_unix_connection(self._target)
            except OSError:
                return
            link.writers.append(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(link, reader, far_writer))
                both.create_task(self._pump(link, far_reader, writer))
        except asyncio.CancelledError:
            pass  # the end of this process: who called us would print a trace of each connection
        finally:
            self._links.discard(link)
            link.abort()

    async def _pump(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                await self._is_open.wait()
                if not link.is_half_open:
                    writer.write(data)
                    await writer.drain()
        # The far end of a half-open connection is not told of its end either.
        if not link.is_half_open:
            writer.close()


async def main(targets: dict[str, str]) -> None:
    routes = {name: Route(target) for name, target in targets.items()}
    print(json.dumps({name: await route.serve() for name, route in routes.items()}), flush=True)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    while line := await orders.readline():
        name, what, value = json.loads(line)
        routes[name].do(what, value)
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
