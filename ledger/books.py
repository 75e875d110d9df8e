"""The books: entries are posted here and nowhere else, and read back. What they mean is in book_rows.py.

Posting takes the books' own lock to the end of the transaction: it comes last, after every other lock.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from ledger.book_rows import (
    NEVER_BELOW_NOTHING,
    AccountKind,
    BalanceRefused,
    BookAccount,
    Draft,
    Entry,
    EntryKind,
    Posting,
)
from ledger.connect import Connection, Record

ENTRIES_PER_READ = 500

LOCK_BOOKS = "SELECT FROM book_counter FOR UPDATE"
TAKE_NUMBERS = "UPDATE book_counter SET next_entry = next_entry + $1 RETURNING next_entry - $1"
ADD_ACCOUNTS = """
INSERT INTO book_accounts (kind, programme_id, operator_id)
SELECT kind, nullif(programme_id, 0), nullif(operator_id, 0)
FROM unnest($1::text[], $2::integer[], $3::integer[]) AS wanted (kind, programme_id, operator_id)
WHERE NOT EXISTS (SELECT FROM book_accounts a
                  WHERE (a.kind, coalesce(a.programme_id, 0), coalesce(a.operator_id, 0))
                        = (wanted.kind, wanted.programme_id, wanted.operator_id))
ON CONFLICT DO NOTHING"""
ACCOUNTS = """
SELECT a.kind, coalesce(a.programme_id, 0), coalesce(a.operator_id, 0), a.id, b.balance_cents
FROM book_accounts a JOIN book_balances b ON b.account_id = a.id"""
FIND_ACCOUNTS = f"""
{ACCOUNTS} JOIN unnest($1::text[], $2::integer[], $3::integer[]) AS wanted (kind, programme_id, operator_id)
  ON (a.kind, coalesce(a.programme_id, 0), coalesce(a.operator_id, 0))
     = (wanted.kind, wanted.programme_id, wanted.operator_id)"""
ADD_ENTRIES = """
INSERT INTO book_entries (number, at, kind, actor, subject, reason)
SELECT number, $1, kind, $2, subject, reason
FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) AS e (number, kind, subject, reason)
ORDER BY number"""
ADD_POSTINGS = """
INSERT INTO book_postings (entry, account_id, amount_cents)
SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[])"""
ENTRIES = """
SELECT e.number, e.at, e.recorded_at, e.kind, e.actor, e.subject, e.reason,
       ARRAY(SELECT (a.kind, coalesce(a.programme_id, 0), coalesce(a.operator_id, 0), p.amount_cents)
             FROM book_postings p JOIN book_accounts a ON a.id = p.account_id
             WHERE p.entry = e.number ORDER BY p.amount_cents < 0, a.id) AS postings
FROM book_entries e
WHERE ($1::timestamptz IS NULL OR e.at >= $1) AND ($2::timestamptz IS NULL OR e.at < $2)
  AND ($3::integer IS NULL OR EXISTS (
      SELECT FROM book_postings p JOIN book_accounts a ON a.id = p.account_id
      WHERE p.entry = e.number AND a.programme_id = $3))
ORDER BY e.number"""


async def post(
    connection: Connection,
    *,
    kind: EntryKind,
    postings: Sequence[Posting],
    actor: str,
    subject: str,
    reason: str | None = None,
    at: datetime,
) -> int:
    """Book one entry and return its number, or raise BalanceRefused and book nothing."""
    draft = Draft(kind, subject, postings, reason)
    [number] = await post_all(connection, [draft], actor=actor, at=at)
    return number


async def post_all(connection: Connection, drafts: Sequence[Draft], *, actor: str, at: datetime) -> list[int]:
    """Book all entries, or raise BalanceRefused and book none; their numbers follow each other."""
    for draft in drafts:
        _assert_whole(draft)
    if not drafts:
        return []
    async with connection.transaction():
        first = await connection.fetchval(TAKE_NUMBERS, len(drafts))
        moved = _sums(posting for draft in drafts for posting in draft.postings)
        ids = await _prepare(connection, moved)
        numbers = list(range(first, first + len(drafts)))
        await connection.execute(
            ADD_ENTRIES,
            at,
            actor,
            numbers,
            [draft.kind.value for draft in drafts],
            [draft.subject for draft in drafts],
            [draft.reason for draft in drafts],
        )
        rows = [
            (number, ids[posting.account], posting.amount_cents)
            for number, draft in zip(numbers, drafts, strict=True)
            for posting in draft.postings
        ]
        await connection.execute(ADD_POSTINGS, *map(list, zip(*rows, strict=True)))
    return numbers


async def lock_books(connection: Connection) -> None:
    """Nobody else posts until this transaction ends: the balances read from now on stay true."""
    await connection.execute(LOCK_BOOKS)


async def account_of(connection: Connection, account: BookAccount) -> int:
    """The account's number in the record, opened if it is new."""
    columns = _columns([account])
    await connection.execute(ADD_ACCOUNTS, *columns)
    return int((await connection.fetchrow(FIND_ACCOUNTS, *columns))["id"])


async def balances(connection: Connection) -> dict[BookAccount, int]:
    """What every account holds, in cents; an account that was never posted to is not there."""
    return {_account(row): row["balance_cents"] for row in await connection.fetch(ACCOUNTS)}


async def balance_of(connection: Connection, account: BookAccount) -> int:
    row = await connection.fetchrow(FIND_ACCOUNTS, *_columns([account]))
    return row["balance_cents"] if row else 0


async def entries(
    connection: Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    programme_id: int | None = None,
) -> AsyncIterator[Entry]:
    """In their order, from `since` on and before `until`, without holding them in memory."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for row in connection.cursor(ENTRIES, since, until, programme_id, prefetch=ENTRIES_PER_READ):
            yield _entry(row)


def _assert_whole(draft: Draft) -> None:
    assert len(draft.postings) >= 2
    assert sum(posting.amount_cents for posting in draft.postings) == 0
    assert all(posting.amount_cents for posting in draft.postings)
    assert len({posting.account for posting in draft.postings}) == len(draft.postings)


def _sums(postings: Iterable[Posting]) -> dict[BookAccount, int]:
    sums: dict[BookAccount, int] = {}
    for account, amount_cents in postings:
        sums[account] = sums.get(account, 0) + amount_cents
    return sums


async def _prepare(connection: Connection, moved: dict[BookAccount, int]) -> dict[BookAccount, int]:
    """The accounts' numbers, once all of them can bear what is moved."""
    columns = _columns(sorted(moved))
    await connection.execute(ADD_ACCOUNTS, *columns)
    ids = {}
    for row in await connection.fetch(FIND_ACCOUNTS, *columns):
        account = _account(row)
        ids[account] = row["id"]
        after = row["balance_cents"] + moved[account]
        if account.kind in NEVER_BELOW_NOTHING and after > 0:
            raise BalanceRefused(account, after)
    assert ids.keys() == moved.keys()
    return ids


def _columns(accounts: Sequence[BookAccount]) -> tuple[list[str], list[int], list[int]]:
    return (
        [account.kind.value for account in accounts],
        [account.programme_id for account in accounts],
        [account.operator_id for account in accounts],
    )


def _account(row: Record) -> BookAccount:
    kind, programme_id, operator_id = tuple(row)[:3]
    return BookAccount(AccountKind(kind), programme_id, operator_id)


def _entry(row: Record) -> Entry:
    *facts, postings = row
    number, at, recorded_at, kind, actor, subject, reason = facts
    return Entry(
        number,
        at,
        recorded_at,
        EntryKind(kind),
        actor,
        subject,
        reason,
        tuple(
            Posting(BookAccount(AccountKind(posted[0]), posted[1], posted[2]), posted[3])
            for posted in postings
        ),
    )
