"""`poincon receipts`: verify an export without any server."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click

from command.surroundings import print_json
from keys.keyring import Keyring, keyring_from_jwks
from keys.passes import CodeFault, PassId
from keys.receipt import DoubtfulReceipt, Receipt, open_receipt

LINE_CHARS_MAX = 1_000_000  # the keyset's line; a receipt's has about 500


@click.group()
def receipts() -> None:
    """The operators' proofs of what was accepted."""


@dataclass
class Verified:
    good: int = 0
    total_cents: int = 0
    undone: int = 0
    wanting: list[str] = field(default_factory=list)
    seen: set[tuple[int, int, str]] = field(default_factory=set)
    live: set[PassId] = field(default_factory=set)
    siret: object = None  # whose export it says it is
    told: int | None = None  # how many receipts its last line says there are
    lines: int = 0


@receipts.command("verify")
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"))
@click.option(
    "--keyset",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Trust these keys (a saved /v1/keyset) rather than those in the export.",
)
@click.option("--json", "as_json", is_flag=True)
def verify(file: Iterator[str], keyset: Path | None, as_json: bool) -> None:
    """Verify an export of receipts (GET /v1/receipts, or lines that begin with PR1:) without any server.

    Exit 0 when every receipt is good, 1 when some is not.
    """
    keyring = _read_keyset(keyset.read_text(encoding="utf-8")) if keyset else None
    verified = Verified()
    for number, line in enumerate(file, 1):
        entry = _read_line(line, number)
        if isinstance(entry, dict) and "keyset" in entry and "receipt" not in entry:
            keyring = keyring or _read_keyset(json.dumps(entry["keyset"]))
            verified.siret = entry.get("operator")
        elif entry and "receipts" in entry:
            verified.told = entry["receipts"] if isinstance(entry["receipts"], int) else None
        elif entry:
            verified.lines += 1
            if keyring is None:
                raise click.UsageError("the file has no keyset before its receipts; give --keyset FILE")
            _verify_one(entry, number, keyring, verified)
    if keyring is None and not verified.good:
        raise click.UsageError("the file holds neither a keyset nor receipts")
    if verified.siret is not None and verified.told != verified.lines:
        told = "no last line" if verified.told is None else f"{verified.told} receipts in its last line"
        verified.wanting.append(f"the export is not whole: {verified.lines} receipts, {told}")
    if keyset is None:
        click.echo(
            "The keys come from the file itself: compare their ids with those that the instance publishes at"
            " /v1/keyset, or save that and give it with --keyset.",
            err=True,
        )
    _tell(verified, keyring, as_json)
    raise SystemExit(1 if verified.wanting else 0)


def _read_line(line: str, number: int) -> dict[str, object] | None:
    line = line.strip()
    if not line:
        return None
    if len(line) > LINE_CHARS_MAX:
        raise click.UsageError(f"line {number} is too long to be a receipt or a keyset")
    if line.startswith("PR"):
        return {"receipt": line}
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise click.UsageError(f"line {number} is neither JSON nor a receipt") from None
    if isinstance(entry, str):
        return {"receipt": entry}
    if not isinstance(entry, dict):
        raise click.UsageError(f"line {number} is not an export of receipts")
    return entry


def _read_keyset(text: str) -> Keyring:
    try:
        return keyring_from_jwks(json.loads(text))
    except ValueError as error:
        raise click.UsageError(f"not a keyset: {error}") from None


def _verify_one(entry: dict[str, object], number: int, keyring: Keyring, verified: Verified) -> None:
    text = entry.get("receipt")
    opened = open_receipt(text, keyring) if isinstance(text, str) else CodeFault.UNREADABLE
    match opened:
        case CodeFault():
            verified.wanting.append(f"line {number}: {opened.value}")
        case DoubtfulReceipt():
            verified.wanting.append(f"line {number}: signed by a key revoked since; ask the record")
        case Receipt():
            if told := _contradiction(entry, opened, verified.siret):
                verified.wanting.append(f"line {number}: the receipt does not say the same {told}")
                return
            key = (opened.pass_id.booklet, opened.pass_id.number, str(opened.attempt_id))
            if key in verified.seen:
                verified.wanting.append(f"line {number}: the same acceptance as a line before")
                return
            verified.seen.add(key)
            if not entry.get("undone_at"):
                if opened.pass_id in verified.live:
                    verified.wanting.append(f"line {number}: a second live acceptance of the same pass")
                verified.live.add(opened.pass_id)
            verified.good += 1
            if entry.get("undone_at"):
                verified.undone += 1
            else:
                verified.total_cents += opened.amount_cents


def _contradiction(entry: dict[str, object], receipt: Receipt, siret: object) -> str | None:
    """What stands beside a receipt in clear must be what it signs."""
    accepted_at = datetime.fromtimestamp(receipt.accepted_at, UTC)
    signed = {
        "operator": receipt.operator_siret,
        "booklet": receipt.pass_id.booklet,
        "number": receipt.pass_id.number,
        "amount_cents": receipt.amount_cents,
        "accepted_at": accepted_at.isoformat().replace("+00:00", "Z"),
    }
    told = ({"operator": siret} if siret is not None else {}) | entry
    return next((name for name, value in signed.items() if name in told and told[name] != value), None)


def _tell(verified: Verified, keyring: Keyring | None, as_json: bool) -> None:
    kids = [key.kid.hex() for key in keyring.keys] if keyring else []
    if as_json:
        print_json(
            {
                "good": verified.good,
                "undone": verified.undone,
                "total_cents": verified.total_cents,
                "wanting": verified.wanting,
                "keys": kids,
            }
        )
        return
    for one in verified.wanting:
        click.echo(one)
    click.echo(
        f"{verified.good} receipts good, {verified.undone} undone since; {len(verified.wanting)} wanting"
    )
    if verified.undone:
        click.echo("What was undone is as the export says: a receipt can't tell, ask the record.")
    click.echo(f"live total {verified.total_cents / 100:.2f} €, keys trusted: {', '.join(kids)}")
