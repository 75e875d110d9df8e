"""Practice booklets: codes by the practice key, the same at every printing. No booklet is on record."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from keys.keyring import KeyPurpose
from keys.passes import PRACTICE_FIRST, PassId
from keys.practice import issue_practice_code, practice_secret, practice_short_code
from keys.sealed import KeyFolder
from ledger.booklets import IssueRefused
from ledger.connect import Connection
from ledger.events import record_event
from ledger.signing_keys import active_kid
from programmes.print.booklet_pdf import BOOKLETS_PER_FILE_MAX, write_practice_pdf
from programmes.print.printed import PrintedBooklet, PrintedPass
from programmes.print.printer_csv import write_practice_csv
from programmes.printing import appearing_whole

PASSES_PER_BOOKLET = 10


async def note_practice(connection: Connection, count: int, *, actor: str) -> bytes:
    """Record who prints practice booklets, and how many; return the kid of the key that signs them."""
    if not 1 <= count <= BOOKLETS_PER_FILE_MAX:
        raise IssueRefused(f"a file holds 1 to {BOOKLETS_PER_FILE_MAX} practice booklets, not {count}")
    async with connection.transaction():
        kid = await active_kid(connection, KeyPurpose.PRACTICE)
        if kid is None:
            raise IssueRefused(
                "no active practice key; `poincon keys generate practice`, then `poincon keys activate`"
            )
        await record_event(
            connection, actor=actor, action="practice.print", subject=f"key:{kid.hex()}", booklets=count
        )
    return kid


def practice_codes(count: int, kid: bytes, folder: KeyFolder) -> Iterator[PrintedBooklet]:
    """Raises SealError when the practice key or the master secret is not in the folder."""
    signer = folder.signer(KeyPurpose.PRACTICE, kid)
    secret = practice_secret(folder.master_secret())
    for booklet in range(PRACTICE_FIRST, PRACTICE_FIRST + count):
        passes = [PassId(booklet, number) for number in range(1, PASSES_PER_BOOKLET + 1)]
        yield PrintedBooklet(
            booklet,
            tuple(
                PrintedPass(
                    pass_id.number,
                    issue_practice_code(pass_id, signer),
                    practice_short_code(pass_id, secret),
                )
                for pass_id in passes
            ),
        )


def practice_pdf(count: int, kid: bytes, folder: KeyFolder) -> bytes:
    target = BytesIO()
    write_practice_pdf(practice_codes(count, kid, folder), count, target)
    return target.getvalue()


def print_practice(count: int, kid: bytes, folder: KeyFolder, *, pdf: Path, csv: Path | None = None) -> None:
    """Write the files, each whole or not there, the same bytes for the same key and count."""
    with appearing_whole(pdf) as target:
        write_practice_pdf(practice_codes(count, kid, folder), count, target)
    if csv is not None:
        with appearing_whole(csv) as target:
            write_practice_csv(practice_codes(count, kid, folder), target)
