"""Bank accounts at the console: four eyes, a cooling-off time, each mistake at its field, and who is told."""

import re

import pytest

from ledger.account_rows import Role

IBAN = "FR1420041010050500013M02606"
OTHER_IBAN = "FR7630001007941234567890185"
FIELDS = {"titulaire": "Point d’accueil de la Gare", "iban": IBAN, "bic": "", "preuve": "RIB du 3 mars"}


def plain(page) -> str:
    return page.words.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.fixture
def address(operators) -> str:
    return f"/console/structures/{operators[0]}/compte"


def approval_of(page) -> str:
    return re.search(r'action="([^"]+/approbation)"', page.text)[1]


async def test_one_person_proposes_another_approves_and_the_account_cools_off(preparer, approver, address):
    assert "cette structure ne peut pas être payée" in plain(await preparer.open(address))
    assert (await preparer.send(address, **FIELDS)).goes_to == address
    mine = await preparer.open(address)
    assert "Vous avez proposé ce compte : une autre personne du mandataire l’approuve." in plain(mine)
    assert "À approuver 1" in plain(await preparer.open("/console/aujourdhui"))

    shown = await approver.open(address)
    assert "FR14 2004 1010 0505 0001 3M02 606" in plain(shown)
    assert "Rappelez la structure à un numéro que vous connaissiez déjà" in plain(shown)
    assert (await preparer.send(approval_of(shown))).status == 403
    assert (await approver.send(approval_of(shown))).goes_to == address
    done = plain(await approver.open(address))
    assert "approuvé" in done
    assert "Délai de sûreté : utilisable à partir du" in done
    assert "pas encore vérifié auprès de la banque" in done or "pas encore demandé" in done
    assert (await approver.send(approval_of(shown))).status == 404


async def test_who_proposed_an_account_does_not_approve_it_with_the_role_to_do_so(
    approver, address, connection
):
    assert (await approver.send(address, **FIELDS)).status == 303
    number = await connection.fetchval("SELECT max(id) FROM operator_bank_accounts")
    page = await approver.send(f"{address}/{number}/approbation")
    assert (page.status, "Une seconde personne doit approuver" in page.words) == (403, True)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("iban", "FR1420041010050500013M02607", "L’IBAN est faux"),
        ("iban", "", "L’IBAN est faux"),
        ("iban", "<script>", "L’IBAN est faux"),
        ("bic", "XX", "Le BIC est faux"),
        ("titulaire", "", "Le nom du titulaire"),
        ("titulaire", "Ω" * 10, "Le nom du titulaire"),
        ("titulaire", "A\u202eB", "caractère invisible"),
        ("preuve", " ", "Dites quelle preuve"),
    ],
)
async def test_each_mistake_is_told_at_its_field_and_what_was_typed_is_kept(
    preparer, address, field, value, told, connection
):
    page = await preparer.send(address, **FIELDS | {field: value})
    assert (page.status, told in plain(page)) == (422, True)
    assert f'aria-describedby="{field}-wrong"' in page.text
    assert "RIB du 3 mars" in page.text or field == "preuve"
    assert await connection.fetchval("SELECT count(*) FROM operator_bank_accounts") == 0


async def test_a_proposal_is_turned_down_with_a_reason_and_a_newer_one_replaces_an_older(
    preparer, approver, address, connection
):
    await preparer.send(address, **FIELDS)
    await preparer.send(address, **FIELDS | {"iban": OTHER_IBAN})
    page = plain(await approver.open(address))
    assert page.count("écarté") == 1
    assert "FR76 3000 1007 9412 3456 7890 185" in page
    number = await connection.fetchval("SELECT max(id) FROM operator_bank_accounts")
    refusal = f"{address}/{number}/refus"
    assert (await approver.send(refusal, motif="")).status == 422
    assert (await approver.send(refusal, motif="la structure ne confirme pas")).goes_to == address
    assert (await approver.send(refusal, motif="encore")).status == 404
    assert "cette structure ne peut pas être payée" not in plain(await approver.open(address))


async def test_the_account_that_pays_needs_two_persons_too(preparer, approver):
    own = "/console/virements/compte"
    assert "Aucun compte n’est approuvé" in plain(await preparer.open(own))
    assert (await preparer.send(own, titulaire="Mandataire", iban="FR00", bic="")).status == 422
    fields = {"titulaire": "Mandataire des Trois-Rivières", "iban": IBAN, "bic": ""}
    assert (await preparer.send(own, **fields)).goes_to == own
    proposed = (await approver.open(own)).field("compte")
    assert (await preparer.send(f"{own}/approbation", compte=proposed)).status == 403
    assert (await approver.send(f"{own}/approbation", compte="999")).status == 404
    assert (await approver.send(f"{own}/approbation", compte=proposed)).goes_to == own
    assert "sur proposition de" in plain(await approver.open(own))
    assert (await approver.send(f"{own}/approbation", compte=proposed)).status == 404


async def test_an_operator_is_told_of_each_change_and_of_no_other_operator_s(
    preparer, approver, enter, operators, address
):
    manager = await enter(Role.OPERATOR, operator_id=operators[0])
    other = await enter(Role.OPERATOR, operator_id=next(one for one in operators if one != operators[0]))
    assert "n’a pas votre compte" in plain(await manager.open("/console/compte"))
    assert "n’a pas votre compte bancaire" in plain(await manager.open("/console"))
    await preparer.send(address, **FIELDS)
    assert "Attend l’accord d’une seconde personne" in plain(await manager.open("/console/compte"))
    await approver.send(approval_of(await approver.open(address)))
    page = plain(await manager.open("/console/compte"))
    assert "RIB du 3 mars" in page
    assert "Délai de sûreté" in page
    assert "Si vous n’avez rien demandé, appelez le mandataire" in page
    assert "FR14" not in plain(await other.open("/console/compte"))
    assert (await manager.open(address)).status == 403


async def test_who_only_reads_sees_accounts_and_no_form(enter, preparer, address):
    await preparer.send(address, **FIELDS)
    auditor = await enter(Role.AUDITOR)
    page = await auditor.open(address)
    assert "RIB du 3 mars" in page.words
    assert re.findall(r'method="post" action="([^"]+)"', page.text) == ["/console/deconnexion"]
    assert (await auditor.send(address, **FIELDS)).status == 403


async def test_a_form_of_another_session_changes_no_account(preparer, address, connection):
    preparer.csrf = "f" * 64
    assert (await preparer.send(address, **FIELDS)).status == 403
    assert await connection.fetchval("SELECT count(*) FROM operator_bank_accounts") == 0


async def test_the_account_of_an_operator_that_is_not_there_is_told_so(preparer, approver):
    for number in ("0", "999999", "9" * 40):
        assert (await preparer.open(f"/console/structures/{number}/compte")).status == 404
        assert (await approver.send(f"/console/structures/1/compte/{number}/approbation")).status == 404
