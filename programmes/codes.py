"""The codes of a batch's passes, derived from its record and the keys: the same again at every printing."""

from collections.abc import Iterator

from keys.keyring import KeyPurpose
from keys.pass_code import issue_code
from keys.passes import PassId
from keys.sealed import KeyFolder
from keys.short_code import programme_secret, short_code
from ledger.rows import Batch
from programmes.print.printed import PrintedBooklet, PrintedPass


def batch_codes(batch: Batch, folder: KeyFolder) -> Iterator[PrintedBooklet]:
    """Raises SealError when the batch's private key or the master secret is not in the folder."""
    signer = folder.signer(KeyPurpose.PASS_CODE, batch.kid)
    secret = programme_secret(folder.master_secret(), batch.programme_id)
    expires_at = int(batch.expires_at.timestamp())
    for booklet in batch.booklets:
        passes = [PassId(booklet, number) for number in range(1, batch.booklet_size + 1)]
        yield PrintedBooklet(
            booklet,
            tuple(
                PrintedPass(
                    pass_id.number, issue_code(pass_id, expires_at, signer), short_code(pass_id, secret)
                )
                for pass_id in passes
            ),
        )
