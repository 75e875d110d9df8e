"""A monthly return on its two papers, from facts that are kept: a CSV to compute with, a PDF/A-3b around it.

Pure: the same facts give the same bytes. They are kept beside the facts all the same, so that no later
version of this file changes what was told.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

from payouts.paper import GREY, LEFT, TOP, Paper
from payouts.paper_tables import Heading, draw_row, draw_table, draw_title
from programmes.print.french import MONTHS, exact_euros, instant, thousands
from programmes.print.printer_csv import defused
from programmes.returns import SUMS, public_words
from programmes.suppression import PEOPLE_MIN

COLUMNS = ("section", "territoire", "rubrique", "lieu", "pass", "centimes")
WITHHELD = "s"  # secret statistique, as the national office of statistics writes it
TABLES: Mapping[str, str] = {"operator": "structure", "service": "service", "public": "public"}
PAPER_TABLES: Mapping[str, str] = {
    "operator": "Pass consommés par structure et lieu",
    "service": "Pass consommés par service rendu",
    "public": "Pass consommés par public",
}
SUM_COLUMNS: tuple[Heading, ...] = (("Sommes du mois", 128, False), ("", 50, True))
CELLS: tuple[Heading, ...] = (("", 128, False), ("Pass", 50, True))
CSV_NAME = "etat-mensuel.csv"


def month_words(month: date) -> str:
    return f"{MONTHS[month.month - 1]} {month.year}"


def file_name(programme: str, month: date, suffix: str) -> str:
    plain = "".join(one if one.isalnum() and one.isascii() else "-" for one in programme.lower()).strip("-")
    return f"etat-mensuel-{plain[:40]}-{month:%Y-%m}.{suffix}"


def return_csv(facts: Mapping[str, Any]) -> bytes:
    """One line per sum, per territory and per cell. A cell that is withheld says `s`."""
    lines: list[Sequence[str]] = [COLUMNS]
    for name in SUMS:
        value = str(facts["sums"][name])
        passes, cents = (value, "") if name.endswith("_passes") else ("", value)
        lines.append(("sommes", "", name.removesuffix("_cents").removesuffix("_passes"), "", passes, cents))
    for place in facts["territories"]:
        territory = defused(place["name"])
        lines.append(("territoire", territory, "", "", str(place["passes"]), ""))
        for dimension, section in TABLES.items():
            for name, part, count in _cells(place["tables"][dimension]["cells"]):
                lines.append((section, territory, defused(name), defused(part), _count(count), ""))
    text = StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(lines)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def draw_return(facts: Mapping[str, Any], content: bytes, *, at: datetime) -> bytes:
    """content: the CSV, which the paper holds. at: when it is frozen."""
    month = date.fromisoformat(f"{facts['month']}-01")
    heading = f"État mensuel de {month_words(month)}"
    paper = Paper(title=f"{heading} — {facts['programme']}", foot=f"{heading} — {facts['programme']}", at=at)
    paper.add_page()
    paper.ink(20, bold=True)
    paper.text(LEFT, TOP + 8, "État mensuel")
    paper.ink(10, grey=GREY)
    paper.text(LEFT, TOP + 14, paper.drawable(f"{month_words(month)} — arrêté le {instant(at)}"))
    paper.rule(TOP + 18, grey=0)
    paper.set_y(TOP + 21)
    paper.ink(9)
    paper.paragraph(f"Programme : {facts['programme']} — commanditaire : {facts['funder']}")
    paper.paragraph(
        "Un pass est consommé quand il a été scanné et mis en contre-paiement, dans un bordereau clos. Cet"
        " état ne change plus : ce qui est inscrit après coup pour ce mois figure dans l’état suivant. Les"
        " mois sont ceux de Paris."
    )
    _sums(paper, facts)
    for place in facts["territories"]:
        _territory(paper, place)
    paper.embed_file(
        bytes=content,
        basename=CSV_NAME,
        mime_type="text/csv",
        desc="Les chiffres de cet état",
        creation_date=at.astimezone(UTC),
        modification_date=at.astimezone(UTC),
        associated_file_relationship="Data",
        compress=True,
        checksum=True,
    )
    return bytes(paper.output())


def _sums(paper: Paper, facts: Mapping[str, Any]) -> None:
    lines = []
    for name, words in SUMS.items():
        value = facts["sums"][name]
        lines.append((words, thousands(value) if name.endswith("_passes") else exact_euros(value)))
    draw_table(paper, "Ce que le mois a fait, d’après les livres", SUM_COLUMNS, lines, points=9)


def _territory(paper: Paper, place: Mapping[str, Any]) -> None:
    draw_title(paper, f"Territoire : {place['name']}")
    draw_row(paper, CELLS, ("Pass consommés", thousands(place["passes"])))
    is_withheld = False
    for dimension, words in PAPER_TABLES.items():
        cells = list(_cells(place["tables"][dimension]["cells"]))
        is_withheld = is_withheld or any(count is None for *_, count in cells)
        lines = [
            (_row_name(dimension, name, part), "secret" if count is None else thousands(count))
            for name, part, count in cells
        ]
        draw_table(paper, words, CELLS, lines)
    if is_withheld:
        paper.ink(8, grey=GREY)
        paper.paragraph(
            f"« secret » : moins de {PEOPLE_MIN} carnets sont derrière ce nombre, ou il permettrait d’en"
            " retrouver un autre. Les totaux sont exacts."
        )


def _row_name(dimension: str, name: str, part: str) -> str:
    if part:
        return f"    {part}"
    return public_words(name) if dimension == "public" else name


def _cells(cells: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str, int | None]]:
    """Each category, then its parts."""
    for cell in cells:
        yield cell["name"], "", cell["count"]
        for part in cell.get("parts", ()):
            yield cell["name"], part["name"], part["count"]


def _count(count: int | None) -> str:
    return WITHHELD if count is None else str(count)
