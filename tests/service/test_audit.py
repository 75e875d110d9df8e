"""The audit: clean after a busy life, and each figure that somebody touched is found and named."""

import asyncio
import json
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from keys.keyring import KeyPurpose, Keyring, KeyState
from keys.passes import PRACTICE_FIRST
from keys.receipt import seal_key_from
from ledger.audit import OpenedKey, audit
from ledger.audit_queries import CHECKS
from ledger.booklets import activate_batch, cancel_booklets
from ledger.connect import connected
from ledger.devices import revoke_device
from ledger.programmes import amend_last_day
from ledger.rows import CancelCause
from ledger.signing_keys import add_key, change_key, list_keys

HOUR = timedelta(hours=1)
LIVE = """
SELECT attempt_id FROM acceptances WHERE operator_id = $1 AND undone_at IS NULL
ORDER BY booklet, pass_number LIMIT 6"""
A_PART = "operator_id = 1 AND number = 1"


@pytest.fixture(scope="module")
async def books(servers, open_house):
    """An instance of its own after a busy life, with a bit of everything."""
    async with open_house(servers, valkey=2) as house:
        await _scan_undo_and_repeat(house)
        await _scan_late(house)
        await _change_keys_devices_and_validity(house)
        await _cancel(house)
        await _remit(house)
        yield house


def _attempt() -> str:
    return str(uuid.uuid4())


async def _scan_undo_and_repeat(house):
    passes = await house.passes(30)
    attempts = [_attempt() for _ in passes]
    await asyncio.gather(
        *(
            house.scan(code, attempt_id=attempts[place], device=house.devices[place % 5], service=service)
            for place, one in enumerate(passes)
            for code, service in ((one.qr, "premiers-pas"), (one.short, None))
        ),
        *(house.scan(one.qr, device=house.devices[0]) for one in passes),
    )
    for place in (0, 5, 10):
        await house.undo(attempts[place], device=house.devices[0])
        await house.scan(passes[place].qr, attempt_id=attempts[place], device=house.devices[0])
    await house.scan(passes[0].qr, device=house.devices[3])
    await house.passes(10, activated=False)
    await house.passes(10)  # active, and nothing taken


async def _scan_late(house):
    batch = await house.issue(activated=False)
    async with house.database() as connection:
        at = datetime.now(UTC) - 100 * HOUR
        await activate_batch(connection, batch.id, at=at, actor="tests", reason="payment")
    await house.refreshed()
    passes = [one.qr for one in house.printed(batch)]
    now = datetime.now(UTC)
    for hours, code in zip((1, 50, 80), passes, strict=False):
        said = {"scanned_at": (now - hours * HOUR).isoformat(), "sent_at": now.isoformat()}
        await house.scan(code, **said)
    [fresh] = await house.passes(1)
    # By a clock that nobody knows, made before its booklet was active: judged by now, and good.
    said = {"scanned_at": (now - 5 * HOUR).isoformat()}
    assert (await house.scan(fresh.qr, **said)).verdict == "accepted"


async def _change_keys_devices_and_validity(house):
    async with house.database() as connection:
        active = await connection.fetchval(
            "SELECT kid FROM signing_keys WHERE purpose = 'receipt' AND state = 'active'"
        )
        now = datetime.now(UTC)
        key = house.key_folder.create_pair(KeyPurpose.RECEIPT, now)
        await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor="tests")
        await change_key(connection, key.kid, KeyState.ACTIVE, at=now, actor="tests", reason=None)
        await change_key(connection, active, KeyState.REVOKED, at=now, actor="tests", reason="lost")
        await revoke_device(connection, house.devices[4].id, at=now, actor="tests", reason="lost")
        for day in (date(2028, 1, 31), date(2027, 12, 31)):
            await amend_last_day(connection, house.programme_id, day, reason="avenant", actor="tests")
    quiet = await house.programme(last_day=date(2027, 6, 30))
    await house.passes(10, programme_id=quiet)
    await house.refreshed()
    for one in await house.passes(5):
        assert (await house.scan(one.qr)).verdict == "accepted"


async def _cancel(house):
    one, other, *_ = await house.passes(5)
    began_at = datetime.now(UTC)
    assert (await house.scan(one.qr)).verdict == "accepted"
    async with house.database() as connection:
        # It says when it began, and took some time: the scan was committed before it.
        how = {"cause": CancelCause.LOST, "actor": "tests", "reason": None}
        at = began_at - timedelta(seconds=2)
        await cancel_booklets(connection, [one.pass_id.booklet], at=at, **how)
    await house.refreshed()
    assert (await house.scan(other.qr)).verdict == "cancelled"


async def _remit(house):
    device = house.devices[0]
    async with house.database() as connection:
        live = await connection.fetch(LIVE, device.operator_id)
    for place in (0, 3):
        body = {"attempt_ids": [str(row["attempt_id"]) for row in live[place : place + 3]]}
        closed = await house.call("POST", "/v1/remittances", json=body, device=device)
        assert closed.status == 201


@pytest.fixture(scope="module")
async def opened_keys(books):
    """What the audit needs to derive receipts and seals again; unsealed once, which takes a while."""
    async with books.database() as connection:
        known = await list_keys(connection)
    folder, purpose = books.key_folder, KeyPurpose.RECEIPT
    return {
        key_id: OpenedKey(
            folder.signer(purpose, key.kid), seal_key_from(folder.private_key(purpose, key.kid))
        )
        for key_id, key in known.items()
        if key.purpose is purpose
    }


async def _audit(connection, opened_keys):
    keyring = Keyring.from_keys((await list_keys(connection)).values())
    return await audit(connection, keyring=keyring, opened_keys=opened_keys)


async def test_a_busy_life_leaves_clean_books(books, opened_keys):
    async with books.database() as connection:
        found = await _audit(connection, opened_keys)
        live = await connection.fetchrow(
            "SELECT count(*), sum(amount_cents) FROM acceptances WHERE undone_at IS NULL"
        )
        ever = await connection.fetchval("SELECT count(*) FROM acceptances")
    assert found.disagreements == []
    assert found.is_clean
    assert found.receipts_verified == ever
    assert (sum(o.accepted for o in found.totals), sum(o.accepted_cents for o in found.totals)) == tuple(live)
    assert (sum(o.remitted for o in found.totals), sum(o.remitted_cents for o in found.totals)) == (6, 6_000)


ONE_LIVE = "(SELECT min(booklet) FROM acceptances WHERE undone_at IS NULL AND scanned_at IS NULL)"
A_ROW = f"booklet = {ONE_LIVE} AND pass_number = 2"  # taken once, by the second device of the first site
EMPTY_BOOKLET = """
(SELECT min(number) FROM booklets b WHERE state = '{}'
 AND NOT EXISTS (SELECT FROM acceptances WHERE booklet = b.number))"""
COPY = (
    """
INSERT INTO acceptances (booklet, pass_number, attempt_id, accepted_at, device_id, site_id, operator_id,
                         amount_cents, receipt_key_id, service_id, seal, scanned_at, undone_at)
SELECT {booklet}, {number}, {attempt}, accepted_at, device_id, site_id, operator_id, amount_cents,
       receipt_key_id, service_id, seal, scanned_at, {undone} FROM acceptances WHERE """
    + A_ROW
)


def a_copy(**changed: str) -> str:
    same = {"booklet": "booklet", "number": "pass_number", "attempt": "attempt_id", "undone": "undone_at"}
    return COPY.format(**(same | changed))


TAMPERED = {
    "an amount": (f"UPDATE acceptances SET amount_cents = 1001 WHERE {A_ROW}",
                  ["amounts_are_face_values", "seals"]),
    "a site": (f"UPDATE acceptances SET site_id = 2 WHERE {A_ROW}", ["devices_own_their_scans", "seals"]),
    "a device": (f"UPDATE acceptances SET device_id = 1 WHERE {A_ROW}", ["seals"]),
    "an operator": (f"UPDATE acceptances SET operator_id = 2 WHERE {A_ROW}",
                    ["devices_own_their_scans", "seals"]),
    "an instant": (f"UPDATE acceptances SET accepted_at = accepted_at - interval '1 second' WHERE {A_ROW}",
                   ["seals"]),
    "the instant of a late scan": (
        """UPDATE acceptances SET scanned_at = scanned_at - interval '1 microsecond'
        WHERE scanned_at IS NOT NULL""", ["seals"]),
    "a service": (f"UPDATE acceptances SET service_id = 2 WHERE {A_ROW}", ["seals"]),
    "an attempt": (f"UPDATE acceptances SET attempt_id = gen_random_uuid() WHERE {A_ROW}", ["seals"]),
    "a receipt key": (
        f"""UPDATE acceptances SET receipt_key_id = (SELECT max(receipt_key_id) FROM acceptances)
        WHERE {A_ROW}""", ["seals"]),
    "a receipt key that is none": (f"UPDATE acceptances SET receipt_key_id = 99 WHERE {A_ROW}", ["receipts"]),
    "a seal": (f"UPDATE acceptances SET seal = seal + 1 WHERE {A_ROW}",
               ["seals", "nothing_removed_or_added"]),
    "a row removed": (f"DELETE FROM acceptances WHERE {A_ROW}", ["nothing_removed_or_added"]),
    "a row copied as undone": (a_copy(undone="now()"), ["nothing_removed_or_added", "undos_agree"]),
    "a row copied to another pass": (
        a_copy(booklet=EMPTY_BOOKLET.format("active")), ["nothing_removed_or_added", "one_pass_per_attempt"]),
    "a row copied to another attempt": (
        a_copy(booklet=EMPTY_BOOKLET.format("active"), attempt="gen_random_uuid()"),
        ["nothing_removed_or_added", "seals"]),
    "a pass taken twice": (
        f"DROP INDEX acceptances_one_live; {a_copy(attempt='gen_random_uuid()')}",
        ["one_live_acceptance_per_pass"]),
    "a pass never issued": (f"UPDATE acceptances SET booklet = 999999 WHERE {A_ROW}", ["passes_were_issued"]),
    "a flush removed": ("DELETE FROM flushes WHERE at = (SELECT min(at) FROM flushes)",
                        ["nothing_removed_or_added"]),
    "an undo removed": ("DELETE FROM undos WHERE attempt_id = (SELECT attempt_id FROM undos LIMIT 1)",
                        ["undos_agree"]),
    "an undo invented": (f"UPDATE acceptances SET undone_at = now() WHERE {A_ROW}", ["undos_agree"]),
    "an undo taken back": (
        """UPDATE acceptances SET undone_at = NULL WHERE undone_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM acceptances o WHERE (o.booklet, o.pass_number)
        = (acceptances.booklet, acceptances.pass_number) AND o.undone_at IS NULL)""", ["undos_agree"]),
    "an undo moved": ("UPDATE undos SET undone_at = undone_at + interval '1 hour'", ["undos_agree"]),
    "a repeat of nothing": ("UPDATE attempts SET attempt_id = gen_random_uuid() WHERE outcome = 'repeated'",
                            ["attempts_agree"]),
    "a rival of nothing": (
        f"UPDATE attempts SET booklet = {EMPTY_BOOKLET.format('active')} WHERE outcome = 'already_accepted'",
        ["attempts_agree"]),
    "a booklet activated by hand": (
        "UPDATE booklets SET state = 'active', activated_at = '2026-01-01' WHERE state = 'issued'",
        ["booklet_changes_have_events"]),
    "a booklet put back to issued": (
        f"""UPDATE booklets SET state = 'issued', activated_at = NULL
        WHERE number = {EMPTY_BOOKLET.format('active')}""", ["booklet_changes_have_events"]),
    "a booklet cancelled by hand": (
        f"""UPDATE booklets SET state = 'cancelled', cancelled_at = now(), cancel_cause = 'void'
        WHERE number = {EMPTY_BOOKLET.format('active')}""", ["booklet_changes_have_events"]),
    "a cancelled booklet revived": (
        """UPDATE booklets SET state = 'active', cancelled_at = NULL, cancel_cause = NULL
        WHERE state = 'cancelled'""", ["booklet_changes_have_events"]),
    "a booklet activated after it was scanned": (
        f"UPDATE booklets SET activated_at = now() + interval '1 day' WHERE number = {ONE_LIVE}",
        ["booklets_were_active"]),
    "a booklet cancelled before it was scanned": (
        "UPDATE booklets SET cancelled_at = '2026-01-02' WHERE state = 'cancelled'",
        ["booklets_were_active"]),
    "a booklet removed": (f"DELETE FROM booklets WHERE number = {EMPTY_BOOKLET.format('active')}",
                          ["batches_are_whole"]),
    "a booklet added": (
        "INSERT INTO booklets (number, batch_id, face_value_cents, pass_count) VALUES (888888, 1, 1000, 10)",
        ["batches_are_whole"]),
    "a face value": (
        f"UPDATE booklets SET face_value_cents = 2000 WHERE number = {EMPTY_BOOKLET.format('active')}",
        ["batches_are_whole"]),
    "a validity that was amended": (
        "UPDATE programmes SET last_day = '2030-12-31', expires_at = '2030-12-31T23:00:00Z' WHERE id = 1",
        ["validity_follows_amendments"]),
    "a validity never amended": (
        "UPDATE programmes SET last_day = '2030-12-31', expires_at = '2030-12-31T23:00:00Z' WHERE id = 2",
        ["validity_follows_amendments"]),
    "an amendment removed": (
        "DELETE FROM programme_amendments WHERE id = (SELECT min(id) + 1 FROM programme_amendments)",
        ["validity_follows_amendments"]),
    "an amendment changed": (
        """UPDATE programme_amendments SET last_day_new = '2029-01-01'
        WHERE id = (SELECT min(id) FROM programme_amendments)""", ["validity_follows_amendments"]),
    "the total of a remittance": ("UPDATE remittances SET total_cents = 3001 WHERE number = 1",
                                  ["remittances_sum"]),
    "the count of a remittance": ("UPDATE remittances SET line_count = 4 WHERE number = 1",
                                  ["remittances_sum"]),
    "a line removed": ("DELETE FROM remittance_lines WHERE (number, line) = (1, 2)", ["remittances_sum"]),
    "a line added": (
        "INSERT INTO remittance_lines VALUES (999999, 1, gen_random_uuid(), 1, 1, 4, 1000)",
        ["remittances_sum", "remitted_passes_were_accepted"]),
    "the amount of a line": ("UPDATE remittance_lines SET amount_cents = 999 WHERE (number, line) = (1, 2)",
                             ["remittances_sum", "remittance_parts_sum", "remitted_passes_were_accepted"]),
    "two lines exchanged": (
        """UPDATE remittance_lines SET line = CASE line WHEN 1 THEN 1002 ELSE 1001 END
        WHERE number = 1 AND line < 3; UPDATE remittance_lines SET line = line - 1000 WHERE line > 1000""",
        ["remittance_hashes"]),
    "the hash of a remittance": (
        "UPDATE remittances SET lines_sha256 = sha256('autre') WHERE number = 1", ["remittance_hashes"]),
    "the total of a part": (f"UPDATE remittance_parts SET total_cents = 2999 WHERE {A_PART}",
                            ["remittance_parts_sum"]),
    "a part removed": (f"DELETE FROM remittance_parts WHERE {A_PART}", ["remittance_parts_sum"]),
    "who closed": ("UPDATE remittances SET closed_by = 'device:4' WHERE number = 1",
                   ["remittances_closed_by_their_operator"]),
    "who certified": ("UPDATE remittances SET certified_by = 4 WHERE number = 1",
                      ["remittances_closed_by_their_operator"]),
    "a line of another operator": (
        """UPDATE remittance_lines SET attempt_id = (SELECT attempt_id FROM acceptances WHERE operator_id = 2
        AND undone_at IS NULL LIMIT 1) WHERE (number, line) = (1, 2)""", ["remitted_passes_were_accepted"]),
    "a remittance removed": (
        "DELETE FROM remittance_lines WHERE number = 1; DELETE FROM remittances WHERE number = 1",
        ["remittance_numbers_have_no_gap"]),
    "a remitted pass undone": (
        """UPDATE acceptances a SET undone_at = now() FROM remittance_lines l
        WHERE l.attempt_id = a.attempt_id AND (l.number, l.line) = (1, 1)""",
        ["remitted_passes_were_accepted", "undos_agree"]),
    "the guard's generation": ("UPDATE guard_generation SET generation = generation + 1",
                               ["guard_never_ahead"]),
    "a practice pass taken": (
        f"""ALTER TABLE acceptances DROP CONSTRAINT acceptances_no_practice;
        UPDATE acceptances SET booklet = {PRACTICE_FIRST} WHERE {A_ROW}""",
        ["practice_is_never_money", "passes_were_issued", "seals"]),
    "a practice booklet on record": (
        f"""ALTER TABLE booklets DROP CONSTRAINT booklets_no_practice;
        INSERT INTO booklets (number, batch_id, face_value_cents, pass_count)
        VALUES ({PRACTICE_FIRST}, 1, 1000, 10)""", ["practice_is_never_money", "batches_are_whole"]),
    "a SIRET": ("UPDATE operators SET siret = '99999999999999' WHERE id = 1", ["seals"]),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_was_touched_is_found_and_named(books, opened_keys, what):
    statement, checks = TAMPERED[what]
    async with books.as_superuser() as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        await connection.execute("SET LOCAL session_replication_role = replica")
        touched = await connection.execute(statement)
        assert not touched.endswith(" 0"), touched
        found = await _audit(connection, opened_keys)
        await transaction.rollback()
    assert not found.is_clean
    assert set(checks) <= {check for check, count in found.checked.items() if count}
    for check in checks:
        [first, *_] = [one for one in found.disagreements if one.check == check]
        assert any(character.isdigit() for character in first.subject + first.detail), "which one?"


def test_every_check_is_proved_able_to_find_something():
    covered = {check for _, checks in TAMPERED.values() for check in checks}
    assert covered == {*CHECKS, "seals", "receipts", "remittance_hashes"}


async def test_the_command_ends_with_1_and_names_what_was_touched(books, poincon, environment_of):
    env = environment_of(books.settings)
    clean = await poincon("audit", "--json", env=env)
    assert clean.returncode == 0, clean
    assert json.loads(clean.stdout)["clean"] is True
    async with books.as_superuser() as connection:
        await connection.execute("SET session_replication_role = replica")
        booklet = await connection.fetchval(
            f"UPDATE acceptances SET amount_cents = 1500 WHERE {A_ROW} RETURNING booklet"
        )
        try:
            wanting = await poincon("audit", "--json", env=env)
            in_words = await poincon("audit", env=env)
        finally:
            await connection.execute(f"UPDATE acceptances SET amount_cents = 1000 WHERE {A_ROW}")
    assert (wanting.returncode, in_words.returncode) == (1, 1)
    told = json.loads(wanting.stdout)
    assert told["clean"] is False
    assert told["checked"]["amounts_are_face_values"] == 1
    assert f"booklet {booklet} pass 2" in {one["subject"] for one in told["disagreements"]}
    assert "accepted for 1500 c, face value 1000 c" in in_words.stdout


async def test_the_auditor_can_audit_without_keys_and_is_told_what_was_skipped(
    books, poincon, servers, environment_of
):
    name = books.settings.database_url.split("@/")[1].split("?")[0]
    dsn = servers.postgres.dsn("poincon_auditor", name)
    env = environment_of(books.settings) | {"DATABASE_URL": dsn, "POINCON_KEYS": ""}
    run = await poincon("audit", "--json", env=env)
    assert run.returncode == 0, run
    assert json.loads(run.stdout)["skipped"]


async def test_scans_go_on_during_an_audit_which_sees_one_moment(books, opened_keys):
    passes = await books.passes(30)
    async with connected(books.settings.database_url, purpose="tests") as connection:
        found, *answers = await asyncio.gather(
            _audit(connection, opened_keys), *(books.scan(one.qr) for one in passes)
        )
    assert {answer.verdict for answer in answers} == {"accepted"}
    assert found.disagreements == []
