"""The CSV of a remittance: written for spreadsheets, and read again to recompute its hash.

UTF-8 with a byte order mark, semicolons, CRLF. The first eleven columns are those that are hashed
(HASHED_FIELDS), in integers, UTC and codes; the others say the same to people. To recompute the hash:
`poincon remittances verify FILE`, or: tail -n +2 FILE | tr -d '\\r' | cut -d';' -f1-11 | sha256sum
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import StringIO

from ledger.remittance_rows import (
    HASHED_FIELDS,
    LINES_MAX,
    ClosedRemittance,
    RemittanceLine,
    RemittanceNames,
    hash_of_fields,
    hashed_fields,
)
from programmes.print.french import PARIS
from programmes.print.printer_csv import defused

COLUMNS = (
    *HASHED_FIELDS,
    "encaisse_le_heure_de_paris",
    "montant_euros",
    "nom_du_programme",
    "commanditaire",
    "nom_du_lieu",
    "libelle_du_service",
)
CORRECTION_COLUMNS = (
    "siret",
    "bordereau",
    "correction",
    "decidee_le",
    "cause",
    "motif",
    "tentative",
    "programme",
    "nom_du_programme",
    "montant_centimes",
    "montant_euros",
)
WHOLE = re.compile(r"[0-9]{1,18}")
PLAIN = re.compile(r"[0-9A-Za-z_:-]*")  # no separator in a field: two texts never hash as one


class NotARemittance(Exception):
    """The file is not the CSV of one whole remittance; the text says why."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    siret: str
    number: int
    line_count: int
    total_cents: int
    lines_sha256: bytes


def file_name(closed: ClosedRemittance, suffix: str) -> str:
    return f"bordereau-{closed.remittance.siret}-{closed.remittance.number}.{suffix}"


def corrections_file_name(closed: ClosedRemittance) -> str:
    return f"corrections-{closed.remittance.siret}-{closed.remittance.number}.csv"


def corrections_csv(closed: ClosedRemittance) -> bytes:
    """A file of their own: the hash printed on the bordereau is that of its lines alone."""
    text = StringIO()
    rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
    rows.writerow(CORRECTION_COLUMNS)
    remittance = closed.remittance
    for one in closed.corrections:
        rows.writerow(
            (
                remittance.siret,
                remittance.number,
                one.id,
                one.decided_at.astimezone(PARIS).strftime("%d/%m/%Y %H:%M:%S"),
                one.cause.value,
                _cell(one.reason),
                one.attempt_id or "",
                one.programme_id,
                _cell(remittance.names.programmes[one.programme_id]),
                one.amount_cents,
                _euros(one.amount_cents),
            )
        )
    return text.getvalue().encode("utf-8-sig")


def remittance_csv(closed: ClosedRemittance) -> bytes:
    text = StringIO()
    rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
    rows.writerow(COLUMNS)
    remittance = closed.remittance
    names = _safe_names(remittance.names)
    for line in closed.lines:
        hashed = hashed_fields(remittance.siret, remittance.number, line)
        rows.writerow((*hashed, *_said_to_people(line, names)))
    return text.getvalue().encode("utf-8-sig")


def _said_to_people(line: RemittanceLine, names: RemittanceNames) -> Iterator[str]:
    yield line.accepted_at.astimezone(PARIS).strftime("%d/%m/%Y %H:%M:%S")
    yield _euros(line.amount_cents)
    yield names.programmes[line.programme_id]
    yield names.funders[line.programme_id]
    yield names.sites[line.site_id]
    yield names.services[line.service]


def _safe_names(names: RemittanceNames) -> RemittanceNames:
    return replace(
        names,
        sites={key: _cell(name) for key, name in names.sites.items()},
        services={key: _cell(name) for key, name in names.services.items()},
        programmes={key: _cell(name) for key, name in names.programmes.items()},
        funders={key: _cell(name) for key, name in names.funders.items()},
    )


def _cell(text: str) -> str:
    """What people wrote. A row is one line of the file, or tools that go by lines would hash otherwise."""
    return defused(" ".join("".join(c if c.isprintable() else " " for c in text).split()))


def _euros(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100},{abs(cents) % 100:02d}"


def read_remittance_csv(text: str) -> ReadBack:
    """Recompute count, total and hash; raise NotARemittance for what is not one whole remittance."""
    try:
        rows = [row for row in csv.reader(StringIO(text.removeprefix("\ufeff")), delimiter=";") if row]
    except csv.Error as error:
        raise NotARemittance(f"not a CSV: {error}") from None
    if not rows or tuple(rows[0][: len(HASHED_FIELDS)]) != HASHED_FIELDS:
        raise NotARemittance(f"the first row must begin with the columns {', '.join(HASHED_FIELDS)}")
    lines = [tuple(row[: len(HASHED_FIELDS)]) for row in rows[1:]]
    if not 1 <= len(lines) <= LINES_MAX:
        raise NotARemittance(f"{len(lines)} lines; a remittance has 1 to {LINES_MAX}")
    for place, line in enumerate(lines, start=1):
        _refuse_line(place, line, lines[0])
    return ReadBack(
        siret=lines[0][0],
        number=int(lines[0][1]),
        line_count=len(lines),
        total_cents=sum(int(line[7]) for line in lines),
        lines_sha256=hash_of_fields(lines),
    )


def _refuse_line(place: int, line: tuple[str, ...], first: tuple[str, ...]) -> None:
    if len(line) != len(HASHED_FIELDS):
        raise NotARemittance(f"line {place} has {len(line)} columns of {len(HASHED_FIELDS)}")
    if any(not WHOLE.fullmatch(line[column]) for column in (0, 1, 2, 7)):
        raise NotARemittance(f"line {place}: SIRET, number, line and amount are digits only")
    if not all(PLAIN.fullmatch(field) for field in line):
        raise NotARemittance(f"line {place} holds a character that no hashed column has")
    if line[:2] != first[:2]:
        raise NotARemittance(f"line {place} is of another remittance than line 1")
    if line[2] != str(place):
        raise NotARemittance(f"line {place} says that it is line {line[2]}: one is missing, or added")
