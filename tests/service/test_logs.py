"""What a run leaves behind: log, arguments, environment and metrics tell no code, no token, no password."""

import asyncio
import json
import sys
import uuid
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from keys.short_code import short_code

LOG_LINES_MAX = 2_000


@pytest.fixture(scope="module")
async def run(house, environment_of, tmp_path_factory, until):
    """A `poincon serve` of its own with two processes and secrets in files; its address, process and log."""
    folder = tmp_path_factory.mktemp("run")
    log = folder / "log"
    (folder / "database").write_text(house.settings.database_url)
    (folder / "valkey").write_text(house.settings.valkey_url)
    files = {"DATABASE_URL_FILE": str(folder / "database"), "VALKEY_URL_FILE": str(folder / "valkey")}
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "command.main", "serve", "--port", "0", "--processes", "2",
            env=environment_of(house.settings, DATABASE_URL="", VALKEY_URL="", **files),
            stdout=file, stderr=file,
        )  # fmt: skip

    async def listening():
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        ports = [line["port"] for line in lines if line["event"] == "listening"]
        return ports[0] if len(ports) == 2 else None

    try:
        port = await until(listening, seconds=60)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid), log
    finally:
        process.terminate()
        await process.wait()


async def _everything(house, url, device, passes):
    """Good and bad requests of every kind, each with something that must not be kept."""
    secret = {"Authorization": f"Bearer {device.token}"}
    wrong = short_code(passes[1].pass_id, bytes(32))
    attempt = str(uuid.uuid4())
    asked = [
        ("POST", "/v1/scans", {"json": {"attempt_id": attempt, "code": passes[0].qr}}),
        ("POST", "/v1/scans", {"json": {"attempt_id": attempt, "code": passes[1].qr}}),
        ("POST", "/v1/scans", {"json": {"attempt_id": str(uuid.uuid4()), "code": wrong}}),
        ("POST", "/v1/scans", {"json": {"attempt_id": str(uuid.uuid4()), "code": passes[2].short}}),
        ("POST", "/v1/checks", {"json": {"code": passes[3].qr[:-4] + "AAAA"}}),
        ("POST", "/v1/scans", {"data": b"{" + passes[4].qr.encode()}),
        ("POST", "/v1/enrolments", {"json": {"code": "enrolment-code-guessed"}}),
        ("POST", f"/v1/scans/{attempt}/undo", {"json": {"reason": "erreur"}}),
        ("GET", "/v1/scans", {}),
        ("GET", "/v1/receipts", {}),
        ("GET", "/v1/nowhere/at-all", {}),
        ("POST", "/v1/photos", {"data": b"\x89PNG\r\n\x1a\nbroken"}),
    ]
    async with aiohttp.ClientSession() as session:
        for method, path, how in asked:
            for headers in (secret, {"Authorization": f"Bearer x{device.token}"}):
                async with session.request(method, url + path, headers=headers, **how) as response:
                    assert response.status < 500, (path, response.status)
        form = {"email": "quelqu’un@console.example", "password": "mot de passe jamais gardé"}
        same = {"Sec-Fetch-Site": "same-origin"}
        async with session.post(f"{url}/console/connexion", data=form, headers=same) as response:
            assert response.status < 500
        async with session.get(f"{url}/metrics") as response:
            return wrong, await response.text()


async def test_nothing_that_opens_anything_is_in_logs_arguments_or_metrics(house, run):
    url, process, log = run
    device = await house.operator()
    passes = await house.passes(5)
    wrong, metrics = await _everything(house, url, device, passes)
    text = log.read_text()
    arguments = [
        argument for one in (process, *process.children(recursive=True)) for argument in one.cmdline()
    ]
    secrets = {
        "token": device.token,
        "short code": passes[2].short,
        "guess": wrong,
        "enrolment": "enrolment-code-guessed",
        "password": "mot de passe jamais gardé",
        "passphrase": process.environ()["POINCON_PASSPHRASE_FILE"] and "phrase de passe des essais",
        "master secret": house.master_secret.hex(),
    } | {f"code {place}": one.qr for place, one in enumerate(passes)}
    for name, secret in secrets.items():
        for where, found in (("log", text), ("arguments", " ".join(arguments)), ("metrics", metrics)):
            assert secret not in found, f"{name} in {where}"
    assert "PN1:" not in text
    assert text.count("\n") < LOG_LINES_MAX


async def test_the_environment_names_the_files_of_secrets_and_not_the_secrets(house, run):
    _, process, _ = run
    passwords = [urlsplit(house.settings.database_url).password, urlsplit(house.settings.valkey_url).password]
    assert all(passwords)
    for one in (process, *process.children(recursive=True)):
        held = "\n".join(one.environ().values())
        assert "phrase de passe des essais" not in held
        assert house.master_secret.hex() not in held
        assert not any(password in held for password in passwords)


async def test_each_line_of_the_log_is_one_json_object_with_its_instant_and_level(house, run):
    url, _, log = run
    await _everything(house, url, await house.operator(), await house.passes(5))
    lines = log.read_text().splitlines()
    assert lines
    for line in lines:
        told = json.loads(line)
        assert told["timestamp"].endswith("Z"), line
        assert told["level"] in {"info", "warning", "error"}, line
        assert told["event"], line
