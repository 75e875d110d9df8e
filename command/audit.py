"""`poincon audit`: re-derive every count and balance from the records."""

from pathlib import Path

import click

from command.surroundings import Surroundings, data_option, print_json, run
from keys.keyring import KeyPurpose, Keyring, PublicKey
from keys.receipt import seal_key_from
from keys.sealed import KeyFolder
from keys.signer import Ed25519Signer
from ledger.audit import Audit, OpenedKey, RecordUnusable
from ledger.audit import audit as audit_record
from ledger.signing_keys import list_keys


@click.command()
@click.option("--json", "as_json", is_flag=True)
@data_option
def audit(as_json: bool, data: Path | None) -> None:
    """Re-derive every count and balance from the records, and tell what disagrees, to the cent.

    With POINCON_KEYS, also derives every receipt and seal again. Exit 1 when something disagrees.
    """
    around = Surroundings(data)
    folder = around.key_folder if around.has_keys else None

    async def work() -> Audit:
        async with around.database() as connection:
            try:
                known = await list_keys(connection)
                keyring = Keyring.from_keys(known.values())
            except ValueError as error:  # a public key, or its id, was changed: nothing can be verified by it
                raise RecordUnusable(f"the keys in the record contradict themselves: {error}") from error
            opened = _open_keys(known, folder) if folder else None
            return await audit_record(connection, keyring=keyring, opened_keys=opened)

    found = run(work())
    _tell_json(found) if as_json else _tell(found)
    raise SystemExit(0 if found.is_clean else 1)


def _open_keys(known: dict[int, PublicKey], folder: KeyFolder) -> dict[int, OpenedKey]:
    opened = {}
    for key_id, key in known.items():
        if key.purpose is KeyPurpose.RECEIPT:
            private_key = folder.private_key(KeyPurpose.RECEIPT, key.kid)
            opened[key_id] = OpenedKey(Ed25519Signer.from_raw(private_key), seal_key_from(private_key))
    return opened


def _tell(found: Audit) -> None:
    for check, disagreeing in found.checked.items():
        click.echo(
            f"{'ok    ' if not disagreeing else 'WRONG '} {check}{f': {disagreeing}' if disagreeing else ''}"
        )
    for check, why in found.skipped.items():
        click.echo(f"skipped {check}: {why}")
    for one in found.disagreements:
        click.echo(f"  {one.check}: {one.subject}: {one.detail}")
    for total in found.totals:
        click.echo(
            f"{total.siret} {total.name}: {total.accepted} accepted, {total.accepted_cents / 100:.2f} €;"
            f" {total.remitted} remitted, {total.remitted_cents / 100:.2f} €"
        )
    click.echo(f"{found.receipts_verified} receipts derived again and verified")
    click.echo("the record agrees with itself" if found.is_clean else "the record DISAGREES with itself")


def _tell_json(found: Audit) -> None:
    print_json(
        {
            "clean": found.is_clean,
            "checked": found.checked,
            "skipped": found.skipped,
            "receipts_verified": found.receipts_verified,
            "disagreements": [
                {"check": one.check, "subject": one.subject, "detail": one.detail}
                for one in found.disagreements
            ],
            "operators": [
                {
                    "siret": total.siret,
                    "name": total.name,
                    "accepted": total.accepted,
                    "accepted_cents": total.accepted_cents,
                    "remitted": total.remitted,
                    "remitted_cents": total.remitted_cents,
                }
                for total in found.totals
            ],
        }
    )
