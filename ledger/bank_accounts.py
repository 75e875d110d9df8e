"""Bank accounts of operators and of the trustee: proposed by one person, approved by another, blocked.

The IBAN is checked by the caller (payouts/accounts.py). Every change is an event of the operator's, which its
page and console show: whoever changes an account in its name is seen.
"""

from datetime import datetime, timedelta

from ledger.acceptances import LOCK_OPERATOR
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.four_eyes import is_another_person
from ledger.notice_facts import bank_account_changed
from ledger.notices import tell
from ledger.payout_rows import OperatorAccount, PayoutRefused, TrusteeAccount

COOLING_OFF = timedelta(hours=48)

COLUMNS = """id, operator_id, holder, iban, bic, proof, proposed_at, proposed_by, approved_at, approved_by,
       usable_from, refused_at, blocked_at, blocked_why, vop_result"""
ADD = f"""
INSERT INTO operator_bank_accounts (operator_id, holder, iban, bic, proof, proof_sha256, proposed_at,
                                    proposed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {COLUMNS}"""
WITHDRAW_PROPOSALS = """
UPDATE operator_bank_accounts SET refused_at = $2
WHERE operator_id = $1 AND approved_at IS NULL AND refused_at IS NULL"""
ONE = f"SELECT {COLUMNS} FROM operator_bank_accounts WHERE id = $1 FOR UPDATE"
APPROVE = f"""
UPDATE operator_bank_accounts SET approved_at = $2, approved_by = $3, usable_from = $4 WHERE id = $1
RETURNING {COLUMNS}"""
REFUSE = f"UPDATE operator_bank_accounts SET refused_at = $2 WHERE id = $1 RETURNING {COLUMNS}"
BLOCK = f"""
UPDATE operator_bank_accounts SET blocked_at = $2, blocked_why = $3
WHERE id = $1 AND blocked_at IS NULL RETURNING {COLUMNS}"""
OF_OPERATOR = f"SELECT {COLUMNS} FROM operator_bank_accounts WHERE operator_id = $1 ORDER BY id DESC LIMIT $2"
# The last one approved; until it may be used, the one before it still is. A blocked one has no stand-in.
CURRENT = f"""
SELECT DISTINCT ON (operator_id) {COLUMNS} FROM operator_bank_accounts
WHERE operator_id = ANY($1) AND refused_at IS NULL
ORDER BY operator_id, (approved_at IS NOT NULL AND usable_from <= $2) DESC, (approved_at IS NOT NULL) DESC,
         id DESC"""
BLOCKED = f"""
SELECT {COLUMNS} FROM operator_bank_accounts a WHERE blocked_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM operator_bank_accounts n WHERE n.operator_id = a.operator_id AND n.id > a.id
    AND n.approved_at IS NOT NULL) ORDER BY blocked_at LIMIT $1"""
PROPOSED = f"""
SELECT {COLUMNS} FROM operator_bank_accounts WHERE approved_at IS NULL AND refused_at IS NULL
ORDER BY proposed_at LIMIT $1"""
LIST_MAX = 200

TRUSTEE_COLUMNS = "id, holder, iban, bic, proposed_by, approved_at, approved_by, booking_format"
ADD_TRUSTEE = f"""
INSERT INTO trustee_accounts (holder, iban, bic, proposed_at, proposed_by) VALUES ($1, $2, $3, $4, $5)
RETURNING {TRUSTEE_COLUMNS}"""
ONE_TRUSTEE = f"SELECT {TRUSTEE_COLUMNS} FROM trustee_accounts WHERE id = $1 FOR UPDATE"
APPROVE_TRUSTEE = f"""
UPDATE trustee_accounts SET approved_at = $2, approved_by = $3 WHERE id = $1 RETURNING {TRUSTEE_COLUMNS}"""
CURRENT_TRUSTEE = f"""
SELECT {TRUSTEE_COLUMNS} FROM trustee_accounts WHERE approved_at IS NOT NULL ORDER BY id DESC LIMIT 1"""
SET_BOOKING_FORMAT = f"""
UPDATE trustee_accounts SET booking_format = $2 WHERE id = $1 RETURNING {TRUSTEE_COLUMNS}"""


async def propose_account(
    connection: Connection,
    operator_id: int,
    *,
    holder: str,
    iban: str,
    bic: str | None,
    proof: str,
    proof_sha256: bytes | None,
    person_id: int,
    actor: str,
    at: datetime,
) -> OperatorAccount:
    """Wait for a second person; an earlier proposal that still waits is withdrawn."""
    async with connection.transaction():
        await connection.execute(LOCK_OPERATOR, operator_id)  # of two proposals at once, the second holds
        await connection.execute(WITHDRAW_PROPOSALS, operator_id, at)
        row = await connection.fetchrow(
            ADD, operator_id, holder, iban, bic, proof, proof_sha256, at, person_id
        )
        account = _account(row)
        await _tell(connection, account, "propose", actor=actor, at=at, reason=proof)
    return account


async def approve_account(
    connection: Connection,
    account_id: int,
    *,
    person_id: int,
    actor: str,
    at: datetime,
    cooling_off: timedelta = COOLING_OFF,
) -> OperatorAccount:
    async with connection.transaction():
        await _waiting(connection, account_id, person_id)
        row = await connection.fetchrow(APPROVE, account_id, at, person_id, at + cooling_off)
        account = _account(row)
        await _tell(connection, account, "approve", actor=actor, at=at)
    return account


async def refuse_account(
    connection: Connection, account_id: int, *, person_id: int, actor: str, at: datetime, reason: str
) -> OperatorAccount:
    """Whoever proposed it may withdraw it too: nobody is paid on it either way."""
    async with connection.transaction():
        await _waiting(connection, account_id, None)
        account = _account(await connection.fetchrow(REFUSE, account_id, at))
        await _tell(connection, account, "refuse", actor=actor, at=at, reason=reason)
    return account


async def block_account(
    connection: Connection, account_id: int, *, actor: str, at: datetime, reason: str
) -> None:
    """Pay nothing more on it. What corrects it is another proposal, of the same IBAN if need be."""
    async with connection.transaction():
        row = await connection.fetchrow(BLOCK, account_id, at, reason)
        if row is not None:
            account = _account(row)
            subject = f"operator:{account.operator_id}"
            await record_event(
                connection,
                actor=actor,
                action="bankaccount.block",
                subject=subject,
                reason=reason,
                account=account_id,
            )
            await tell(connection, bank_account_changed(account, "block", at=at), at=at)


async def operator_accounts(connection: Connection, operator_id: int) -> list[OperatorAccount]:
    """Newest first."""
    return [_account(row) for row in await connection.fetch(OF_OPERATOR, operator_id, LIST_MAX)]


async def current_accounts(
    connection: Connection, operator_ids: list[int], *, at: datetime
) -> dict[int, OperatorAccount]:
    """The account of each operator that has one, usable or not."""
    rows = await connection.fetch(CURRENT, operator_ids, at)
    return {row["operator_id"]: _account(row) for row in rows}


async def blocked_accounts(connection: Connection) -> list[OperatorAccount]:
    """Those that nothing approved since has replaced."""
    return [_account(row) for row in await connection.fetch(BLOCKED, LIST_MAX)]


async def proposed_accounts(connection: Connection) -> list[OperatorAccount]:
    return [_account(row) for row in await connection.fetch(PROPOSED, LIST_MAX)]


async def propose_trustee(
    connection: Connection,
    *,
    holder: str,
    iban: str,
    bic: str | None,
    person_id: int,
    actor: str,
    at: datetime,
) -> TrusteeAccount:
    async with connection.transaction():
        row = await connection.fetchrow(ADD_TRUSTEE, holder, iban, bic, at, person_id)
        subject = f"trustee_account:{row['id']}"
        await record_event(connection, actor=actor, action="trustee.propose", subject=subject, iban=iban)
    return TrusteeAccount(*row)


async def approve_trustee(
    connection: Connection, account_id: int, *, person_id: int, actor: str, at: datetime
) -> TrusteeAccount:
    async with connection.transaction():
        row = await connection.fetchrow(ONE_TRUSTEE, account_id)
        if row is None or row["approved_at"] is not None:
            raise PayoutRefused(f"trustee's account {account_id} is not one that waits for approval")
        refuse_same_person(person_id, row["proposed_by"])
        account = TrusteeAccount(*await connection.fetchrow(APPROVE_TRUSTEE, account_id, at, person_id))
        subject = f"trustee_account:{account_id}"
        await record_event(
            connection, actor=actor, action="trustee.approve", subject=subject, iban=account.iban
        )
    return account


async def trustee_account(connection: Connection) -> TrusteeAccount | None:
    """The one that pays: the last that was approved."""
    row = await connection.fetchrow(CURRENT_TRUSTEE)
    return TrusteeAccount(*row) if row else None


async def fix_booking_format(
    connection: Connection, account_id: int, booking_format: str, *, actor: str
) -> TrusteeAccount:
    async with connection.transaction():
        row = await connection.fetchrow(SET_BOOKING_FORMAT, account_id, booking_format)
        subject = f"trustee_account:{account_id}"
        await record_event(
            connection, actor=actor, action="trustee.format", subject=subject, format=booking_format
        )
    return TrusteeAccount(*row)


def refuse_same_person(person_id: int, prepared_by: int) -> None:
    """The database compares them again."""
    if not is_another_person(person_id, prepared_by=[prepared_by]):
        raise PayoutRefused("who prepared it can't approve it: ask a second person to sign in")


async def _waiting(connection: Connection, account_id: int, person_id: int | None) -> None:
    row = await connection.fetchrow(ONE, account_id)
    if row is None or row["approved_at"] is not None or row["refused_at"] is not None:
        raise PayoutRefused(f"account {account_id} is not one that waits for approval")
    if person_id is not None:
        refuse_same_person(person_id, row["proposed_by"])


async def _tell(
    connection: Connection,
    account: OperatorAccount,
    verb: str,
    *,
    actor: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """The log, and the operator itself: whoever changes an account in its name is seen."""
    await record_event(
        connection,
        actor=actor,
        action=f"bankaccount.{verb}",
        subject=f"operator:{account.operator_id}",
        reason=reason,
        account=account.id,
        holder=account.holder,
        iban_end=account.iban[-4:],
    )
    await tell(connection, bank_account_changed(account, verb, at=at), at=at)


def _account(row: Record) -> OperatorAccount:
    return OperatorAccount(*row)
