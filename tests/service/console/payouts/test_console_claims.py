"""A correction that no bordereau could bear is claimed by letter, which its operator reads and no other."""

import pytest

from ledger.account_rows import Role

CORRECTIONS = "/console/corrections"
CLAIMS = "/console/reclamations"


def plain(page) -> str:
    return page.words.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.fixture
async def claimed(preparer, owed, house) -> str:
    """12,34 € decided against the first operator, then claimed; the address of the letter."""
    decided = await preparer.send(
        CORRECTIONS,
        structure=str(owed[0]),
        programme=str(house.programme_id),
        sens="moins",
        montant="12,34",
        cause="overpaid",
        motif="Atelier annulé, payé deux fois",
    )
    assert decided.goes_to == f"{CORRECTIONS}?decide"
    answer = await preparer.send(f"{CORRECTIONS}/1/reclamation")
    assert answer.goes_to == f"{CORRECTIONS}?reclame=1"
    assert f"{CLAIMS}/1.pdf" in (await preparer.open(answer.goes_to)).text
    return f"{CLAIMS}/1.pdf"


async def test_the_letter_is_the_same_bytes_for_the_trustee_and_for_the_operator_that_it_asks(
    enter, preparer, owed, claimed
):
    manager = await enter(Role.OPERATOR, operator_id=owed[0])
    letters = [(await person.open(claimed)).body for person in (preparer, manager, manager)]
    assert letters[0].startswith(b"%PDF-")
    assert len(set(letters)) == 1
    home = plain(await manager.open("/console"))
    assert "Une somme vous est réclamée par lettre, au total 12,34 €." in home
    page = plain(await manager.open(CLAIMS))
    assert "Atelier annulé, payé deux fois" in page
    assert "RC-1" in page
    assert "Aucune correction en attente." in page


async def test_another_operator_reads_nothing_of_it_and_the_log_tells_who_claimed(
    enter, preparer, owed, claimed, events_of
):
    other = await enter(Role.OPERATOR, operator_id=owed[1])
    assert (await other.open(claimed)).status == 404
    assert "Aucune somme réclamée." in plain(await other.open(CLAIMS))
    assert "réclamée" not in plain(await other.open("/console"))
    assert "correction.claim" in await events_of(preparer.account)


async def test_it_is_claimed_once_and_netted_nowhere_any_more(preparer, claimed, connection, remit, owed):
    assert (await preparer.send(f"{CORRECTIONS}/1/reclamation")).status == 404
    await remit(0, 2)
    assert await connection.fetchval("SELECT remittance_number FROM corrections WHERE id = 1") is None
    assert (await preparer.open(f"{CLAIMS}/999.pdf")).status == 404
