"""The demo's eleven months: true books, something of each kind to see, a statement to import, fresh codes."""

import json
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer

from demo.console_account import APPROVER, PREPARER
from demo.money import DISPUTE, Money
from demo.seed import seed, seed_booklets
from ledger.accounts import existing_account
from ledger.bank_accounts import blocked_accounts
from ledger.book_rows import SUSPENSE
from ledger.books import balance_of
from ledger.disputes import held_disputes
from ledger.funding import confirm_funding
from ledger.payout_rows import BatchState, PayoutRefused
from ledger.payouts import list_payout_batches
from ledger.remittance_rows import RemittanceState
from ledger.remittances import list_remittances
from payouts.approving import Totals, approve
from payouts.importing import import_file
from payouts.matching import Why
from payouts.reconciling import confirm, worklist
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


async def _states(connection):
    operators = range(1, 4)
    listed = [await list_remittances(connection, one, limit=50, offset=0) for one in operators]
    return [[one.state for one in reversed(remittances)] for remittances, _ in listed]


async def test_eleven_months_of_history_are_books_that_agree(connection, audited):
    found = await audited(connection)
    assert found.receipts_verified == sum(total.accepted for total in found.totals) > 300
    first, last = await connection.fetchrow("SELECT min(accepted_at), max(accepted_at) FROM acceptances")
    assert 290 < (NOW - first).days <= 300
    assert last < NOW
    assert await balance_of(connection, SUSPENSE) == 0


async def test_history_holds_something_of_each_kind(connection):
    paid, due = RemittanceState.PAID, RemittanceState.CLOSED
    moving, back = RemittanceState.IN_PAYMENT, RemittanceState.RETURNED
    assert await _states(connection) == [
        [*[paid] * 10, moving, due],
        [*[paid] * 10, moving, due],
        [*[paid] * 9, back, due, due],
    ]
    [blocked] = await blocked_accounts(connection)
    assert (blocked.operator_id, blocked.blocked_why) == (3, "BR-3-10-1 came back: AC04")
    [held] = await held_disputes(connection)
    assert (held.operator_id, held.number, held.reason) == (2, 11, DISPUTE)
    states = Counter(one.state for one in await list_payout_batches(connection))
    assert states == {BatchState.RECONCILED: 10, BatchState.SENT: 1, BatchState.DRAFT: 1}


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


async def test_the_statement_left_is_reconciled_by_one_import_and_two_decisions(demo, connection, audited):
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
    assert [one[10] for one in states[:2]] == [RemittanceState.PAID, RemittanceState.PARTLY_PAID]
    await audited(connection)


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
    eve, copy, audited, monkeypatch, tmp_path
):
    async def breaks(*_, **__):
        raise ConnectionError("killed")

    async with copy(eve, tmp_path / "demo") as demo, demo.database() as connection:
        with monkeypatch.context() as broken:
            broken.setattr(Money, "pay", breaks)
            with pytest.raises(ConnectionError):
                await seed_booklets(connection, demo.folder, demo.programme_id, BOOKLETS, now=NOW)
        for table in ("batches", "acceptances", "trustee_accounts", "book_entries"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
        await seed_booklets(connection, demo.folder, demo.programme_id, BOOKLETS, now=NOW)
        await audited(connection)


async def test_the_day_alone_decides_what_is_told_and_a_clock_that_changes_that_day_changes_nothing(
    eve, copy, audited, tmp_path
):
    async def story(hour: str):
        async with copy(eve, tmp_path / hour) as demo, demo.database() as connection:
            now = datetime.fromisoformat(f"2026-10-25T{hour}").replace(tzinfo=PARIS)
            await seed_booklets(connection, demo.folder, demo.programme_id, BOOKLETS, now=now)
            found = await audited(connection)
            hashes = await connection.fetch(
                "SELECT lines_sha256 FROM remittances ORDER BY operator_id, number"
            )
            files = await connection.fetch("SELECT file_sha256 FROM payout_batches ORDER BY id")
            told = [row[0] for row in hashes + files]
            return found.receipts_verified, told, demo.folder.statement.read_bytes()

    first = await story("00:30")
    assert await story("21:00") == first
    assert first[0] > 300
