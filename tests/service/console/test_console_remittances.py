"""Remittances in the console: a manager closes its own; who is entitled reads them, as pages and as files."""

import hashlib
import re

import pytest

from console.remittances_page import PER_PAGE
from ledger.account_rows import Role

CLOSING = "/console/bordereaux/nouveau"


def plain(page) -> str:
    return page.words.replace("\u00a0", " ")


@pytest.fixture
async def device(house):
    """A device of an operator of its own."""
    return await house.operator()


@pytest.fixture
async def manager(enter, device):
    return await enter(Role.OPERATOR, operator_id=device.operator_id)


async def test_a_manager_follows_its_passes_from_accepted_to_remitted(manager, device, take, house):
    assert "0,00 € 0 pass" in plain(await manager.open("/console"))
    await take(device, 3)
    home = await manager.open("/console")
    assert "Encaissés 30,00 € 3 pass" in plain(home)
    assert f'href="{CLOSING}"' in home.text
    await house.call("POST", "/v1/remittances", json={}, device=device)
    home = await manager.open("/console")
    assert "Encaissés 0,00 € 0 pass" in plain(home)
    assert "Remis 30,00 € 3 pass" in plain(home)
    assert f'href="{CLOSING}"' not in home.text
    assert "n° 1" in plain(home)


async def test_a_manager_closes_and_certifies_and_the_button_pressed_twice_closes_once(
    manager, device, take, house
):
    await take(device, 3)
    page = await manager.open(CLOSING)
    assert "3 pass, 30,00 €" in plain(page)
    certification = re.search(r"<span>(.*certifie que chaque pass.*?)</span>", page.text)[1]
    fields = {"demande": page.field("demande"), "certifie": "oui"}
    first = await manager.send(CLOSING, **fields)
    again = await manager.send(CLOSING, **fields)
    assert first.goes_to == again.goes_to == f"/console/bordereaux/{device.operator_id}/1?nouveau"

    shown = await manager.open(first.goes_to)
    assert "Le bordereau est clos." in plain(shown)
    assert certification in shown.text
    async with house.database() as connection:
        row = await connection.fetchrow(
            "SELECT closed_by, certified_by, line_count, total_cents FROM remittances WHERE operator_id = $1",
            device.operator_id,
        )
    account = manager.account
    assert tuple(row) == (account.actor, account.person_id, 3, 3_000)


async def test_nothing_is_closed_without_certification_or_without_passes(manager, device, take, house):
    await take(device, 1)
    page = await manager.open(CLOSING)
    answer = await manager.send(CLOSING, demande=page.field("demande"))
    assert answer.status == 422
    assert "Cochez la case" in answer.words
    assert answer.field("demande") == page.field("demande")
    assert (await manager.send(CLOSING, demande="x", certifie="oui")).status == 400
    async with house.database() as connection:
        found = await connection.fetchval(
            "SELECT count(*) FROM remittances WHERE operator_id = $1", device.operator_id
        )
    assert found == 0
    assert (await manager.send(CLOSING, demande=page.field("demande"), certifie="oui")).status == 303
    empty = await manager.send(CLOSING, demande="00000000-0000-0000-0000-000000000000", certifie="oui")
    assert (empty.status, "Il n’y a rien à remettre" in empty.words) == (422, True)


async def test_files_are_the_ones_that_the_interface_gives(manager, device, take, house):
    await take(device, 2)
    await house.call("POST", "/v1/remittances", json={}, device=device)
    for suffix, media_type in (("pdf", "application/pdf"), ("csv", "text/csv; charset=utf-8")):
        sent = await manager.open(f"/console/bordereaux/{device.operator_id}/1.{suffix}")
        assert (sent.status, sent.headers["Content-Type"]) == (200, media_type)
        assert sent.headers["Cache-Control"] == "no-store"
        assert f".{suffix}" in sent.headers["Content-Disposition"]
        async with house.client.get(f"/v1/remittances/1.{suffix}", headers=device.headers) as response:
            assert await response.read() == sent.body
    page = await manager.open(f"/console/bordereaux/{device.operator_id}/1")
    lines = "".join(
        ";".join(line.split(";")[:11]) + "\n" for line in sent.body.decode("utf-8-sig").splitlines()[1:]
    )
    assert hashlib.sha256(lines.encode()).hexdigest() in page.text


async def test_the_trustee_reads_the_register_of_all_filters_it_and_turns_its_pages(
    enter, device, take, house
):
    for _ in range(2):
        await take(device, 1)
        await house.call("POST", "/v1/remittances", json={}, device=device)
    trustee = await enter(Role.PREPARER)
    every = await trustee.open("/console/bordereaux")
    assert f'<option value="{device.operator_id}">' in every.text
    own = await trustee.open(f"/console/bordereaux?structure={device.operator_id}")
    assert "2 bordereaux, 2 pass, 20,00 €. Du plus récent" in plain(own)
    assert f"/console/bordereaux/{device.operator_id}/2.pdf" in own.text
    assert plain(own).index("n° 2") < plain(own).index("n° 1 ")
    past = await trustee.open(f"/console/bordereaux?structure={device.operator_id}&page=2")
    assert "Aucun bordereau sur cette page" in plain(past)
    assert f"page=1&structure={device.operator_id}" in past.text.replace("&amp;", "&")
    for asked in ("structure=x", "structure=0", "page=0", f"page={'9' * 30}", "structure=٣"):
        assert (await trustee.open(f"/console/bordereaux?{asked}")).status == 400, asked


async def test_pages_of_the_register_leave_nobody_out(enter, house, device):
    async with house.as_superuser() as superuser:
        await superuser.execute("SET session_replication_role = replica")
        await superuser.execute(
            "INSERT INTO remittances (operator_id, number, line_count, total_cents, lines_sha256, closed_by,"
            " certification, names) SELECT $1, n, 1, 1000, decode(repeat('00', 32), 'hex'), 'tests', 'x',"
            ' \'{"operator": "Structure"}\' FROM generate_series(1, $2) AS n',
            device.operator_id,
            PER_PAGE + 1,
        )
        await superuser.execute(
            "INSERT INTO remittance_parts SELECT $1, n, $3, 1, 1000, 30 FROM generate_series(1, $2) AS n",
            device.operator_id,
            PER_PAGE + 1,
            house.programme_id,
        )
    trustee = await enter(Role.AUDITOR)
    seen = []
    for page in (1, 2):
        shown = await trustee.open(f"/console/bordereaux?structure={device.operator_id}&page={page}")
        seen += re.findall(rf'href="/console/bordereaux/{device.operator_id}/(\d+)"', shown.text)
    assert sorted(map(int, seen)) == list(range(1, PER_PAGE + 2))
    async with house.as_superuser() as superuser:
        await superuser.execute("SET session_replication_role = replica")
        for table in ("remittance_parts", "remittances"):
            await superuser.execute(f"DELETE FROM {table} WHERE operator_id = $1", device.operator_id)


async def test_a_manager_downloads_receipts_that_stand_alone(manager, device, take, poincon, tmp_path):
    await take(device, 3)
    sent = await manager.open("/console/recus")
    assert (sent.status, sent.headers["Content-Type"]) == (200, "application/jsonl")
    assert sent.headers["Cache-Control"] == "no-store"
    export = tmp_path / "recus.jsonl"
    export.write_bytes(sent.body)
    verified = await poincon("receipts", "verify", str(export), "--json")
    assert verified.returncode == 0, verified.stderr
    assert '"good": 3' in verified.stdout or '"receipts": 3' in verified.stdout


async def test_a_remittance_that_is_not_there_is_told_so(manager, device):
    for path in (f"{device.operator_id}/1", f"{'9' * 30}/1", f"{device.operator_id}/{'9' * 30}"):
        assert (await manager.open(f"/console/bordereaux/{path}")).status == 404
