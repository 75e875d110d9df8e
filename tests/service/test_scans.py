"""POST /v1/scans: a pass is taken once, and every refusal is told by its name."""

import asyncio
from datetime import UTC, date, datetime

import pytest

from keys import base45
from keys.keyring import KeyPurpose, KeyState
from keys.pass_code import issue_code
from keys.passes import PassId
from keys.short_code import programme_secret, short_code
from keys.signer import Ed25519Signer
from ledger.booklets import activate_batch, cancel_booklets
from ledger.parties import add_territory, end_qualification
from ledger.programmes import amend_last_day
from ledger.rows import CancelCause
from ledger.signing_keys import add_key, change_key


async def test_a_pass_is_accepted_and_a_second_attempt_is_told_of_the_first(client, instance, new_attempt):
    first = {"attempt_id": new_attempt(), "code": instance.qr(0), "service": "premiers-pas"}
    async with client.post("/v1/scans", json=first, headers=instance.headers(0)) as response:
        accepted = await response.json()
    async with client.post(
        "/v1/scans", json={"attempt_id": new_attempt(), "code": instance.qr(0)}, headers=instance.headers(3)
    ) as response:
        refused = await response.json()

    assert accepted["verdict"] == "accepted"
    assert accepted["pass"]["face_value_cents"] == 1000
    assert accepted["receipt"].startswith("PR1:")
    assert refused["verdict"] == "refused"
    assert refused["refusal"] == "already_accepted"
    assert refused["earlier"] == {"accepted_at": accepted["accepted_at"], "site": instance.sites[0]}


async def test_fifty_scans_at_once_take_a_pass_once(client, instance, new_attempt):
    async def scan(device: int) -> dict:
        body = {"attempt_id": new_attempt(), "code": instance.qr(1)}
        async with client.post("/v1/scans", json=body, headers=instance.headers(device)) as response:
            assert response.status == 200
            return await response.json()

    verdicts = await asyncio.gather(*(scan(n % 5) for n in range(50)))

    assert sorted(verdict["verdict"] for verdict in verdicts) == ["accepted"] + ["refused"] * 49
    assert {v["refusal"] for v in verdicts if v["verdict"] == "refused"} == {"already_accepted"}


async def test_fifty_scans_at_once_through_two_validators_take_a_pass_once(house, twin, blind):
    [one] = await house.passes(1)
    services = [house.client, twin, blind]
    answers = await asyncio.gather(
        *(house.scan(one.qr, device=house.devices[n % 5], client=services[n % 3]) for n in range(51))
    )
    assert sorted(answer.verdict for answer in answers) == ["accepted"] + ["already_accepted"] * 50
    [taken] = [answer.body for answer in answers if answer.verdict == "accepted"]
    for answer in answers:
        if answer.verdict != "accepted":
            assert answer.body["earlier"]["accepted_at"] == taken["accepted_at"]


async def test_the_answer_names_the_pass_its_value_and_its_last_day(house, new_attempt_id):
    [one] = await house.passes(1)
    attempt_id = new_attempt_id()
    answer = await house.scan(one.qr, attempt_id=attempt_id)
    assert answer.body["attempt_id"] == attempt_id
    assert answer.body["pass"] == {
        "booklet": one.pass_id.booklet,
        "number": one.pass_id.number,
        "face_value_cents": 1_000,
        "expires_on": "2027-12-31",
    }


async def test_qr_short_code_and_code_128_are_the_same_pass(house):
    passes = await house.passes(3)
    for one, first, second in zip(passes, ("qr", "short", "short"), ("short", "qr", "code_128"), strict=True):
        carriers = {"qr": one.qr, "short": one.short, "code_128": one.short.replace("-", "")}
        taken = await house.scan(carriers[first])
        again = await house.scan(carriers[second])
        assert taken.verdict == "accepted"
        assert again.verdict == "already_accepted"
        assert taken.body["pass"] == again.body["pass"]


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        lambda code: code.replace("-", " "),
        lambda code: code.replace("-", ""),
        lambda code: f"  {code}\n",
        lambda code: code.replace("0", "O").replace("1", "I"),
        lambda code: code.replace("0", "o").replace("1", "l"),
        lambda code: code.replace("-", "\u2011"),
    ],
    ids=["lower", "spaces", "bare", "around", "O and I", "o and l", "a phone's hyphen"],
)
async def test_a_short_code_may_be_typed_as_people_type(house, typed):
    [one] = await house.passes(1)
    assert (await house.scan(typed(one.short))).verdict == "accepted"


async def test_the_message_is_french_unless_english_is_asked_for(house):
    body = {"attempt_id": "0189aaaa-0000-7000-8000-000000000001", "code": "bonjour"}
    for language, word in (("", "lisible"), ("fr", "lisible"), ("en-GB", "read")):
        answer = await house.call(
            "POST", "/v1/scans", json=body, device=house.devices[0], headers={"Accept-Language": language}
        )
        assert word in answer.body["message"]


# Each refusal, through the whole service -----------------------------------------------------------------


async def test_what_is_no_code_of_ours_is_unreadable_and_another_format_unknown(house):
    assert (await house.scan("https://example.org/menu")).verdict == "unreadable"
    assert (await house.scan("PN2:6BFOXN")).verdict == "unknown_format"
    assert (await house.scan("PN17:6BFOXN")).verdict == "unknown_format"


async def test_a_pass_of_a_key_never_published_has_an_unknown_key(house):
    [one] = await house.passes(1)
    stranger = Ed25519Signer.from_raw(bytes(range(32)))
    assert (await house.scan(issue_code(one.pass_id, 1_900_000_000, stranger))).verdict == "unknown_key"


async def test_a_pass_with_another_signature_is_forged(house):
    one, other = await house.passes(2)
    ours, theirs = (base45.decode(code.removeprefix("PN1:")) for code in (one.qr, other.qr))
    mixed = "PN1:" + base45.encode(ours[:-64] + theirs[-64:])
    answer = await house.scan(mixed)
    assert answer.verdict == "forged"
    assert "pass" not in answer.body
    assert (await house.scan(one.qr)).verdict == "accepted"


async def test_a_receipt_is_not_a_pass(house):
    [one] = await house.passes(1)
    receipt = (await house.scan(one.qr)).body["receipt"]
    assert (await house.scan(receipt)).verdict == "unreadable"
    assert (await house.scan("PN1:" + receipt.removeprefix("PR1:"))).verdict in {"unreadable", "unknown_key"}


async def test_a_pass_of_a_revoked_key_is_refused_and_what_it_had_taken_stays_taken(house, key_folder):
    async with house.database() as connection:
        key = key_folder.create_pair(KeyPurpose.PASS_CODE, datetime.now(UTC))
        await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor="tests")
    signer = key_folder.signer(KeyPurpose.PASS_CODE, key.kid)
    one, other = (issue_code(p.pass_id, 1_900_000_000, signer) for p in await house.passes(2))
    attempt_id = "0189aaaa-0000-7000-8000-00000000aaaa"
    taken = await house.scan(one, attempt_id=attempt_id)
    async with house.database() as connection:
        now = datetime.now(UTC)
        await change_key(connection, key.kid, KeyState.REVOKED, at=now, actor="tests", reason="lost")
    await house.refreshed()
    assert taken.verdict == "accepted"
    assert (await house.scan(other)).verdict == "revoked_key"
    assert (await house.scan(one, attempt_id=attempt_id)).body == taken.body


async def test_a_right_signature_on_a_booklet_never_issued_is_an_unknown_pass(house):
    code = issue_code(PassId(10**9, 1), 1_900_000_000, house.pass_signer)
    answer = await house.scan(code)
    assert answer.verdict == "unknown_pass"
    assert answer.body["pass"] == {"booklet": 10**9, "number": 1}


async def test_a_pass_number_that_its_booklet_does_not_have_is_an_unknown_pass(house):
    [one] = await house.passes(1)
    eleventh = PassId(one.pass_id.booklet, 11)
    assert (
        await house.scan(issue_code(eleventh, 1_900_000_000, house.pass_signer))
    ).verdict == "unknown_pass"
    secret = programme_secret(house.master_secret, house.programme_id)
    assert (await house.scan(short_code(eleventh, secret))).verdict == "unknown_pass"


async def test_a_booklet_is_not_active_until_its_money_came(house):
    batch = await house.issue(activated=False)
    one = next(house.printed(batch))
    before = await house.scan(one.qr)
    async with house.database() as connection:
        now = datetime.now(UTC)
        await activate_batch(connection, batch.id, at=now, actor="tests", reason="payment")
    await house.refreshed()
    assert before.verdict == "not_active"
    assert (await house.scan(one.qr)).verdict == "accepted"


async def test_a_pass_past_its_last_day_is_expired_and_an_amendment_revives_it(house):
    programme_id = await house.programme(last_day=date(2026, 1, 31))
    await house.qualify(programme_id, house.devices[0])
    one, other = await house.passes(2, programme_id=programme_id)
    assert (await house.scan(one.qr)).verdict == "expired"
    async with house.database() as connection:
        await amend_last_day(connection, programme_id, date(2027, 6, 30), reason="avenant 1", actor="tests")
    await house.refreshed()
    revived = await house.scan(one.qr)
    assert revived.verdict == "accepted"
    assert revived.body["pass"]["expires_on"] == "2027-06-30"
    async with house.database() as connection:
        await amend_last_day(connection, programme_id, date(2026, 2, 1), reason="avenant 2", actor="tests")
    await house.refreshed()
    assert (await house.scan(other.qr)).verdict == "expired"


@pytest.mark.parametrize("cause", CancelCause)
async def test_a_cancelled_booklet_is_refused_at_once(house, cause):
    one, other = await house.passes(2)
    assert (await house.scan(one.qr)).verdict == "accepted"
    async with house.database() as connection:
        await cancel_booklets(
            connection, [one.pass_id.booklet], cause=cause, at=datetime.now(UTC), actor="tests", reason=None
        )
    await house.refreshed()
    assert (await house.scan(other.qr)).verdict == "cancelled"


async def test_an_operator_that_is_not_or_no_more_qualified_is_refused(house):
    one, other = await house.passes(2)
    stranger = await house.operator(qualified=False)
    assert (await house.scan(one.qr, device=stranger)).verdict == "operator_not_qualified"
    await house.qualify(house.programme_id, stranger)
    assert (await house.scan(one.qr, device=stranger)).verdict == "accepted"
    async with house.database() as connection:
        await end_qualification(
            connection,
            operator_id=stranger.operator_id,
            programme_id=house.programme_id,
            ends_on=date(2026, 1, 1),
            actor="tests",
            reason="end",
        )
    await house.refreshed()
    assert (await house.scan(other.qr, device=stranger)).verdict == "operator_not_qualified"


async def test_a_service_that_the_operator_may_not_render_is_not_covered(house):
    [one] = await house.passes(1)
    fourth = house.devices[3]  # of an operator that renders two services only
    assert (await house.scan(one.qr, service="emploi", device=fourth)).verdict == "service_not_covered"
    assert (await house.scan(one.qr, service="no-such", device=fourth)).verdict == "service_not_covered"
    assert (await house.scan(one.qr, service="demarches", device=fourth)).verdict == "accepted"


async def test_a_site_in_another_territory_is_not_covered(house):
    [one] = await house.passes(1)
    async with house.database() as connection:
        elsewhere = await add_territory(connection, "Pays-Voisin")
    device = await house.operator(territory_id=elsewhere)
    assert (await house.scan(one.qr, device=device)).verdict == "territory_not_covered"


async def test_who_handed_a_booklet_out_does_not_take_its_passes(house):
    [one] = await house.passes(1)
    prescriber, colleague = house.devices[0], house.devices[1]
    async with house.as_owner() as connection:
        await connection.execute(
            "UPDATE booklets SET prescribed_by = $2 WHERE number = $1",
            one.pass_id.booklet,
            prescriber.mediator_id,
        )
    await house.refreshed()
    assert (await house.scan(one.qr, device=prescriber)).verdict == "own_prescription"
    assert (await house.scan(one.qr, device=colleague)).verdict == "accepted"


async def test_a_booklet_issued_a_moment_ago_is_known_although_nobody_was_told(house):
    """A validator that has not heard yet looks before it says that a pass was never issued."""
    async with house.as_superuser() as connection:
        await connection.execute("ALTER TABLE booklets DISABLE TRIGGER booklets_tell")
        await connection.execute("ALTER TABLE batches DISABLE TRIGGER batches_tell")
        refreshed, house.refreshed = house.refreshed, lambda: asyncio.sleep(0)
        try:
            batch = await house.issue()
            one = next(house.printed(batch))
            assert (await house.scan(one.qr)).verdict == "accepted"
        finally:
            house.refreshed = refreshed
            await connection.execute("ALTER TABLE booklets ENABLE TRIGGER booklets_tell")
            await connection.execute("ALTER TABLE batches ENABLE TRIGGER batches_tell")
