"""The demo's seeding when it is killed at each of its stages: the next start makes a whole demo of it."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

from demo.folder import DemoFolder
from demo.seed import seed
from keys.keyring import KeyPurpose, Keyring
from keys.receipt import seal_key_from
from ledger.audit import OpenedKey, audit
from ledger.connect import connected
from ledger.signing_keys import list_keys

BOOKLETS = 2

# Seeds, and kills itself at the stage named: before or after one of the steps.
DYING = """
import asyncio, importlib, os, signal, sys
from pathlib import Path
from demo.folder import DemoFolder
from demo.seed import seed
from ledger.connect import connected

root, dsn, module, owner, step, when = sys.argv[1:]
place = importlib.import_module(module)
place = getattr(place, owner) if owner else place
original = getattr(place, step)

async def dying(*given, **named):
    if when == "after":
        await original(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(place, step, dying)

async def main():
    async with connected(dsn, purpose="tests") as connection:
        await seed(connection, DemoFolder(Path(root)), booklet_count=2)

asyncio.run(main())
"""

# In the order of a first start, so that each start repairs what the one before it left, and gets further.
STAGES = (
    "demo.seed  seed_account before",
    "demo.money Money leave_statement after",
    "demo.seed  write_files before",
)


async def test_killed_at_each_stage_of_its_seeding_the_demo_is_whole_in_the_end(
    servers, database, tmp_path: Path
):
    folder = DemoFolder(tmp_path)
    folder.create()
    dsn = servers.postgres.dsn("poincon_app", database)
    for stage in STAGES:
        command = [sys.executable, "-c", DYING, str(tmp_path), dsn, *stage.split(" ")]
        died = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
        )
        assert died.returncode == -signal.SIGKILL, (stage, died.stderr)
    async with connected(dsn, purpose="tests") as connection:
        seeded = await seed(connection, folder, booklet_count=BOOKLETS)
        known = await list_keys(connection)
        opened = {
            key_id: OpenedKey(
                folder.key_folder.signer(key.purpose, key.kid),
                seal_key_from(folder.key_folder.private_key(key.purpose, key.kid)),
            )
            for key_id, key in known.items()
            if key.purpose is KeyPurpose.RECEIPT
        }
        found = await audit(connection, keyring=Keyring.from_keys(known.values()), opened_keys=opened)
        assert found.disagreements == []
        assert await connection.fetchval("SELECT count(*) FROM batches WHERE booklet_count > 1") == 3
        assert await connection.fetchval("SELECT count(*) FROM payout_batches") == 12
        taken = {row[0] for row in await connection.fetch("SELECT DISTINCT booklet FROM acceptances")}
    codes = [json.loads(line) for line in folder.codes.read_text().splitlines()]
    assert len(codes) == 10 * BOOKLETS
    assert taken
    assert taken.isdisjoint(one["booklet"] for one in codes)
    assert len(seeded.devices) == 5
    assert folder.statement.exists()
    assert folder.practice_pdf.exists()
