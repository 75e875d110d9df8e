"""What a clumsy hand, a dishonest one or a surprising bank tries, and what is left of the money then."""

import asyncio

import pytest

from console.passwords import hash_password
from ledger.account_rows import Role
from ledger.accounts import add_account
from ledger.bank_accounts import operator_accounts, propose_account
from ledger.connect import connect
from ledger.disputes import open_dispute, release_dispute
from ledger.funding import record_bank_line
from ledger.payout_rows import BatchState, PayoutRefused
from loadtests.model_bank import Style
from payouts.importing import ImportRefused
from payouts.preparing import prepare
from payouts.reconciling import worklist
from payouts.words import line_sentence


async def _paid_and_returned(drill, *, fee_cents: int = 0) -> int:
    """Two passes of the first operator, paid and come back; the bank line that brought them back."""
    await drill.close(drill.operators[0], 2)
    await drill.prepare()
    [batch] = await drill.batches(BatchState.DRAFT)
    await drill.approve(batch)
    await drill.give_file((await drill.batches(BatchState.APPROVED))[0])
    [message_id] = drill.bank.orders
    drill.bank.debit(message_id, Style.EACH)
    await drill.deliver(drill.bank.close_day())
    drill.bank.give_back(drill.bank.orders[message_id], Style.EACH, fee_cents=fee_cents)
    await drill.deliver(drill.bank.close_day())
    return await drill.connection.fetchval("SELECT bank_line_id FROM matches WHERE kind = 'return'")


async def _account(drill) -> int:
    await add_account(
        drill.connection,
        email="t@x.fr",
        name="Tiphaine",
        password_hash=hash_password("phrase de passe du guichet"),
        role=Role.PREPARER,
        actor="drill",
    )
    return await drill.connection.fetchval("SELECT id FROM accounts WHERE email = 't@x.fr'")


def test_a_return_is_not_undone_once_less_is_owed_than_had_left(run, fresh):
    async def one() -> None:
        async with fresh() as drill:
            returned = await _paid_and_returned(drill)
            who = await _account(drill)
            decided = {"reason": "pass douteux", "actor": "drill", "at": drill.now}
            held = await open_dispute(
                drill.connection, operator_id=drill.operators[0], number=1, line=1, opened_by=who, **decided
            )
            with pytest.raises(PayoutRefused, match="less is owed"):
                await drill.undo(returned)
            await drill.hold()
            await release_dispute(drill.connection, held.id, resolved_by=who, **decided)
            await drill.mend_accounts()
            await prepare(drill.connection, person_id=drill.preparer, actor="drill", now=drill.now)
            await drill.hold()

    run(one())


@pytest.mark.parametrize("where", ["in its amount alone", "in all that it says"])
def test_a_line_in_another_currency_is_never_booked_as_euros(run, fresh, where):
    async def one() -> None:
        async with fresh() as drill:
            drill.bank.credit(50_000, "Métropole")
            statement = drill.bank.close_day()
            if where == "in its amount alone":
                head, mark, tail = statement.partition(b"<Ntry>")
                statement = head + mark + tail.replace(b'Ccy="EUR"', b'Ccy="USD"', 1)
            else:
                statement = statement.replace(b"EUR", b"USD")
            with pytest.raises(ImportRefused, match="USD"):
                await drill.deliver(statement)
            assert not await drill.open()

    run(one())


def test_two_fees_that_look_alike_in_two_statements_of_one_day_are_both_booked(run, fresh):
    async def one() -> None:
        async with fresh() as drill:
            day = drill.bank.today
            told = []
            for number in range(3):
                drill.bank._numbers, drill.bank.today = 7, day
                drill.bank._book(-20 if number != 1 else -35, "")
                told.append(drill.bank.close_day())
            for statement in (told[1], told[2], told[0], told[1]):
                await drill.deliver(statement)
            booked = await drill.connection.fetch(
                "SELECT amount_cents FROM bank_lines WHERE amount_cents < 0"
            )
            assert sorted(row[0] for row in booked) == [-35, -20, -20]
            await drill.hold()

    run(one())


def test_of_two_lines_that_look_alike_one_is_the_line_recorded_by_hand(run, fresh):
    async def one() -> None:
        async with fresh() as drill:
            await record_bank_line(
                drill.connection, reference="REF00000008", booked_on=drill.bank.today, amount_cents=-20,
                label="frais", actor="drill", at=drill.now,
            )  # fmt: skip
            for _ in range(2):
                drill.bank._numbers = 7
                drill.bank._book(-20, "")
            await drill.deliver(drill.bank.close_day())
            assert (
                await drill.connection.fetchval("SELECT count(*) FROM bank_lines WHERE amount_cents = -20")
                == 2
            )
            await drill.hold()

    run(one())


def test_a_return_that_is_short_says_by_how_much_before_anybody_confirms_it(run, fresh):
    async def one() -> None:
        async with fresh() as drill:
            await _paid_and_returned(drill, fee_cents=1_200)
            found = await worklist(drill.connection)
            [sentence] = [line_sentence(one.line, one.explanation) for one in found.in_suspense]
            assert "Retour de 8,00\N{NO-BREAK SPACE}€, 12,00\N{NO-BREAK SPACE}€ de moins" in sentence

    run(one())


def test_of_accounts_proposed_at_once_one_waits_and_nobody_is_told_of_a_mistake_of_ours(run, fresh):
    async def one() -> None:
        place = fresh()
        async with place as drill:
            operator_id = drill.operators[0]

            async def proposed() -> None:
                connection = await connect(place.dsn, purpose="tests")
                try:
                    await propose_account(
                        connection, operator_id, holder="Un", iban="FR7630001007941234567890185", bic=None,
                        proof="RIB", proof_sha256=None, person_id=drill.preparer, actor="drill", at=drill.now,
                    )  # fmt: skip
                finally:
                    await connection.close()

            await asyncio.gather(*(proposed() for _ in range(8)))
            known = await operator_accounts(drill.connection, operator_id)
            assert len(known) == 9
            assert sum(one.approved_at is None and one.refused_at is None for one in known) == 1

    run(one())
