"""`poincon serve` as a process: stops when told, every scan in flight answered; keeps its children."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import time

import aiohttp
import psutil
import pytest

from validator.serve import SHUTDOWN_SECONDS

STOP_SECONDS = 8.0
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
AND application_name = 'poincon group commit' AND wait_event_type = 'Lock'"""


class Served:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    async def ready(self, session: aiohttp.ClientSession) -> None:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{self.url}/readyz") as response:
                        if response.status == 200:
                            return
                await asyncio.sleep(0.05)


@pytest.fixture
async def session():
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture
async def served(house, environment_of, session, request, free_port, tmp_path):
    arguments = getattr(request, "param", ())
    environment = environment_of(house.settings)
    if "--data" in arguments:
        (tmp_path / "environment.json").write_text(json.dumps(environment))
        arguments = (*arguments, str(tmp_path))
        environment = {"PATH": environment["PATH"]}
    log = (tmp_path / "log").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "command.main", "serve", "--port", str(free_port), *arguments,
        env=environment, stderr=log, start_new_session=True,
    )  # fmt: skip
    log.close()
    served = Served(process, free_port)
    try:
        await served.ready(session)
        yield served
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def _scan(house, session, url, code, attempt_id):
    body = {"attempt_id": attempt_id, "code": code}
    async with session.post(f"{url}/v1/scans", json=body, headers=house.devices[0].headers) as response:
        return response.status, await response.json()


async def _known_passes(house, session, url, count):
    """Fresh ones, once the service that runs apart has read of them."""
    passes = await house.passes(count)
    body, headers = {"code": passes[-1].qr}, house.devices[0].headers
    async with asyncio.timeout(30):
        while True:
            async with session.post(f"{url}/v1/checks", json=body, headers=headers) as response:
                if (await response.json())["verdict"] == "acceptable":
                    return passes
            await asyncio.sleep(0.05)


async def test_every_scan_in_flight_is_answered_before_it_ends(house, served, session, new_attempt_id, until):
    """The record holds them up: one flush is under way, the others wait, when it is told to stop."""

    async def flush_waits():
        async with house.as_superuser() as outside:
            return await outside.fetchval(WAITING)

    passes = await _known_passes(house, session, served.url, 40)
    attempts = [new_attempt_id() for _ in passes]
    async with house.as_superuser() as connection, connection.transaction():
        await connection.execute("LOCK TABLE acceptances IN EXCLUSIVE MODE")
        scans = [
            asyncio.create_task(_scan(house, session, served.url, one.qr, attempt_id))
            for one, attempt_id in zip(passes, attempts, strict=True)
        ]
        await until(flush_waits)
        await asyncio.sleep(0.3)  # the others have arrived as well
        served.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        assert served.process.returncode is None
    answers = await asyncio.gather(*scans)
    assert [status for status, _ in answers] == [200] * 40
    assert {body["verdict"] for _, body in answers} == {"accepted"}
    assert await asyncio.wait_for(served.process.wait(), STOP_SECONDS) == 0
    async with house.database() as connection:
        kept = await connection.fetchval(
            "SELECT count(*) FROM acceptances WHERE attempt_id = ANY($1)", attempts
        )
    assert kept == 40


async def test_under_load_a_stop_takes_seconds_and_what_was_told_is_kept(
    house, served, session, new_attempt_id, until
):
    passes = await _known_passes(house, session, served.url, 300)
    told, dropped = {}, []

    async def send(part):
        for one in part:
            attempt_id = new_attempt_id()
            try:
                status, body = await _scan(house, session, served.url, one.qr, attempt_id)
            except aiohttp.ServerDisconnectedError:
                dropped.append(attempt_id)
                return
            except aiohttp.ClientError:  # not let in any more: the phone will send it to another
                return
            assert status in {200, 503}
            if status == 200:
                told[attempt_id] = body["accepted_at"]

    senders = [asyncio.create_task(send(passes[n::20])) for n in range(20)]

    async def under_way():
        return len(told) >= 40

    await until(under_way)
    asked_at = time.monotonic()
    for _ in range(3):  # who asks again is not told to hurry
        served.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*senders)
    assert await asyncio.wait_for(served.process.wait(), STOP_SECONDS) == 0
    # Far below what a handler that hangs is given: nobody is waited for in vain.
    assert time.monotonic() - asked_at < SHUTDOWN_SECONDS / 2
    assert dropped == []
    async with house.database() as connection:
        kept = await connection.fetch(
            "SELECT attempt_id::text FROM acceptances WHERE attempt_id = ANY($1)", list(told)
        )
    assert {row["attempt_id"] for row in kept} == set(told)


@pytest.mark.parametrize("served", [("--processes", "2")], indirect=True)
async def test_two_processes_share_the_port_and_a_killed_one_comes_back(
    house, served, session, new_attempt_id, tmp_path, until
):
    supervisor = psutil.Process(served.process.pid)

    async def both():
        found = {child.pid for child in supervisor.children() if _listens(child)}
        return found if len(found) == 2 else None

    async def children():
        return await until(both, seconds=30)

    before = await children()
    victim = before.pop()
    os.kill(victim, signal.SIGKILL)
    [one] = await house.passes(1)
    attempt_id = new_attempt_id()
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                status, body = await _scan(house, session, served.url, one.qr, attempt_id)
                # A process that starts, or has not read the new booklet yet, takes nothing.
                if status == 200 and body["verdict"] == "accepted":
                    break
            await asyncio.sleep(0.05)
    after = await children()
    assert before < after
    assert victim not in after
    async with session.get(f"{served.url}/metrics") as response:
        gauges = re.findall(r"^poincon_snapshot_age_seconds.*", await response.text(), re.M)
        assert len(gauges) <= 1
    served.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(served.process.wait(), STOP_SECONDS * 2) == 0
    assert not [pid for pid in after if psutil.pid_exists(pid) and _listens(psutil.Process(pid))]
    assert "process_died" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("served", [("--processes", "2", "--data")], indirect=True, ids=["of a demo"])
async def test_children_do_not_outlive_a_killed_parent(served, until):
    parent = psutil.Process(served.process.pid)

    async def both():
        children = [child for child in parent.children() if _listens(child)]
        return children if len(children) == 2 else None

    children = await until(both, seconds=30)
    parent.kill()

    async def all_gone():
        return not any(child.is_running() and _listens(child) for child in children)

    await until(all_gone, seconds=STOP_SECONDS)


def _listens(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(one.status == psutil.CONN_LISTEN for one in process.net_connections("tcp"))
    return False


async def test_a_port_that_is_taken_is_one_line(house, environment_of, poincon):
    port = house.client.server.port
    run = await poincon("serve", "--port", str(port), env=environment_of(house.settings))
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert run.stderr.count("\n") == 1


async def test_a_wrong_passphrase_is_one_line(house, environment_of, poincon, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("une autre phrase de passe")
    env = environment_of(house.settings, POINCON_PASSPHRASE_FILE=str(wrong))
    run = await poincon("serve", "--port", "0", env=env)
    assert run.returncode == 1
    assert "passphrase" in run.stderr
    assert "Traceback" not in run.stderr


async def test_what_the_parser_refuses_is_not_written_to_the_log(house, served, tmp_path):
    token = house.devices[0].token
    port = int(served.url.rpartition(":")[2])
    for sent in (
        f"GET /v1/scans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\x00x\r\n\r\n",
        "POST /v1/scans HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ{PN1:SECRET}\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent.encode())
        async with asyncio.timeout(5):
            await reader.read(4_096)
        writer.close()
    log = (tmp_path / "log").read_text()
    assert token not in log
    assert "SECRET" not in log
