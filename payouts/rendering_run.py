"""What every file of one archive of accounts is made from, and how a table is written into it."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass

from ledger.book_rows import BookAccount, Entry
from ledger.books import entries
from ledger.connect import Connection
from ledger.rendering_rows import Movement, Parties, Period
from payouts import rendering_tables as tables
from payouts.archive import ArchiveWriter

Progress = Callable[[str, int, int], None]  # of what, how many are done, of how many


@dataclass(frozen=True)
class Rendering:
    connection: Connection
    archive: ArchiveWriter
    period: Period
    funder: str | None
    scope: Sequence[int] | None
    parties: Parties
    told: Sequence[Movement]
    progress: Progress

    @property
    def sums(self) -> tables.AccountSums:
        return tables.AccountSums(self.told)

    @property
    def programmes(self) -> list[int]:
        """Those with any movement: one that is added after the period changes nothing of what is rendered."""
        return sorted({move.account.programme_id for move in self.told} - {0})

    def holds(self, account: BookAccount) -> bool:
        return self.scope is None or account.programme_id in self.scope

    async def entries(self) -> AsyncIterator[Entry]:
        """Those that touch what is rendered, whole."""
        reading = entries(self.connection, since=self.period.since, until=self.period.until)
        async for entry in reading:
            if self.scope is None or entry.touches(self.scope):
                yield entry

    def write_table(self, name: str, titles: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
        with self.archive.open(name) as file:
            file.write(tables.head(titles).encode())
            for line in lines:
                file.write(tables.rows([line]).encode())
