"""The audit of the money: clean after a busy life, and each cent that somebody moved is found and told."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from keys.keyring import Keyring
from ledger.audit import audit
from ledger.audit_books import BOOK_CHECKS
from ledger.booklets import cancel_booklets
from ledger.correction_rows import CorrectionCause
from ledger.corrections import decide_correction
from ledger.disputes import correct_dispute, open_dispute
from ledger.releases import release_cancelled
from ledger.rows import CancelCause
from ledger.signing_keys import list_keys

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
async def books(servers, open_house):
    """An instance of its own, in which money went every way that there is."""
    async with open_house(servers, valkey=5) as house:
        await _cancel_and_release(house)
        await _correct_and_dispute(house)
        poor = await house.programme(funds_cents=10_000)
        await house.passes(10, programme_id=poor)
        await house.passes(10, programme_id=poor, activated=False)
        yield house


async def _cancel_and_release(house):
    device = house.devices[0]
    passes = await house.passes(30)
    attempts = [str(uuid.uuid4()) for _ in range(3)]
    for one, attempt_id in zip(passes[:3], attempts, strict=True):
        assert (await house.scan(one.qr, attempt_id=attempt_id, device=device)).verdict == "accepted"
    now = datetime.now(UTC)
    async with house.database() as connection:
        how = {"cause": CancelCause.LOST, "actor": "tests", "reason": None}
        await cancel_booklets(connection, [passes[0].pass_id.booklet], at=now - 2 * HOUR, **how)
        await cancel_booklets(connection, [passes[10].pass_id.booklet], at=now, **how)
    async with house.as_superuser() as connection:  # days pass
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("UPDATE acceptances SET accepted_at = accepted_at - interval '4 days'")
        await connection.execute("UPDATE booklets SET activated_at = activated_at - interval '5 days'")
    async with house.database() as connection:
        assert await release_cancelled(connection, None, now=now + 72 * HOUR, actor="tests") == 7_000
    await house.refreshed()
    assert (await house.undo(attempts[0], device=device)).status == 200


async def _correct_and_dispute(house):
    device = house.devices[0]
    for one in await house.passes(6):
        assert (await house.scan(one.qr, device=device)).verdict == "accepted"
    async with house.database() as connection:
        account = await connection.fetchval(
            "INSERT INTO accounts (email, person_id, password_hash)"
            " VALUES ('m@example.org', 1, '$argon2id$x') RETURNING id"
        )
        who = {"actor": "tests", "at": datetime.now(UTC), "reason": "vérifié"}
        for cents in (-700, 300, -99_999):
            await decide_correction(
                connection,
                operator_id=device.operator_id,
                programme_id=house.programme_id,
                amount_cents=cents,
                cause=CorrectionCause.ERROR,
                decided_by=account,
                **who,
            )
        closed = await house.call("POST", "/v1/remittances", json={}, device=device)
        assert closed.body["total_cents"] == 8_000
        where = {"operator_id": device.operator_id, "number": 1}
        held = await open_dispute(connection, **where, line=2, opened_by=account, **who)
        await correct_dispute(connection, held.id, cause=CorrectionCause.FRAUD, resolved_by=account, **who)
        await open_dispute(connection, **where, line=3, opened_by=account, **who)


async def _audit(connection):
    keyring = Keyring.from_keys((await list_keys(connection)).values())
    return await audit(connection, keyring=keyring, opened_keys=None)


async def test_money_that_went_every_way_leaves_clean_books(books):
    async with books.database() as connection:
        found = await _audit(connection)
        kinds = {row[0] for row in await connection.fetch("SELECT DISTINCT kind FROM book_entries")}
    told = [one for one in found.disagreements if one.check in BOOK_CHECKS]
    assert told == []
    assert kinds == {"bank_line", "funding", "activation", "release", "remittance", "correction"}


FUNDS = "(SELECT id FROM book_accounts WHERE kind = 'funds' AND programme_id = 1)"
CIRCULATION = "(SELECT id FROM book_accounts WHERE kind = 'circulation' AND programme_id = 1)"
OWED = "(SELECT id FROM book_accounts WHERE kind = 'operator' LIMIT 1)"
SOME = "(SELECT min(number) FROM book_entries WHERE kind = '{}')"
MOVE = "INSERT INTO book_postings VALUES ({entry}, {account}, {cents})"

TAMPERED = {
    "a posting": (f"""UPDATE book_postings SET amount_cents = amount_cents + 7
                      WHERE (entry, account_id) = ({SOME.format('activation')}, {FUNDS})""",
                  ["entries_sum_to_zero", "balances_are_their_postings", "bank_covers_what_it_holds"], "7 c"),
    "a posting removed": (f"DELETE FROM book_postings WHERE entry = {SOME.format('remittance')}",
                          ["entries_sum_to_zero", "operators_are_owed_what_they_remitted"], "8000 c apart"),
    "an entry removed": ("""DELETE FROM book_postings WHERE entry = 3;
                         DELETE FROM book_entries WHERE number = 3""",
                         ["entries_have_no_gap", "balances_are_their_postings"], ""),
    "a balance": (f"UPDATE book_balances SET balance_cents = balance_cents - 12 WHERE account_id = {FUNDS}",
                  ["balances_are_their_postings"], "-12 c apart"),
    "a bank line": ("UPDATE bank_lines SET amount_cents = amount_cents + 5 WHERE id = 1",
                    ["bank_lines_are_booked", "fundings_are_booked",
                     "funds_are_what_came_and_is_not_engaged"],
                    "5 c apart"),
    "a bank line removed": ("DELETE FROM bank_lines WHERE id = 1", ["bank_lines_are_booked"], ""),
    "a funding removed": ("DELETE FROM fundings WHERE bank_line_id = 1",
                          ["fundings_are_booked", "no_pass_without_its_money"], "c are missing"),
    "a funding turned to another programme": (
        "UPDATE fundings SET programme_id = 2 WHERE bank_line_id = 1", ["fundings_are_booked"], "c apart"),
    "a pass activated without its money": (
        "UPDATE booklets SET state = 'active', activated_at = now() WHERE activated_at IS NULL",
        ["circulation_is_what_passes_are_worth", "funds_are_what_came_and_is_not_engaged",
         "no_pass_without_its_money"], "10000 c"),
    "a release invented": (
        "UPDATE booklets SET released_at = now() WHERE released_at IS NULL AND state = 'cancelled'",
        ["circulation_is_what_passes_are_worth"], "10000 c apart"),
    "a release taken back": (
        "UPDATE booklets SET released_at = NULL", ["circulation_is_what_passes_are_worth"], "8000 c apart"),
    "a correction's amount": ("UPDATE corrections SET amount_cents = -701 WHERE amount_cents = -700",
                              ["corrections_are_booked", "corrections_have_events",
                               "operators_are_owed_what_they_remitted"], "-1 c apart"),
    "a correction removed": ("DELETE FROM corrections WHERE amount_cents = 300",
                             ["corrections_are_booked", "operators_are_owed_what_they_remitted"], "300 c"),
    "a correction that was decided by nobody": (
        "UPDATE corrections SET reason = 'autre' WHERE amount_cents = 300", ["corrections_have_events"], ""),
    "what a dispute holds": ("UPDATE disputes SET amount_cents = 1 WHERE line = 3",
                             ["disputes_hold_their_lines"], "1 c"),
    "a dispute removed": ("DELETE FROM disputes WHERE line = 2", ["disputes_hold_their_lines"], ""),
    "money moved between accounts": (
        f"""{MOVE.format(entry=1, account=FUNDS, cents=50)};
        {MOVE.format(entry=1, account=CIRCULATION, cents=-50)};
        UPDATE book_balances SET balance_cents = balance_cents + 50 WHERE account_id = {FUNDS};
        UPDATE book_balances SET balance_cents = balance_cents - 50 WHERE account_id = {CIRCULATION}""",
        ["circulation_is_what_passes_are_worth", "funds_are_what_came_and_is_not_engaged"], "50 c apart"),
    "an operator given more": (
        f"""{MOVE.format(entry=1, account=FUNDS, cents=50)};
        {MOVE.format(entry=1, account=OWED, cents=-50)};
        UPDATE book_entries SET kind = 'remittance' WHERE number = 1""",
        ["operators_are_owed_what_they_remitted"], "50 c apart"),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_was_moved_is_found_and_told_to_the_cent(books, what):
    statement, checks, told = TAMPERED[what]
    async with books.as_superuser() as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        await connection.execute("SET LOCAL session_replication_role = replica")
        touched = await connection.execute(statement)
        assert not touched.endswith(" 0"), touched
        found = await _audit(connection)
        await transaction.rollback()
    wrong = {check for check, count in found.checked.items() if count}
    assert set(checks) <= wrong, wrong
    details = [one.detail for one in found.disagreements if one.check in checks]
    assert any(told in detail for detail in details), details


def test_every_check_of_the_books_is_proved_able_to_find_something():
    assert {check for _, checks, _ in TAMPERED.values() for check in checks} == set(BOOK_CHECKS)
