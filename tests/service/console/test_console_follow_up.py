"""Suivi and the end of validity on screen: whose programme, what is shown, papers as they were frozen."""

import csv
import hashlib
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from ledger.account_rows import Role
from ledger.calendar_rows import midnight
from ledger.month_figures import month_of
from ledger.monthly_returns import list_returns
from ledger.remittance_rows import PARIS
from ledger.validity_ends import ending_programmes, release_all
from payouts.month_freezing import freeze_month
from programmes.end_of_validity import Validity


@pytest.fixture(scope="module")
async def told(house, module_take):
    """A month that is told: consumed passes of the house's first operator, as if the month were over."""
    return await module_take()


@pytest.fixture(scope="module")
def module_take(house):
    async def take():
        device = house.devices[0]
        scans = [
            {"attempt_id": f"00000000-0000-4000-8000-{number:012d}", "code": one.qr, "service": "demarches"}
            for number, one in enumerate(await house.passes(7), start=4_000)
        ]
        await house.batch(scans, device=device)
        await house.call("POST", "/v1/remittances", json={}, device=device)
        period = month_of(datetime.now(UTC).astimezone(PARIS).date())
        async with house.database() as connection:
            return await freeze_month(
                connection, house.programme_id, period, at=period.until + timedelta(hours=1), actor="tests"
            )

    return take


async def test_a_funder_follows_its_own_programme_and_fetches_what_was_frozen(enter, house, told):
    other = await house.programme(name="Programme voisin du suivi")
    funder = await enter(Role.FUNDER)
    page = await funder.open("/console/suivi")
    assert page.status == 200
    assert "Programme voisin du suivi" not in page.words
    assert "Bilan d’usage" in page.words
    assert (await funder.open(f"/console/suivi?programme={other}")).status == 404
    month = f"{told.month:%Y%m}"
    for suffix, sha256 in (("csv", told.csv_sha256), ("pdf", told.pdf_sha256)):
        paper = await funder.open(f"/console/suivi/{house.programme_id}/{month}.{suffix}")
        assert paper.status == 200
        assert hashlib.sha256(paper.body).digest() == sha256
        assert (await funder.open(f"/console/suivi/{other}/{month}.{suffix}")).status == 404
    assert (await funder.open(f"/console/suivi/{house.programme_id}/200001.pdf")).status == 404


async def test_the_dashboard_shows_the_ledger_s_total_and_withholds_small_cells(enter, house, told):
    auditor = await enter(Role.AUDITOR)
    page = await auditor.open(f"/console/suivi?programme={house.programme_id}")
    async with house.database() as connection:
        frozen = await list_returns(connection, house.programme_id)
        consumed = await connection.fetchval(
            "SELECT count(*) FROM remittance_lines l JOIN booklets b ON b.number = l.booklet"
            " JOIN batches t ON t.id = b.batch_id WHERE t.programme_id = $1",
            house.programme_id,
        )
    assert frozen[-1].facts["sums"]["consumed_passes"] == consumed
    assert f"Consommés {consumed}" in re.sub("[\u00a0\u202f]", "", page.words)
    assert "Secret statistique" in page.words


async def test_the_end_is_read_by_all_who_follow_and_decided_by_the_funder_alone(enter, house):
    programme_id = await house.programme(name="Programme qui finit")
    async with house.database() as connection:
        [ending] = await ending_programmes(connection, programme_id)
    trustee, funder = await enter(Role.PREPARER), await enter(Role.FUNDER, programme_id=programme_id)
    address = f"/console/fin-de-validite/{programme_id}"
    for person in (trustee, funder, await enter(Role.AUDITOR)):
        page = await person.open(f"/console/fin-de-validite?programme={programme_id}")
        assert page.status == 200
        assert "Dernier jour d’utilisation" in page.words
    # The day has not come, or not this person's.
    assert (await trustee.send(f"{address}/etat")).status == 404
    assert (await trustee.send(f"{address}/blocage/accord")).status == 403
    assert (await funder.send(f"{address}/etat")).status == 403
    assert midnight(ending.last_day) > datetime.now(UTC)


async def test_both_sides_sign_on_screen_and_the_funder_decides(enter, house):
    programme_id = await house.programme(
        name="Programme fini", last_day=datetime.now(UTC).date() - timedelta(days=60)
    )
    async with house.database() as connection:
        [ending] = await ending_programmes(connection, programme_id)
        at = Validity(ending.last_day, ending.grace_days).released_from
        await release_all(connection, ending, at=at, actor="tests")
    trustee, funder = await enter(Role.PREPARER), await enter(Role.FUNDER, programme_id=programme_id)
    address = f"/console/fin-de-validite/{programme_id}"
    today = await trustee.open("/console/aujourdhui")
    assert "Programme fini : l’état contradictoire est à arrêter." in today.words.replace("\u00a0", " ")
    assert (await trustee.send(f"{address}/etat")).status == 303
    for person in (trustee, funder):
        page = await person.open(f"/console/fin-de-validite?programme={programme_id}")
        seen = page.field("empreinte")
        stale = await person.send(f"{address}/signature", empreinte="00" * 32)
        assert stale.status == 422
        assert "Relisez-le" in stale.words
        assert (await person.send(f"{address}/signature", empreinte=seen)).status == 303
    page = await funder.open(f"/console/fin-de-validite?programme={programme_id}")
    assert page.words.count("signé") >= 2
    stranger = await enter(Role.FUNDER)
    for suffix in ("pdf", "csv"):
        papers = [await one.open(f"{address}/etat.{suffix}") for one in (trustee, funder)]
        assert papers[0].body == papers[1].body
        assert hashlib.sha256(papers[0].body).hexdigest() in page.text
        assert (await stranger.open(f"{address}/etat.{suffix}")).status == 404
    told = {
        (section, name): value
        for section, name, value in csv.reader(io.StringIO(papers[0].body.decode("utf-8-sig")), delimiter=";")
    }
    assert (
        hashlib.sha256(told["etat", "texte_signe"].encode()).hexdigest() == told["etat", "empreinte"] == seen
    )
    assert told["compte", "inutilises_centimes"] == "100000000"
    assert told["signature", "commanditaire_personne"] == funder.account.name
    assert "1 000 000,00 € ne sont pas encore décidés" in page.words.replace("\u00a0", " ")
    wanted = {"devenir": "refund", "motif": "essai"}
    more = await funder.send(f"{address}/devenir", montant="1000000,01", **wanted)
    assert more.status == 422
    assert "C’est plus que" in more.words
    assert (await trustee.send(f"{address}/devenir", montant="10", **wanted)).status == 403
    await _swap_is_no_refund(house, trustee, funder, address)
    assert (await funder.send(f"{address}/devenir", montant="999 990", **wanted)).status == 303
    page = await trustee.open(f"/console/fin-de-validite?programme={programme_id}")
    assert "Toute la valeur inutilisée a été décidée" in page.words
    assert "virement attendu" in page.words
    today = (await trustee.open("/console/aujourdhui")).words.replace("\u00a0", " ")
    assert "Programme fini : 999 990,00 € sont à rembourser au commanditaire." in today


async def _swap_is_no_refund(house, trustee, funder, address):
    """What was swapped is booked: no line of the bank gives it back. Numbers without end are nothing."""
    other = await house.programme(name="Programme qui reçoit")
    swap = {"devenir": "swap", "montant": "10", "motif": "essai"}
    assert (await funder.send(f"{address}/devenir", vers="9" * 300, **swap)).status == 422
    assert (await funder.send(f"{address}/devenir", vers=str(other), **swap)).status == 303
    async with house.database() as connection:
        decision = await connection.fetchval("SELECT max(id) FROM unused_decisions")
    for number in (decision, "9" * 30):
        for line in ("1", "9" * 300):
            refund = await trustee.send(f"{address}/remboursement/{number}", ecriture=line)
            assert refund.status == 404, (number, line)
