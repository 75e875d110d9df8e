"""`poincon grants`, `orders` and `programmes rules`, typed as a user would."""

import asyncio
import json

import pytest

from console.passwords import hash_password
from ledger.account_rows import Role
from ledger.accounts import add_account
from ledger.order_rows import OrderState
from ledger.orders import decide_proof, find_order, list_proofs

PASSWORD = "une phrase assez longue"
EMAIL = "approbatrice@mandataire.example"


@pytest.fixture
async def type_here(typed, environment_of, instance, connection):
    """Commands on this instance, by a person who approves."""
    hashed = await asyncio.to_thread(hash_password, PASSWORD)
    facts = {"name": "Approbatrice", "is_namesake": True, "role": Role.APPROVER}
    await add_account(connection, email=EMAIL, password_hash=hashed, actor="tests", **facts)
    environment = environment_of(instance.settings, POINCON_PASSWORD=PASSWORD)

    async def type_one(*arguments, status=0):
        done = await asyncio.to_thread(typed, *arguments, **environment)
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout if status == 0 else done.stderr

    return type_one


async def test_a_grant_from_its_conditions_to_its_approval(office, type_here):
    programme, here = str(office.programme_id), str(office.territories[0])
    where = ("--programme", programme, "--territory", here)
    assert "conditions_missing" in await type_here("grants", "propose", *where, status=1)
    for condition in ("convention_signed", "project_lead", "network_opinion", "training_opinion"):
        await type_here("grants", "condition", *where, condition, "--met-on", "2021-02-01")
    await office.amend(grant_deadline=None)
    [proposed] = json.loads(await type_here("grants", "propose", *where, "--json"))
    assert (proposed["state"], proposed["passes"]) == ("proposed", 50)
    assert "nothing is due" in await type_here("grants", "propose", "--programme", programme)
    [approved] = json.loads(
        await type_here("grants", "approve", str(proposed["id"]), "--as", EMAIL, "--json")
    )
    assert approved["state"] == "approved"
    told = json.loads(await type_here("grants", "list", "--programme", programme, "--json"))
    first = next(one for one in told["territories"] if one["territory_id"] == int(here))
    assert (first["held"], first["consumed"], first["passes_to_threshold"]) == (50, 0, 25)
    assert "holds 50" in await type_here("grants", "list", "--programme", programme)
    assert json.loads(await type_here("grants", "deliveries", "--programme", programme, "--json")) == []


async def test_booklets_are_sent_received_and_taken_back_and_a_territory_is_measured_after_its_hearing(
    office, type_here
):
    programme, here = str(office.programme_id), office.territories[0]
    where = ("--programme", programme, "--territory", str(here))
    batch = await office.stock(5)
    grant = await office.first_grant(here)
    sent = await type_here("grants", "dispatch", str(grant.id), "--batch", str(batch.id), "--count", "3")
    delivery = sent.split()[1].rstrip(":")
    assert "3 booklets" in sent
    assert "has arrived" in await type_here("grants", "receive", delivery, "--by", "Accueil")
    assert "already" in await type_here("grants", "receive", delivery, "--by", "Accueil", status=1)
    first = batch.first_booklet
    back = ("territories", "take-back", *where, str(first), str(first), "--reason", "rappel")
    assert "1 booklets came back, of 10 passes" in await type_here(*back)
    assert "not at this territory" in await type_here(*back, status=1)
    heard = (
        "--heard-on",
        "2021-02-01",
        "--hearing",
        "Mme Roy entendue",
        "--reason",
        "comptes",
        "--as",
        EMAIL,
    )
    assert "10 passes taken off" in await type_here("territories", "reduce", *where, "--passes", "10", *heard)
    assert "is suspended" in await type_here("territories", "suspend", *where, *heard)
    again = ("grants", "dispatch", str(grant.id), "--batch", str(batch.id), "--count", "1")
    assert "suspended" in await type_here(*again, status=1)
    told = await type_here("territories", "measures", "--programme", programme)
    assert "suspension" in told
    assert "reduction of 10 passes" in told
    why = ("--reason", "réglé", "--as", EMAIL)
    assert "is resumed" in await type_here("territories", "resume", *where, *why)
    assert "not suspended" in await type_here("territories", "resume", *where, *why, status=1)


async def test_an_order_until_its_files_are_written(office, type_here, tmp_path):
    programme = str(office.programme_id)
    order = json.loads(
        await type_here("orders", "place", "--programme", programme, "--count", "3", "--json")
    )["id"]
    await type_here("orders", "quote", str(order), "--reference", "D-1", "--cents", "9900")
    pdf = tmp_path / "proof.pdf"
    await type_here("orders", "proof", str(order), "--pdf", str(pdf))
    assert pdf.read_bytes().startswith(b"%PDF")
    refused = await type_here("orders", "produce", str(order), "--out", str(tmp_path), status=1)
    assert "after its proof was approved" in refused
    [proof] = await list_proofs(office.connection, order)
    await decide_proof(
        office.connection,
        order,
        proof.id,
        is_approved=True,
        person_id=office.person_id,
        actor="tests",
        reason=None,
        at=office.now,
    )
    done = json.loads(await type_here("orders", "produce", str(order), "--out", str(tmp_path), "--json"))
    assert done["state"] == "produced"
    assert len(done["files"]) == 2
    assert (await find_order(office.connection, order)).state is OrderState.PRODUCED
    assert f"order {order}: 3 booklets" in await type_here("orders", "list")


async def test_rules_are_amended_from_a_file(office, type_here, tmp_path):
    programme = str(office.programme_id)
    file = tmp_path / "avenant.toml"
    file.write_text('grace_days = 31\nremove = ["stock_cap_passes"]\npublics = ["pic", "qpv"]\n')
    await type_here("programmes", "amend-rules", programme, str(file), "--reason", "avenant 2")
    told = json.loads(await type_here("programmes", "rules", programme, "--json"))
    assert (told["version"], told["grace_days"], told["stock_cap_passes"]) == (2, 31, None)
    assert told["publics"] == ["pic", "qpv"]
    assert len(json.loads(await type_here("programmes", "rules", programme, "--all", "--json"))) == 2
    file.write_text("threshold = 5\n")
    wrong = await type_here(
        "programmes", "amend-rules", programme, str(file), "--reason", "avenant 3", status=1
    )
    assert "can't be used" in wrong
