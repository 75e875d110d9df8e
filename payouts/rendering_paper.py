"""The cover of accounts rendered, in plain French, to be read before the tables. Pure: PDF/A comes out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger.book_rows import AccountKind, EntryKind
from ledger.rendering_rows import Movement, Parties, Period, Unpaid
from payouts.archive import FileHash
from payouts.books_export import ACCOUNTS, JOURNALS
from payouts.paper import BOTTOM, GREY, LEFT, TOP, WIDTH, Paper
from payouts.rendering_tables import AccountSums, funders_of
from programmes.print.french import exact_euros, long_day, thousands

ROW = 5.2
FILES_TOLD_MAX = 40
ROWS_TOLD_MAX = 400

Heading = tuple[str, float, bool]  # what a column says, how wide it is, and whether it ends at the right
BALANCE: tuple[Heading, ...] = (
    ("Compte", 62, False),
    ("Ouverture", 29, True),
    ("Débits", 29, True),
    ("Crédits", 29, True),
    ("Clôture", 29, True),
)
OPERATIONS: tuple[Heading, ...] = (("Opérations", 118, False), ("Débits", 30, True), ("Crédits", 30, True))
UNPAID: tuple[Heading, ...] = (
    ("Structure", 90, False),
    ("Bordereaux", 24, True),
    ("Dont en litige", 32, True),
    ("Reste à payer", 32, True),
)
FILES: tuple[Heading, ...] = (("Fichier", 70, False), ("Empreinte SHA-256", 108, False))


@dataclass(frozen=True, slots=True)
class Cover:
    period: Period
    funder: str | None
    parties: Parties
    scope: tuple[int, ...]  # programmes
    told: tuple[Movement, ...]
    unpaid: tuple[Unpaid, ...]
    facts: Mapping[str, int]
    files: tuple[FileHash, ...]


def draw_cover(cover: Cover) -> bytes:
    period = f"du {long_day(cover.period.first)} au {long_day(cover.period.last)}"
    title = f"Reddition des comptes {period}"
    paper = Paper(
        title=title, foot=f"{title} — {cover.funder or 'tous commanditaires'}", at=cover.period.until
    )
    paper.add_page()
    _head(paper, cover, period)
    sums = AccountSums(cover.told)
    _cash(paper, cover)
    _operations(paper, cover.told)
    _balance(paper, sums)
    _unpaid(paper, cover)
    _files(paper, cover)
    return bytes(paper.output())


def _head(paper: Paper, cover: Cover, period: str) -> None:
    paper.ink(20, bold=True)
    paper.text(LEFT, TOP + 8, "Reddition des comptes")
    paper.ink(10, grey=GREY)
    paper.text(LEFT, TOP + 14, f"Pass numérique — {period}")
    paper.rule(TOP + 18, grey=0)
    paper.set_y(TOP + 21)
    paper.ink(9)
    if cover.parties.trustee:
        paper.paragraph(f"Mandataire : {cover.parties.trustee}")
    for funder, programmes in funders_of(cover.parties, cover.scope).items():
        paper.paragraph(f"Commanditaire : {funder} — {', '.join(programmes)}")
    paper.set_y(paper.get_y() + 1.2)
    paper.paragraph(
        "Ces comptes sont rendus comme le demande l’article D.1611-25 du code général des collectivités"
        " territoriales : toutes les opérations, sans compensation entre elles, la balance des comptes, les"
        " relevés de compte des structures, la situation de trésorerie, l’état des restes à payer et les"
        " pièces justificatives. Les jours sont ceux de Paris, bornes comprises."
    )


def _cash(paper: Paper, cover: Cover) -> None:
    _title(paper, "Situation de trésorerie")
    whose = "sur le compte bancaire dédié" if cover.funder is None else "conservé pour ce commanditaire"
    moved = cover.facts["closing_cents"] - cover.facts["opening_cents"]
    for text, cents in (
        (f"Au {long_day(cover.period.first)}, à l’ouverture, {whose}", cover.facts["opening_cents"]),
        ("Variation pendant la période (le détail, ligne à ligne, est dans tresorerie.csv)", moved),
        (f"Au {long_day(cover.period.last)}, à la clôture", cover.facts["closing_cents"]),
    ):
        _row(paper, (("", 140, False), ("", 38, True)), (text, exact_euros(cents)))


def _operations(paper: Paper, told: Iterable[Movement]) -> None:
    """By kind, each side apart: nothing is netted."""
    sides: dict[EntryKind, list[int]] = {}
    for _, kind, _, debit, credit in told:
        both = sides.setdefault(kind, [0, 0])
        both[0] += debit
        both[1] += credit
    _table(
        paper,
        "Opérations de la période, sans compensation",
        OPERATIONS,
        [
            (JOURNALS[kind].entry, exact_euros(sides[kind][0]), exact_euros(sides[kind][1]))
            for kind in EntryKind
            if any(sides.get(kind, ()))
        ],
    )


def _balance(paper: Paper, sums: AccountSums) -> None:
    """One row per kind of account; balance.csv tells each account."""
    lines = []
    for kind in AccountKind:
        accounts = sums.accounts(kind)
        if accounts:
            amounts = (
                sum(sums.opening[one] for one in accounts),
                sum(sums.debit[one] for one in accounts),
                sum(sums.credit[one] for one in accounts),
                sum(sums.closing(one) for one in accounts),
            )
            words = ACCOUNTS[kind]
            lines.append((f"{words.number} {words.label}", *map(exact_euros, amounts)))
    _table(paper, "Balance des comptes", BALANCE, lines)


def _unpaid(paper: Paper, cover: Cover) -> None:
    owed: dict[int, list[int]] = {}
    for one in cover.unpaid:
        sums = owed.setdefault(one.operator_id, [0, 0, 0])
        sums[0] += 1
        sums[1] += one.held_cents
        sums[2] += one.left_cents
    lines = [
        (cover.parties.operators[operator_id][1], thousands(count), exact_euros(held), exact_euros(left))
        for operator_id, (count, held, left) in sorted(owed.items())
    ]
    total = exact_euros(cover.facts["unpaid_cents"])
    _table(paper, f"Restes à payer au {long_day(cover.period.last)} : {total}", UNPAID, lines)


def _files(paper: Paper, cover: Cover) -> None:
    lines = [(file.name, file.sha256) for file in cover.files if "/" not in file.name]
    _table(paper, "Pièces de cette archive", FILES, lines[:FILES_TOLD_MAX], points=6.4)
    inside = len(cover.files) - len(lines)
    paper.ink(9)
    paper.set_y(paper.get_y() + 1.2)
    paper.paragraph(
        f"S’y ajoutent {thousands(inside)} pièces justificatives, dans les dossiers « bordereaux » et"
        " « banque ». Le fichier manifest.json donne la taille et l’empreinte de chacune, et l’empreinte de"
        " l’ensemble. Chacun peut tout recalculer, sans nos serveurs, par « poincon accounts verify »."
    )


def _table(
    paper: Paper, title: str, columns: Sequence[Heading], lines: Sequence[Sequence[str]], *, points: float = 8
) -> None:
    _title(paper, title)
    if not lines:
        paper.ink(9, grey=GREY)
        paper.paragraph("Aucun.")
        return
    _heads(paper, columns)
    for line in lines[:ROWS_TOLD_MAX]:
        if paper.get_y() + ROW > BOTTOM:
            paper.add_page()
            paper.set_y(TOP)
            _heads(paper, columns)
        _row(paper, columns, line, points=points)
    paper.rule(paper.get_y())
    if len(lines) > ROWS_TOLD_MAX:
        paper.paragraph("La suite est dans les tableaux de l’archive.")


def _title(paper: Paper, text: str) -> None:
    y = paper.get_y() + 4
    if y + 26 > BOTTOM:
        paper.add_page()
        y = TOP
    paper.ink(11, bold=True)
    paper.write_at(LEFT, y + 4, text, width=WIDTH)
    paper.set_y(y + 6.4)


def _heads(paper: Paper, columns: Sequence[Heading]) -> None:
    paper.band(paper.get_y(), ROW)
    paper.ink(8, bold=True)
    _cells(paper, columns, [text for text, *_ in columns])
    paper.set_y(paper.get_y() + ROW + 0.4)


def _row(paper: Paper, columns: Sequence[Heading], cells: Sequence[str], *, points: float = 9) -> None:
    paper.ink(points)
    _cells(paper, columns, cells)
    paper.set_y(paper.get_y() + ROW)


def _cells(paper: Paper, columns: Sequence[Heading], cells: Sequence[str]) -> None:
    x, y = LEFT, paper.get_y()
    for (_, width, is_right), cell in zip(columns, cells, strict=True):
        paper.write_at(x + 1, y + ROW * 0.7, cell, width=width - 2, right=is_right)
        x += width
    assert x <= LEFT + WIDTH + 0.1
