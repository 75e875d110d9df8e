"""Practice passes: printed by a command, refused everywhere as worth nothing, never accepted by any way."""

import asyncio
import csv
import itertools
import json
import uuid
from datetime import UTC, datetime

import asyncpg
import pytest

from keys.keyring import KeyPurpose
from keys.pass_code import issue_code
from keys.passes import PRACTICE_FIRST, PassId
from keys.practice import EXPIRES_AT
from keys.short_code import programme_secret, short_code
from ledger.claims import claim_passes
from ledger.rows import Candidate
from ledger.signing_keys import active_kid
from programmes.practice import practice_codes
from validator.limits import WRONG_MAX

FRENCH = "C’est un pass d’entraînement : il ne vaut rien et n’est jamais encaissé."
CONSTRAINED = [
    ("booklet_counter", "booklet_counter_no_practice"),
    ("batches", "batches_no_practice"),
    ("booklets", "booklets_no_practice"),
    ("acceptances", "acceptances_no_practice"),
]


async def _practice(house, booklets: int = 1):
    async with house.database() as connection:
        kid = await active_kid(connection, KeyPurpose.PRACTICE)
    codes = await asyncio.to_thread(lambda: list(practice_codes(booklets, kid, house.key_folder)))
    return [one for booklet in codes for one in booklet.passes]


def _tells_practice(body) -> bool:
    return (body["verdict"], body["refusal"], body.get("practice"), body["message"]) == (
        "refused",
        "unknown_key",
        True,
        FRENCH,
    )


async def test_a_practice_pass_is_refused_alike_by_every_carrier_and_every_call(house):
    one, *_ = await _practice(house)
    for code in (one.qr, one.short, one.code_128.lower()):
        scanned, checked = await house.scan(code), await house.check(code)
        batched = await house.batch([{"attempt_id": str(uuid.uuid4()), "code": code}])
        for body in (scanned.body, checked.body, batched.body["verdicts"][0]):
            assert _tells_practice(body), body
            assert body["pass"] == {"booklet": PRACTICE_FIRST, "number": 1}
    async with house.database() as connection:
        count = "SELECT count(*) FROM acceptances WHERE booklet >= $1"
        assert await connection.fetchval(count, PRACTICE_FIRST) == 0


async def test_a_real_refusal_says_nothing_of_practice(house):
    assert "practice" not in (await house.scan("no code at all")).body


async def test_it_is_told_in_english_too(house):
    one, *_ = await _practice(house)
    body = {"code": one.qr}
    answer = await house.call(
        "POST", "/v1/checks", json=body, device=house.devices[0], headers={"Accept-Language": "en"}
    )
    assert "practice pass" in answer.body["message"]


async def test_practising_by_hand_uses_up_no_guesses_and_guessing_practice_codes_does(house):
    passes = await _practice(house, booklets=3)
    [real] = await house.passes(1)
    device = await house.operator()
    for one in passes[: WRONG_MAX["device"] + 5]:
        assert _tells_practice((await house.scan(one.short, device=device)).body)
    for number in range(WRONG_MAX["device"]):
        guess = short_code(PassId(PRACTICE_FIRST, 1), bytes([number]) * 32)
        assert (await house.scan(guess, device=device)).verdict == "forged"
    assert (await house.scan(real.short, device=device)).status == 429


@pytest.fixture(scope="module")
async def broken_house(servers, open_house):
    """Somebody with all rights removed what keeps practice numbers out, and wrote a booklet by hand."""
    async with open_house(servers, valkey=3) as house:
        [one] = await house.passes(1)
        async with house.as_superuser() as connection:
            await connection.execute("ALTER TABLE booklets DROP CONSTRAINT booklets_no_practice")
            await connection.execute(
                "INSERT INTO booklets (number, batch_id, state, face_value_cents, pass_count, activated_at)"
                " SELECT $1, batch_id, state, face_value_cents, pass_count, activated_at"
                " FROM booklets WHERE number = $2",
                PRACTICE_FIRST,
                one.pass_id.booklet,
            )
        await house.refreshed()
        yield house


async def test_a_booklet_row_written_by_hand_makes_no_practice_pass_money(broken_house):
    house = broken_house
    one, *_ = await _practice(house)
    for code in (one.qr, one.short):
        for ask in (house.scan, house.check):
            body = (await ask(code)).body
            assert _tells_practice(body)
            assert "face_value_cents" not in body["pass"]

    # Nor does a real key, nor a real MAC.
    pass_id = PassId(PRACTICE_FIRST, 1)
    stolen = issue_code(pass_id, EXPIRES_AT, house.pass_signer)
    secret = programme_secret(house.master_secret, house.programme_id)
    for ask in (house.scan, house.check):
        assert (await ask(stolen)).verdict == "unknown_pass"
        assert (await ask(short_code(pass_id, secret))).verdict == "forged"

    # Nor the record itself, asked behind the service's back.
    device = house.devices[0]
    candidate = Candidate(
        pass_id, uuid.uuid4(), device.id, device.site_id, device.operator_id, 0, 1_000, datetime.now(UTC)
    )
    async with house.database() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="acceptances_no_practice"):
            await claim_passes(
                connection,
                [candidate],
                seals=[1],
                accepted_at=datetime.now(UTC).replace(microsecond=0),
                receipt_key_id=1,
            )
        assert await connection.fetchval("SELECT count(*) FROM acceptances") == 0


@pytest.mark.parametrize(("table", "name"), CONSTRAINED)
async def test_the_database_keeps_practice_numbers_out_of_every_table_and_looked_at_old_rows(
    house, table, name
):
    async with house.database() as connection:
        told, is_validated = await connection.fetchrow(
            "SELECT pg_get_constraintdef(oid), convalidated FROM pg_constraint"
            " WHERE conname = $1 AND conrelid = $2::regclass",
            name,
            table,
        )
    assert str(PRACTICE_FIRST) in told
    assert is_validated


async def test_the_counter_stops_before_practice_begins(house):
    async with house.database() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE booklet_counter SET next_booklet = $1", PRACTICE_FIRST + 1)


async def test_practice_booklets_are_printed_with_an_event_and_no_record(
    house, poincon, environment_of, tmp_path
):
    records = (
        "SELECT (SELECT count(*) FROM batches), (SELECT count(*) FROM booklets),"
        " (SELECT next_booklet FROM booklet_counter)"
    )
    async with house.database() as connection:
        before = await connection.fetchrow(records)
    env = environment_of(house.settings)
    files = [tmp_path / "a" / "entrainement.pdf", tmp_path / "b" / "entrainement.pdf"]
    arguments = ("booklets", "issue", "--practice", "--count", "2", "--json", "--pdf")
    for file in files:
        done = await poincon(*arguments, str(file), "--csv", env=env)
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["booklets"] == 2
    for suffix in (".pdf", ".csv"):
        first, second = (file.with_suffix(suffix).read_bytes() for file in files)
        assert first == second
    with files[0].with_suffix(".csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    expected = [(one.qr, one.short) for one in await _practice(house, booklets=2)]
    assert [(row["qr"], row["code_court"]) for row in rows] == expected
    for code in itertools.chain(*expected[:2]):
        assert _tells_practice((await house.scan(code)).body)
    async with house.database() as connection:
        assert await connection.fetchrow(records) == before
        event = await connection.fetchrow(
            "SELECT actor, subject, detail FROM events WHERE action = 'practice.print'"
            " ORDER BY id DESC LIMIT 1"
        )
        kid = await active_kid(connection, KeyPurpose.PRACTICE)
    assert event["actor"].startswith("cli:")
    assert event["subject"] == f"key:{kid.hex()}"
    assert event["detail"] == {"booklets": 2}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--practice", "--count", "1"),
        ("--practice", "--count", "1", "--pdf", "x.pdf", "--programme", "1"),
        ("--practice", "--count", "0", "--pdf", "x.pdf"),
        ("--count", "1"),
        ("--count", "1", "--programme", "1", "--out", "x", "--pdf", "x.pdf"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(typed, arguments):
    assert typed("booklets", "issue", *arguments).returncode == 2


async def test_without_a_practice_key_the_command_says_what_to_do(house, poincon, environment_of, tmp_path):
    async with house.database() as connection:
        kid = await active_kid(connection, KeyPurpose.PRACTICE)
    retire = "UPDATE signing_keys SET state = 'retired', retired_at = now() WHERE kid = $1"
    async with house.as_superuser() as connection:
        await connection.execute(retire, kid)
        try:
            env = environment_of(house.settings)
            file = tmp_path / "x.pdf"
            arguments = ("booklets", "issue", "--practice", "--count", "1", "--pdf", str(file))
            done = await poincon(*arguments, env=env)
            assert done.returncode == 1
            assert "poincon keys generate practice" in done.stderr
            assert not file.exists()
            # Paper printed before is still told for what it is.
            await house.refreshed()
        finally:
            await connection.execute(
                "UPDATE signing_keys SET state = 'active', retired_at = NULL WHERE kid = $1", kid
            )
    await house.refreshed()
