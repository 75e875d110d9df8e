"""The proxy as the drill holds it: started, given orders, ended. What it does is in proxy.py."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from loadtests.drill import proxy


class Route(StrEnum):
    POSTGRES = "postgres"
    VALKEY = "valkey"
    REPLICATION = "replication"  # from a standby to its primary


class ProxyProcess:
    def __init__(self, process: subprocess.Popen[bytes], ports: Mapping[str, int]) -> None:
        self._process = process
        self.ports = ports
        self._turn = asyncio.Lock()

    @classmethod
    def start(cls, targets: Mapping[Route, Path]) -> Self:
        orders = json.dumps({name.value: str(path) for name, path in targets.items()})
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, proxy.__file__, orders], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        return cls(process, json.loads(process.stdout.readline()))

    async def tell(self, route: Route, what: str, value: Any = None) -> None:
        async with self._turn:
            await asyncio.to_thread(self._tell, json.dumps([route.value, what, value]))

    def _tell(self, order: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(order.encode() + b"\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == b"done\n", "the proxy has ended"

    def close(self) -> None:
        """It ends with its standard input, even when we are killed."""
        self._process.communicate()
