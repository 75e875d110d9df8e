"""The demo's two months: true books, something of each kind to see, a statement to import, fresh codes."""

import itertools
import json
import os
import shutil
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer

from demo.console_account import APPROVER, PREPARER, seed_account, seed_other_accounts
from demo.folder import DemoFolder
from demo.history import DISPUTE, History
from demo.seed import HISTORY, seed, seed_booklets, seed_devices, seed_keys
from keys.keyring import KeyPurpose, Keyring
from keys.receipt import seal_key_from
from ledger.accounts import existing_account
from ledger.audit import OpenedKey, audit
from ledger.bank_accounts import blocked_accounts
from ledger.book_rows import SUSPENSE
from ledger.books import balance_of
from ledger.connect import connected
from ledger.disputes import held_disputes
from ledger.funding import confirm_funding
from ledger.payout_rows import BatchState, PayoutRefused
from ledger.payouts import list_payout_batches
from ledger.remittance_rows import RemittanceState
from ledger.remittances import list_remittances
from ledger.signing_keys import list_keys
from payouts.approving import Totals, approve
from payouts.importing import import_file
from payouts.matching import Why
from payouts.reconciling import confirm, worklist
from programmes.setup import read_instance, set_up
from validator.app import build_app
from validator.settings import Settings

BOOKLETS = 3
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
PERSON = "person:demo"
TABLES = (
    "events",
    "acceptances",
    "remittances",
    "booklets",
    "devices",
    "accounts",
    "book_entries",
    "bank_files",
)

_numbers = itertools.count(1)


class Demo:
    """A database and a folder; closing it drops the database only."""

    def __init__(self, servers, name: str, folder: DemoFolder, programme_id: int) -> None:
        self._servers, self.name, self.folder, self.programme_id = servers, name, folder, programme_id

    @property
    def dsn(self) -> str:
        return self._servers.postgres.dsn("poincon_app", self.name)

    def database(self):
        return connected(self.dsn, purpose="tests")


@asynccontextmanager
async def _copied(servers, template: str, demo: Demo, root: Path):
    """A demo of its own, database and folder."""
    folder = DemoFolder(shutil.copytree(demo.folder.root, root))
    async with _database(servers, template) as name:
        yield Demo(servers, name, folder, demo.programme_id)


@asynccontextmanager
async def _database(servers, template: str):
    name = f"demo_{os.getpid()}_{next(_numbers)}"
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as admin:
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = $1 AND pid <> pg_backend_pid()",
            template,
        )
        await admin.execute(
            f"CREATE DATABASE {name} OWNER poincon_owner TEMPLATE {template} STRATEGY file_copy"
        )
    yield name
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as admin:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
async def eve(servers, template, tmp_path_factory):
    """All but history and booklets: drawing and sealing keys is slow on purpose."""
    folder = DemoFolder(tmp_path_factory.mktemp("demo"))
    folder.create()
    instance = read_instance((files("demo") / "instance.toml").read_text(encoding="utf-8"))
    async with _database(servers, template) as name:
        eve = Demo(servers, name, folder, 1)
        async with eve.database() as connection:
            await seed_keys(connection, folder, at=NOW - HISTORY)
            done = await set_up(connection, instance, actor="demo", today=NOW.date())
            await seed_devices(connection, folder, instance, done)
            await seed_account(connection, folder)
            await seed_other_accounts(connection, folder, programme_id=done.programme_id, operator_id=1)
        assert done.programme_id == eve.programme_id
        yield eve


@pytest.fixture(scope="module")
async def told(servers, eve, tmp_path_factory):
    """The whole demo, to be copied."""
    async with _copied(servers, eve.name, eve, tmp_path_factory.mktemp("told") / "demo") as told:
        async with told.database() as connection:
            await seed(connection, told.folder, booklet_count=BOOKLETS, now=NOW)
        yield told


@pytest.fixture
async def demo(servers, told, tmp_path):
    async with _copied(servers, told.name, told, tmp_path / "demo") as copied:
        yield copied


@pytest.fixture
async def connection(demo):
    async with demo.database() as opened:
        yield opened


@pytest.fixture(scope="module")
async def opened_keys(eve):
    async with eve.database() as connection:
        known = await list_keys(connection)
    folder, purpose = eve.folder.key_folder, KeyPurpose.RECEIPT
    return {
        key_id: OpenedKey(
            folder.signer(purpose, key.kid), seal_key_from(folder.private_key(purpose, key.kid))
        )
        for key_id, key in known.items()
        if key.purpose is purpose
    }


async def _audited(connection, opened_keys):
    keyring = Keyring.from_keys((await list_keys(connection)).values())
    found = await audit(connection, keyring=keyring, opened_keys=opened_keys)
    assert found.disagreements == []
    return found


async def _states(connection):
    operators = range(1, 4)
    listed = [await list_remittances(connection, one, limit=50, offset=0) for one in operators]
    return [[one.state for one in reversed(remittances)] for remittances, _ in listed]


async def test_two_months_of_history_are_books_that_agree(connection, opened_keys):
    found = await _audited(connection, opened_keys)
    assert found.receipts_verified == sum(total.accepted for total in found.totals) > 300
    first, last = await connection.fetchrow("SELECT min(accepted_at), max(accepted_at) FROM acceptances")
    assert 55 < (NOW - first).days <= 62
    assert last < NOW
    assert await balance_of(connection, SUSPENSE) == 0


async def test_history_holds_something_of_each_kind(connection):
    paid, due = RemittanceState.PAID, RemittanceState.CLOSED
    moving, back = RemittanceState.IN_PAYMENT, RemittanceState.RETURNED
    assert await _states(connection) == [
        [paid, paid, moving, due],
        [paid, paid, moving, due],
        [paid, back, due, due],
    ]
    [blocked] = await blocked_accounts(connection)
    assert (blocked.operator_id, blocked.blocked_why) == (3, "BR-3-2-1 came back: AC04")
    [held] = await held_disputes(connection)
    assert (held.operator_id, held.number, held.reason) == (2, 3, DISPUTE)
    states = Counter(one.state for one in await list_payout_batches(connection))
    assert states == {BatchState.RECONCILED: 2, BatchState.SENT: 1, BatchState.DRAFT: 1}


async def test_the_draft_waits_for_the_second_person(connection):
    preparer = await existing_account(connection, PREPARER.email)
    approver = await existing_account(connection, APPROVER.email)
    [draft] = [one for one in await list_payout_batches(connection) if one.state is BatchState.DRAFT]
    seen = Totals(draft.transfer_count, draft.total_cents)
    with pytest.raises(PayoutRefused, match="second person"):
        await approve(
            connection, draft.id, seen=seen, person_id=preparer.person_id, actor=preparer.actor, now=NOW
        )
    released = await approve(
        connection, draft.id, seen=seen, person_id=approver.person_id, actor=approver.actor, now=NOW
    )
    assert released.state is BatchState.APPROVED


async def test_the_statement_left_is_reconciled_by_one_import_and_two_decisions(
    demo, connection, opened_keys
):
    content = demo.folder.statement.read_bytes()
    imported = await import_file(connection, content, name="releve.xml", actor=PERSON, now=NOW)
    assert (imported.lines, imported.lines_booked, imported.gaps, imported.remarks) == (3, 3, (), ())
    resembling, unknown = imported.reconciled.in_suspense
    assert resembling.explanation.why is Why.SAME_AMOUNT
    assert unknown.explanation.why is Why.UNKNOWN_CREDIT
    [proposed] = resembling.explanation.proposals
    ids = frozenset({proposed.payment.end_to_end_id})
    await confirm(connection, resembling.line.id, ids, actor=PERSON, now=NOW)
    await confirm_funding(connection, unknown.line.id, demo.programme_id, actor=PERSON, at=NOW)
    assert (await worklist(connection)).is_even
    assert await balance_of(connection, SUSPENSE) == 0
    states = await _states(connection)
    assert [one[2] for one in states[:2]] == [RemittanceState.PAID, RemittanceState.PARTLY_PAID]
    await _audited(connection, opened_keys)


async def test_every_code_is_acceptable_by_every_device(demo, servers):
    settings = Settings(demo.dsn, servers.valkey.url, demo.folder.keys, demo.folder.passphrase)
    passes = [json.loads(line) for line in demo.folder.codes.read_text().splitlines()]
    devices = demo.folder.kept("devices")
    assert (len(passes), len(devices)) == (10 * BOOKLETS, 5)
    async with TestClient(TestServer(build_app(settings))) as client:
        for device in devices:
            headers = {"Authorization": f"Bearer {device['token']}"}
            for one in passes:
                async with client.post("/v1/checks", json={"code": one["qr"]}, headers=headers) as answer:
                    assert (await answer.json())["verdict"] == "acceptable"


async def test_started_again_it_seeds_nothing_twice(demo, connection):
    async def counts():
        return [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES]

    before, statement = await counts(), demo.folder.statement.read_bytes()
    codes = demo.folder.codes.read_text()
    later = NOW.replace(year=2027)
    demo.folder.codes.unlink()
    first = await seed(connection, demo.folder, booklet_count=BOOKLETS, now=NOW)
    assert await seed(connection, demo.folder, booklet_count=40, now=later) == first
    assert await counts() == before
    assert demo.folder.statement.read_bytes() == statement
    assert demo.folder.codes.read_text() == codes


async def test_a_history_that_breaks_off_leaves_nothing_and_begins_again(
    servers, eve, monkeypatch, opened_keys, tmp_path
):
    async def breaks(*_):
        raise ConnectionError("killed")

    async with (
        _copied(servers, eve.name, eve, tmp_path / "demo") as demo,
        demo.database() as connection,
    ):
        with monkeypatch.context() as broken:
            broken.setattr(History, "_leave_statement", breaks)
            with pytest.raises(ConnectionError):
                await seed_booklets(connection, demo.folder, demo.programme_id, BOOKLETS, now=NOW)
        for table in ("batches", "acceptances", "trustee_accounts", "book_entries"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
        await seed_booklets(connection, demo.folder, demo.programme_id, BOOKLETS, now=NOW)
        await _audited(connection, opened_keys)


# New Year within it, either clock change within it or today, and several days of the week.
@pytest.mark.parametrize("day", ["2027-01-01", "2027-03-28", "2026-11-04"])
async def test_the_day_alone_decides_and_every_day_tells_the_same_story(
    servers, eve, opened_keys, tmp_path, day
):
    async def story(hour: str):
        async with (
            _copied(servers, eve.name, eve, tmp_path / hour) as demo,
            demo.database() as connection,
        ):
            now = datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=PARIS)
            await seed_booklets(connection, demo.folder, demo.programme_id, BOOKLETS, now=now)
            found = await _audited(connection, opened_keys)
            hashes = await connection.fetch(
                "SELECT lines_sha256 FROM remittances ORDER BY operator_id, number"
            )
            files = await connection.fetch("SELECT file_sha256 FROM payout_batches ORDER BY id")
            told = [row[0] for row in hashes + files]
            return found.receipts_verified, told, demo.folder.statement.read_bytes()

    first = await story("00:30")
    assert await story("21:00") == first
    assert first[0] > 300
