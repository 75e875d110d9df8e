"""The audit's second look at remittances: the hash over the lines of each, computed again from the record."""

from collections.abc import AsyncIterator

from ledger.connect import Connection
from ledger.remittance_rows import hash_of_lines
from ledger.remittances import LINES, read_line

HASHES = """
SELECT r.operator_id, r.number, r.lines_sha256, coalesce(o.siret::text, '') AS siret
FROM remittances r LEFT JOIN operators o ON o.id = r.operator_id ORDER BY r.operator_id, r.number"""
HASHES_PER_READ = 100


async def differing_hashes(connection: Connection) -> AsyncIterator[tuple[str, str]]:
    """Subject and detail per remittance whose lines are not those that were hashed. Needs a transaction."""
    async for operator_id, number, told, siret in connection.cursor(HASHES, prefetch=HASHES_PER_READ):
        lines = [read_line(row) for row in await connection.fetch(LINES, operator_id, number)]
        found = hash_of_lines(siret, number, lines)
        if found != told:
            detail = f"{len(lines)} lines hash to {found.hex()}, closed as {told.hex()}"
            yield f"operator {operator_id} remittance {number}", detail
