"""Accounts rendered from the console: the same archive as the command's, for who may read it, frozen once."""

import asyncio
import hashlib
from datetime import date

import pytest

from ledger.account_rows import Role
from ledger.connect import connected
from loadtests.funding import add_funded
from payouts.rendering_verify import verify_accounts

PAGE = "/console/reddition"
ARCHIVE = f"{PAGE}/archive?du=2026-01-01&au=2026-11-01"
PERIOD = {"du": "2026-01-01", "au": "2026-11-01"}


def plain(page) -> str:
    return page.words.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.fixture
def verified(tmp_path):
    def verified(page):
        assert page.status == 200, page.words
        path = tmp_path / "reddition.zip"
        path.write_bytes(page.body)
        found = verify_accounts(path)
        assert found.differences == []
        return found

    return verified


async def test_the_archive_is_the_commands_byte_for_byte(
    preparer, verified, instance, environment_of, poincon, tmp_path
):
    page = await preparer.open(ARCHIVE)
    assert 'filename="reddition-2026-01-01-2026-11-01.zip"' in page.headers["Content-Disposition"]
    verified(page)
    out = tmp_path / "commande.zip"
    run = await poincon(
        "accounts", "render", "--since", "2026-01-01", "--until", "2026-11-01", "--out", str(out),
        env=environment_of(instance.settings),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert hashlib.sha256(page.body).digest() == hashlib.sha256(out.read_bytes()).digest()


async def test_a_funder_gets_its_own_programme_whatever_it_asks_for(
    enter, connection, house, verified, tmp_path
):
    other = await add_funded(
        connection, name="Programme voisin", funder="Commanditaire voisin", contact="", booklet_size=10,
        face_value_cents=1_000, last_day=date(2027, 12, 31), territory_ids=[], service_ids=[],
        funds_cents=7_700, actor="tests",
    )  # fmt: skip
    funder = await enter(Role.FUNDER, programme_id=house.programme_id)
    page = await funder.open(f"{ARCHIVE}&perimetre=programme:{other}")
    assert f"-programme-{house.programme_id}.zip" in page.headers["Content-Disposition"]
    verified(page)
    assert b"voisin" not in page.body
    shown = await funder.open(PAGE)
    assert "voisin" not in shown.words
    assert "Arrêter ces comptes" not in shown.words
    assert (await funder.send(PAGE, **PERIOD)).status == 403


async def test_the_trustee_freezes_a_period_once_and_readers_find_it(
    preparer, approver, enter, verified, connection, house
):
    scope = f"programme:{house.programme_id}"
    for person in (preparer, approver):
        assert (await person.send(PAGE, **PERIOD, perimetre=scope)).goes_to == f"{PAGE}?arrete"
    assert "Les comptes sont arrêtés." in plain(await preparer.open(f"{PAGE}?arrete"))
    [(frozen_by, frozen)] = await connection.fetch("SELECT frozen_by, archive_sha256 FROM renderings")
    assert frozen_by == preparer.account.actor
    for role in (Role.AUDITOR, Role.FUNDER):
        reader = await enter(role)
        page = await reader.open(PAGE)
        assert frozen.hex() in page.words
        assert f"perimetre={scope.replace(':', '%3A')}" in page.text
    assert verified(await reader.open(f"{ARCHIVE}&perimetre={scope}")).sha256 == frozen.hex()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"du": "2026-02-01", "au": "2026-01-01"}, "vient après le premier"),
        ({"du": "2026-01-01", "au": "2199-01-01"}, "cinq ans au plus"),
        ({"du": "hier", "au": "2026-01-01"}, "Écrivez un jour"),
        ({"du": "2198-01-01", "au": "2199-01-01"}, "n’est pas close"),
        ({"du": "0001-01-01", "au": "2026-01-01"}, "de ce siècle"),
        ({"du": "2026-01-01"}, "Écrivez un jour"),
        (PERIOD | {"perimetre": "commanditaire:Personne"}, "de la liste"),
    ],
)
async def test_what_can_not_be_rendered_is_told_in_a_sentence(preparer, fields, told):
    asked = "&".join(f"{name}={value}" for name, value in fields.items())
    for page in (await preparer.open(f"{PAGE}/archive?{asked}"), await preparer.send(PAGE, **fields)):
        assert (page.status, told in plain(page)) == (422, True), page.words


async def test_a_record_that_no_longer_says_what_was_frozen_is_refused_and_told(preparer, instance):
    assert (await preparer.send(PAGE, **PERIOD)).status == 303
    async with connected(instance.superuser_dsn, purpose="tests") as admin:
        await admin.execute("SET session_replication_role = replica")
        await admin.execute("UPDATE book_entries SET at = '2026-10-01' WHERE number = 1")
    refused = await preparer.send(PAGE, **PERIOD)
    assert (refused.status, "poincon audit" in refused.words) == (409, True)


async def test_one_archive_is_made_at_a_time_and_who_comes_meanwhile_is_told(preparer):
    pages = await asyncio.gather(preparer.open(ARCHIVE), preparer.open(ARCHIVE))
    assert sorted(page.status for page in pages) == [200, 429]
