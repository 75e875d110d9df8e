"""Runs the demo: servers, schema, seed, service; then tells what to try, and stops everything at the end."""

import asyncio
import contextlib
import json
from dataclasses import asdict
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import aiohttp
import uvloop

from demo.clock import DemoClock, going_by, prepare_sql
from demo.folder import DemoFolder, write_private
from demo.seed import Seeded, seed
from demo.welcome import welcome
from embedded.servers import Servers
from ledger.connect import connected
from ledger.devices import invite_device
from ledger.facts import load_facts
from ledger.migrate import migrate
from validator.log import set_up_log
from validator.serve import open_socket, run_until_told
from validator.settings import Settings

HOST = "127.0.0.1"
INVITATION = timedelta(minutes=10)
READY_POLL_SECONDS = 0.05


def run_demo(data: Path, *, port: int, booklet_count: int, ready_file: Path | None) -> None:
    set_up_log()
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)  # one of an earlier run would name a port that is no more
    folder = DemoFolder(data)
    folder.create()
    # The port first: the commonest reason to fail is told before anything is started.
    with open_socket(HOST, port, share_port=False) as listener, Servers.start(folder.servers) as servers:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        environment = write_environment(folder, servers, url)
        settings = Settings.from_environment(environment)
        clock = DemoClock(folder.clock)

        async def run() -> None:
            seeded, link = await prepare(servers, folder, booklet_count, url, clock)

            async def announce() -> None:
                await until_ready(url)
                if ready_file is not None:
                    write_private(
                        ready_file, json.dumps(ready(folder, servers, seeded, url), ensure_ascii=False)
                    )
                welcome(folder, seeded, url=url, link=link, clock=clock)

            # If one of these fails, the demo ends and says why.
            async with asyncio.TaskGroup() as group:
                alive = group.create_task(servers.keep_alive())
                announced = group.create_task(announce())
                await run_until_told(settings, listener)
                alive.cancel()
                announced.cancel()

        with going_by(clock):
            uvloop.run(run())


async def until_ready(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{url}/readyz") as response:
                    if response.status == HTTPStatus.OK:
                        return
            await asyncio.sleep(READY_POLL_SECONDS)


def write_environment(folder: DemoFolder, servers: Servers, url: str) -> dict[str, str]:
    """What `poincon … --data DIR` and `poincon serve` need to reach this demo."""
    environment = {
        "DATABASE_URL": servers.postgres.dsn("poincon_app"),
        "MIGRATION_DATABASE_URL": servers.postgres.dsn("poincon_owner"),
        "VALKEY_URL": servers.valkey.url,
        "POINCON_KEYS": str(folder.keys),
        "POINCON_PASSPHRASE_FILE": str(folder.passphrase_file),
        "POINCON_PUBLIC_URL": url,
        # Who tries the demo signs in by the passwords that it prints; a second factor can be added.
        "POINCON_REQUIRE_TOTP": "no",
    }
    write_private(folder.environment, json.dumps(environment, indent=2))
    return environment


async def prepare(
    servers: Servers, folder: DemoFolder, booklet_count: int, url: str, clock: DemoClock
) -> tuple[Seeded, str]:
    """Bring schema and seed to this version; return what there is, and a fresh link that enrols a phone."""
    async with connected(servers.postgres.dsn("poincon_owner"), purpose="migrate") as connection:
        await migrate(connection)
        await connection.execute(prepare_sql())
    async with connected(servers.postgres.dsn("poincon_app"), purpose="demo") as connection:
        seeded = await seed(connection, folder, booklet_count=booklet_count)
        facts = await load_facts(connection)
        device = min(facts.devices.values(), key=lambda one: one.id)
        code = await invite_device(
            connection,
            site_id=device.site_id,
            mediator_id=device.mediator_id,
            label="Téléphone de la démonstration",
            expires_at=clock.now() + INVITATION,
            actor="demo",
        )
    return seeded, f"{url}/#enrol={code}"


def ready(folder: DemoFolder, servers: Servers, seeded: Seeded, url: str) -> dict[str, object]:
    """The ready file (design.md, section 5): its fields are fixed and only grow."""
    return {
        "url": url,
        "devices": [asdict(device) for device in seeded.devices],
        "console": {"url": f"{url}/console", **seeded.console},
        "accounts": seeded.other_accounts,
        # What waits to be imported by hand; none in a folder that an older demo made.
        "statement": str(folder.statement) if folder.statement.exists() else None,
        "codes": str(folder.codes),
        "booklets_pdf": str(folder.booklets_pdf),
        "practice_pdf": str(folder.practice_pdf),
        "dsn": servers.postgres.superuser_dsn,
        "valkey_url": servers.valkey.url,
        "data": str(folder.root),
        "environment": str(folder.environment),
    }
