"""What two persons do with payouts, by function and by command, and what the database refuses to anybody."""

import hashlib
import itertools
import json
import random
from datetime import timedelta

import asyncpg
import pytest

from ledger.account_rows import Role
from ledger.accounts import add_account
from ledger.bank_accounts import approve_account, operator_accounts, propose_account
from ledger.payout_rows import BatchState, PayoutRefused
from ledger.payouts import attempts_of, batch_file, cancel_batch
from ledger.remittance_rows import RemittanceState
from ledger.remittances import list_remittances
from loadtests.model_bank import Style
from payouts.approving import Totals, approve
from payouts.preparing import prepare
from payouts.reconciling import worklist
from payouts.words import line_sentence


async def state_of(drill, operator_id):
    [remittance], _ = await list_remittances(drill.connection, operator_id, limit=1, offset=0)
    return remittance.state


async def released(drill):
    """A batch that was approved, for two passes of the first operator."""
    await drill.close(drill.operators[0], 2)
    await drill.prepare()
    [batch] = await drill.batches(BatchState.DRAFT)
    await drill.approve(batch)
    return (await drill.batches(BatchState.APPROVED))[0]


def test_who_prepared_a_batch_is_refused_its_approval_by_the_program_and_by_the_database(run, fresh):
    async def one() -> None:
        async with fresh() as drill:
            await drill.close(drill.operators[0], 2)
            await drill.prepare()
            [batch] = await drill.batches(BatchState.DRAFT)
            seen = Totals(batch.transfer_count, batch.total_cents)
            how = {"actor": "drill", "now": drill.now}
            with pytest.raises(PayoutRefused, match="second person"):
                await approve(drill.connection, batch.id, seen=seen, person_id=drill.preparer, **how)
            wrong = Totals(seen.transfer_count, seen.total_cents + 1)
            with pytest.raises(PayoutRefused, match="look at it again"):
                await approve(drill.connection, batch.id, seen=wrong, person_id=drill.approver, **how)
            with pytest.raises(asyncpg.CheckViolationError):
                await drill.connection.execute(
                    "UPDATE payout_batches SET state = 'approved', approved_by = prepared_by"
                )

    run(one())


CHANGES = {
    "a file": "UPDATE payout_batches SET file = 'x', file_sha256 = sha256('x')",
    "a message id": "UPDATE payout_batches SET message_id = 'x'",
    "a total": "UPDATE payout_batches SET total_cents = 1",
    "a cancelled approval": "UPDATE payout_batches SET state = 'cancelled'",
    "a cancelled transfer": "UPDATE payout_attempts SET state = 'cancelled'",
    "a booked transfer without its line": "UPDATE payout_attempts SET state = 'booked'",
    "another account": "UPDATE payout_attempts SET iban = 'FR7610107001011234567890129'",
    "another amount": "UPDATE payout_attempts SET amount_cents = 1",
    "a transfer removed": "DELETE FROM payout_attempts",
    "a transfer added": """INSERT INTO payout_attempts (batch_id, operator_id, number, attempt, amount_cents,
        changed_at) SELECT batch_id, operator_id, number, 2, 1, now() FROM payout_attempts""",
    "an account that changes": "UPDATE operator_bank_accounts SET iban = 'FR7610107001011234567890129'",
    "a cooling-off cut short": "UPDATE operator_bank_accounts SET usable_from = '2026-01-01'",
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_record_refuses_any_change_of_what_was_released_even_to_its_owner(run, fresh, what):
    async def one() -> None:
        place = fresh()
        async with place as drill:
            await released(drill)
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await place.tamper(CHANGES[what])

    run(one())


def test_the_file_is_the_same_bytes_for_ever_and_a_released_batch_is_not_cancelled(run, fresh):
    async def one() -> None:
        async with fresh() as drill:
            batch = await released(drill)
            first = await batch_file(drill.connection, batch.id)
            await drill.mark_sent(batch)
            assert await batch_file(drill.connection, batch.id) == first
            assert hashlib.sha256(first).digest() == batch.file_sha256
            with pytest.raises(PayoutRefused, match="wait for the statement"):
                await cancel_batch(drill.connection, batch.id, actor="drill", at=drill.now, reason="essai")

    run(one())


def test_a_changed_account_is_paid_only_after_its_second_person_and_its_time(run, fresh):
    async def one() -> None:
        async with fresh() as drill:
            [operator_id, *_] = drill.operators
            before = (await operator_accounts(drill.connection, operator_id))[0]
            new = await propose_account(
                drill.connection,
                operator_id,
                holder="Nouveau",
                iban="FR7630001007941234567890185",
                bic=None,
                proof="RIB",
                proof_sha256=None,
                person_id=drill.preparer,
                actor="drill",
                at=drill.now,
            )
            with pytest.raises(PayoutRefused, match="second person"):
                await approve_account(
                    drill.connection, new.id, person_id=drill.preparer, actor="drill", at=drill.now
                )
            await approve_account(
                drill.connection, new.id, person_id=drill.approver, actor="drill", at=drill.now
            )
            batch = await released(drill)
            [paid] = await attempts_of(drill.connection, batch.id)
            assert paid.iban == before.iban
            drill.now += timedelta(hours=49)
            batch = await released(drill)
            [paid] = await attempts_of(drill.connection, batch.id)
            assert (paid.iban, paid.holder) == (new.iban, "Nouveau")

    run(one())


def test_a_remittance_tells_how_far_its_payment_is(run, fresh):
    async def one() -> None:
        async with fresh() as drill:
            [operator_id, *_] = drill.operators
            batch = await released(drill)
            assert await state_of(drill, operator_id) is RemittanceState.IN_PAYMENT
            await drill.give_file(batch)
            drill.bank.debit(batch.message_id, Style.LUMP)
            await drill.deliver(drill.bank.close_day())
            assert await state_of(drill, operator_id) is RemittanceState.PAID
            drill.bank.give_back(drill.bank.orders[batch.message_id], Style.EACH)
            await drill.deliver(drill.bank.close_day())
            assert await state_of(drill, operator_id) is RemittanceState.RETURNED
            prepared = await prepare(drill.connection, person_id=drill.preparer, actor="drill", now=drill.now)
            assert [left.why for left in prepared.left_out] == ["blocked"]
            await drill.mend_accounts()
            again = await prepare(drill.connection, person_id=drill.preparer, actor="drill", now=drill.now)
            [attempt] = await attempts_of(drill.connection, again.batch.id)
            assert attempt.end_to_end_id == f"BR-{operator_id}-1-2"

    run(one())


async def _answers(drill) -> list[bytes]:
    """A rejection, a lump debit of all, the recredit, a return and a funder's money, in five files."""
    for operator_id in drill.operators:
        await drill.close(operator_id, 2)
    await drill.prepare()
    [batch] = await drill.batches(BatchState.DRAFT)
    await drill.approve(batch)
    bank = drill.bank
    accepted = bank.receive(await batch_file(drill.connection, batch.id))
    [message_id] = bank.orders
    rejected = bank.reject(bank.orders[message_id][:1])
    bank.debit(message_id, Style.LUMP, with_rejected=True)
    debit = bank.close_day()
    bank.give_back(bank.orders[message_id][1:2], Style.LUMP)
    returned = bank.close_day()
    bank.credit(50_000, "Métropole")
    return [accepted, rejected, debit, returned, bank.close_day()]


def test_the_bank_s_files_say_the_same_in_any_order_and_told_twice(run, fresh):
    async def told(order) -> tuple:
        async with fresh() as drill:
            files = await _answers(drill)
            for place in order:
                await drill.deliver(files[place])
            await drill.hold()
            balances = await drill.connection.fetch(
                "SELECT a.kind, a.operator_id, b.balance_cents FROM book_balances b"
                " JOIN book_accounts a ON a.id = b.account_id ORDER BY a.kind, a.operator_id"
            )
            left = await worklist(drill.connection)
            sentences = [line_sentence(one.line, one.explanation) for one in left.in_suspense]
            assert not left.halves
            return [tuple(row) for row in balances], sentences

    expected = run(told(range(5)))
    assert [sentence.startswith("Crédit de 500,00") for sentence in expected[1]] == [True]
    orders = list(itertools.permutations(range(5)))
    for order in random.Random(5).sample(orders, 8):
        assert run(told((*order, *order[:2]))) == expected, order


def test_without_a_terminal_a_command_says_where_it_takes_the_password_from(run, fresh, typed):
    place = fresh()
    run(place.__aenter__())
    told = typed("payouts", "prepare", "--as", "prune@x.fr", DATABASE_URL=place.dsn, POINCON_PASSWORD="")
    assert (told.returncode, "POINCON_PASSWORD" in told.stderr) == (2, True), told
    run(place.__aexit__())


def test_a_month_by_command(run, fresh, typed, tmp_path, monkeypatch):
    from console.passwords import hash_password

    place = fresh()
    password = "phrase de passe du guichet"

    async def set_up() -> list[bytes]:
        await place.__aenter__()
        drill = place.drill
        for email, role in (("prune@x.fr", Role.PREPARER), ("aline@x.fr", Role.APPROVER)):
            await add_account(
                drill.connection,
                email=email,
                name=email,
                password_hash=hash_password(password),
                role=role,
                actor="tests",
            )
        await drill.close(drill.operators[0], 2)

    run(set_up())
    env = {"DATABASE_URL": place.dsn, "POINCON_PASSWORD": password}

    def said(*arguments: str, code: int = 0):
        done = typed(*arguments, **env)
        assert done.returncode == code, done
        return json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else done.stdout

    # The operator's account is usable from the drill's tomorrow.
    left = said("payouts", "prepare", "--as", "prune@x.fr", "--json", code=1)
    assert [one["why"] for one in left["left_out"]] == ["cooling_off"]
    run(
        place.tamper(
            "ALTER TABLE operator_bank_accounts DISABLE TRIGGER USER",
            "UPDATE operator_bank_accounts SET approved_at = now(), usable_from = now()",
        )
    )
    batch = said("payouts", "prepare", "--as", "prune@x.fr", "--json")["batch"]
    release = ("payouts", "approve", str(batch["id"]), "--count", "1", "--total-cents", "2000", "--json")
    said(*release, "--as", "prune@x.fr", code=2)
    approved = said(*release, "--as", "aline@x.fr")
    file = tmp_path / "virements.xml"
    said("payouts", "file", str(batch["id"]), "--out", str(file))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == approved["file_sha256"]
    told = said("payouts", "file", str(batch["id"]), "--out", str(file), "--json")
    assert told == approved | {"file": str(file), "file_bytes": len(file.read_bytes())}
    said("payouts", "file", str(batch["id"]), "--json", code=2)
    assert said("payouts", "sent", str(batch["id"]), "--as", "prune@x.fr", "--json")["state"] == "sent"
    place.drill.bank.receive(file.read_bytes())
    place.drill.bank.debit(approved["message_id"], Style.EACH)
    statement = tmp_path / "releve.xml"
    statement.write_bytes(place.drill.bank.close_day())
    assert said("statements", "import", str(statement), "--json")["imported"][0]["explained"] == 1
    assert said("statements", "import", str(statement), "--json")["imported"][0]["is_new"] is False
    [transfer] = said("payouts", "status", str(batch["id"]), "--json")["transfers"]
    assert transfer["state"] == "booked"
    assert said("statements", "status") == "nothing is left to explain\n"
    said("payouts", "cancel", str(batch["id"]), "--reason", "non", "--as", "prune@x.fr", code=1)
    run(place.__aexit__())
