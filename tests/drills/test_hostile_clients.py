"""Clients that mean harm, against a real `poincon serve`: others are answered, in bounded memory."""

import asyncio
import contextlib
import gzip
import json
import re
import resource
import sys
import time
import uuid
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import brotli
import psutil
import pytest

IDLE_SECONDS = 3  # in place of 75: a test should not wait for them
SERVE = f"""
import validator.serve
validator.serve.KEEPALIVE_SECONDS = {IDLE_SECONDS}
from command.main import main
main()
"""
ANSWER_SECONDS_MAX = 5.0
GROWTH_MIB_MAX = 96
BOMB_BYTES = 300 * 2**20
BOMBS_CPU_SECONDS_MAX = 2.0  # of four at once; unfolding them would take more than that
IDLE_CONNECTIONS = 10_000
DESCRIPTORS_KEPT = 500


@dataclass
class Target:
    port: int
    process: psutil.Process
    log: Path
    token: str
    codes: list[str]

    def mib(self) -> int:
        return self.process.memory_info().rss // 2**20

    def cpu_seconds(self) -> float:
        used = self.process.cpu_times()
        return float(used.user + used.system)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, data: bytes) -> bytes:
        """The status line that comes back, nothing if it just closed."""
        reader, writer = await self.connect()
        try:
            with contextlib.suppress(ConnectionError):
                writer.write(data)
                await writer.drain()
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                with contextlib.suppress(ConnectionError):
                    return await reader.readline()
            return b""
        finally:
            writer.transport.abort()

    def post(self, path: str, body: bytes, **headers: str) -> bytes:
        lines = {
            "Host": "x",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body

    async def scan(self) -> float:
        """Seconds that an honest scan takes now; it is accepted."""
        body = {"attempt_id": str(uuid.uuid4()), "code": self.codes.pop()}
        started = time.monotonic()
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_SECONDS_MAX)) as session,
            session.post(
                f"http://127.0.0.1:{self.port}/v1/scans",
                json=body,
                headers={"Authorization": f"Bearer {self.token}"},
            ) as response,
        ):
            told = await response.json()
        assert told.get("verdict") == "accepted", (response.status, told)
        return time.monotonic() - started

    async def counted_500(self) -> list[str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}/metrics") as response,
        ):
            told = re.findall(r'^poincon_request_seconds_count\{.*status="5.*', await response.text(), re.M)
        return [line for line in told if "/readyz" not in line]  # which said 503 until it was ready


@pytest.fixture
async def target(instance, environment_of, tmp_path, until) -> AsyncIterator[Target]:
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVE, "serve", "--port", "0",
            env=environment_of(instance.settings), stderr=file,
        )  # fmt: skip

    async def port() -> int | None:
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        return next((line["port"] for line in lines if line["event"] == "listening"), None)

    codes = [instance.qr(place) for place in range(len(instance.passes))]
    try:
        found = await until(port, seconds=30)
        target = Target(found, psutil.Process(process.pid), log, instance.tokens[0], codes)

        async def ready() -> bool:
            return b" 200 " in await target.say(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")

        await until(ready, seconds=30)
        await target.scan()
        yield target
        assert await target.counted_500() == []
        assert "Traceback" not in log.read_text()
    finally:
        process.kill()
        await process.wait()


async def test_headers_that_never_end_are_given_up_and_others_are_served_meanwhile(target):
    opened = [await target.connect() for _ in range(300)]
    for _, writer in opened:
        writer.write(b"POST /v1/scans HTTP/1.1\r\nHost: x\r\n")
    started = time.monotonic()
    while time.monotonic() - started < IDLE_SECONDS + 1:
        for number, (_, writer) in enumerate(opened):
            with contextlib.suppress(ConnectionError):
                writer.write(f"X-{number}: a\r\n"[:3].encode())
        assert await target.scan() < ANSWER_SECONDS_MAX
        await asyncio.sleep(0.3)
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        for reader, writer in opened:
            with contextlib.suppress(ConnectionError):
                await reader.read()  # its end: the server has closed
            writer.transport.abort()


POST = b"POST /v1/scans HTTP/1.1\r\nHost: x\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
HEADS = {
    "path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "header": GET + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "headers": GET + b"X: a\r\n" * 100_000 + b"\r\n",
    "cookie": GET + b"Cookie: " + b"a=b; " * 200_000 + b"\r\n\r\n",
    "folded": GET + b"X: a\r\n " + b"b" * 50_000 + b"\r\n\r\n",
    "tls": b"\x16\x03\x01" + b"\0" * 500 + b"\r\n\r\n",
    "negative": POST + b"Content-Length: -1\r\n\r\n",
    "two lengths": CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "chunk's size": CHUNKED + b"\r\n" + b"f" * 50_000 + b"\r\n",
    "chunk's extension": CHUNKED + b"\r\n1;" + b"e" * 500_000 + b"\r\n",
}


async def test_a_head_that_is_too_large_or_wrong_is_refused_and_forgotten(target):
    before = target.mib()
    for name, head in HEADS.items():
        for answered in await asyncio.gather(*(target.say(head) for _ in range(10))):
            assert not answered or re.match(rb"HTTP/1\.[01] 4\d\d ", answered), (name, answered)
    assert target.mib() - before < GROWTH_MIB_MAX
    await target.scan()


def bombs() -> dict[str, bytes]:
    zeros = b"0" * BOMB_BYTES
    return {
        "gzip": gzip.compress(zeros),
        "deflate": zlib.compress(zeros),
        "br": brotli.compress(zeros, quality=5),
    }


async def test_a_small_body_that_unfolds_into_a_huge_one_costs_neither_memory_nor_time(target):
    """It was refused, and then unfolded to its end: 4 at once held every other answer for over 5 s."""
    before = target.mib()
    for encoding, body in bombs().items():
        for path in ("/v1/scans", "/v1/photos", "/v1/enrolments", "/console/connexion"):
            kind = "application/x-www-form-urlencoded" if "console" in path else "application/json"
            more = {"Content_Encoding": encoding, "Content_Type": kind, "Sec_Fetch_Site": "same-origin"}
            sent = target.post(path, body, **more)
            cpu = target.cpu_seconds()
            answers = await asyncio.gather(*(target.say(sent) for _ in range(4)))
            told = {answer.split()[1] for answer in answers if answer}
            assert told <= {b"400", b"413", b"422", b"429"}, (path, encoding, answers)
            assert target.cpu_seconds() - cpu < BOMBS_CPU_SECONDS_MAX, (path, encoding)
    assert target.mib() - before < GROWTH_MIB_MAX
    await target.scan()


async def test_json_as_deep_as_it_is_long_is_malformed(target):
    before = target.mib()
    for opening in (b"[", b'{"a":', b'{"scans":[', b'"\\u0000'):
        body = opening * (1_000_000 // len(opening))
        assert b" 400 " in await target.say(target.post("/v1/scans/batch", body))
    assert target.mib() - before < GROWTH_MIB_MAX
    await target.scan()


async def test_who_asks_without_end_and_never_listens_is_not_answered_without_end(target):
    before = target.mib()
    opened = []
    for _ in range(20):
        _, writer = await target.connect()
        writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 5_000)
        writer.transport.pause_reading()
        opened.append(writer)
    for _ in range(5):
        await target.scan()
        await asyncio.sleep(0.2)
    assert target.mib() - before < GROWTH_MIB_MAX
    for writer in opened:
        writer.transport.abort()


async def test_ten_thousand_idle_connections_cost_little_and_end(target):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(IDLE_CONNECTIONS, hard - DESCRIPTORS_KEPT)
    before = target.mib()
    opened: list[asyncio.StreamWriter] = []
    try:
        for start in range(0, count, 250):
            many = await asyncio.gather(*(target.connect() for _ in range(min(250, count - start))))
            opened += [writer for _, writer in many]
        assert await target.scan() < ANSWER_SECONDS_MAX
        assert (target.mib() - before) * 2**20 < count * 24_000
        print(f"{len(opened)} connections, {target.mib() - before} MiB more")
    finally:
        for writer in opened:
            writer.transport.abort()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await target.scan()
