"""What is told of by itself, with its fact: a bank account that changes, booklets that are blocked."""

from datetime import UTC, datetime

from ledger.bank_accounts import approve_account, block_account, propose_account
from ledger.booklets import cancel_booklets
from ledger.notices import recent_notices
from ledger.parties import add_person
from ledger.rows import CancelCause

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)


async def test_an_operator_is_told_of_each_change_of_its_bank_account(connection):
    persons = [await add_person(connection, name) for name in ("Camille", "Dominique")]
    account = await propose_account(
        connection,
        1,
        holder="La Fabrique à clics",
        iban="FR7630006000011234567890189",
        bic=None,
        proof="RIB reçu",
        proof_sha256=None,
        person_id=persons[0],
        actor="tests",
        at=NOW,
    )
    await approve_account(connection, account.id, person_id=persons[1], actor="tests", at=NOW)
    for _ in range(2):
        await block_account(connection, account.id, actor="tests", at=NOW, reason="BR-1-1-1 came back")
    changes = [one.payload["change"] for one in reversed(await recent_notices(connection))]
    assert changes == ["propose", "approve", "block"]
    assert {one.payload["iban_end"] for one in await recent_notices(connection)} == {"0189"}


async def test_a_funder_is_told_once_of_booklets_that_one_decision_blocked(connection, instance):
    numbers = [instance.batch.first_booklet + place for place in range(2)]

    async def cancel() -> int:
        return await cancel_booklets(
            connection, numbers, cause=CancelCause.STOLEN, at=NOW, actor="tests", reason="vol à l’agence"
        )

    assert [await cancel(), await cancel()] == [2, 0]
    [told] = await recent_notices(connection)
    assert (told.programme_id, told.payload["booklets"]) == (instance.programme_id, numbers)
    assert "agence" not in str(told.payload), "why is the trustee's to tell"
