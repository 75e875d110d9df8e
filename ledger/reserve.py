"""The reserve of each programme, for everybody to read: what was received, what is engaged. Only reads.

From the books, whose balances the record itself keeps from falling below nothing; `poincon audit` derives
them again from passes, remittances and bank lines.
"""

from dataclasses import dataclass
from datetime import date, datetime

from ledger.connect import Connection
from ledger.payout_register import ProgrammeFunds, programme_funds

# Passes that may be taken now: of active booklets, neither taken nor released.
LIVE = """
SELECT t.programme_id, sum(b.pass_count)::bigint - coalesce(sum(a.taken), 0)::bigint,
       sum(b.pass_count::bigint * b.face_value_cents)::bigint - coalesce(sum(a.cents), 0)::bigint
FROM booklets b JOIN batches t ON t.id = b.batch_id LEFT JOIN (
    SELECT booklet, count(*) AS taken, sum(amount_cents) AS cents FROM acceptances WHERE undone_at IS NULL
    GROUP BY booklet) AS a ON a.booklet = b.number
WHERE b.state = 'active' AND b.released_at IS NULL GROUP BY t.programme_id"""
# Fees are the trustee's: they are shown apart, and no programme's money pays them.
FEES = """
SELECT coalesce(sum(b.balance_cents), 0)::bigint FROM book_accounts a
JOIN book_balances b ON b.account_id = a.id WHERE a.kind = 'fees'"""
LAST = "SELECT coalesce(max(number), 0), max(recorded_at) FROM book_entries"
LAST_BANK_DAY = "SELECT max(booked_on) FROM bank_lines"


@dataclass(frozen=True, slots=True)
class ReserveOf:
    funds: ProgrammeFunds
    live_passes: int
    live_cents: int  # face value of passes that may be taken now

    @property
    def waiting_cents(self) -> int:
        """Taken and not remitted yet, or of booklets cancelled less than 73 hours ago."""
        return self.funds.circulation_cents - self.live_cents

    @property
    def is_covered(self) -> bool:
        return self.funds.held_cents >= self.funds.engaged_cents


@dataclass(frozen=True, slots=True)
class Reserve:
    read_at: datetime
    last_entry: int
    last_entry_at: datetime | None
    last_bank_day: date | None
    fees_cents: int
    programmes: tuple[ReserveOf, ...]


async def read_reserve(connection: Connection, *, now: datetime) -> Reserve:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        live = {row[0]: (row[1], row[2]) for row in await connection.fetch(LIVE)}
        funds = await programme_funds(connection)
        number, at = await connection.fetchrow(LAST)
        return Reserve(
            read_at=now,
            last_entry=number,
            last_entry_at=at,
            last_bank_day=await connection.fetchval(LAST_BANK_DAY),
            fees_cents=await connection.fetchval(FEES),
            programmes=tuple(ReserveOf(one, *live.get(one.id, (0, 0))) for one in funds),
        )
