"""The cover of accounts rendered, in plain French, to be read before the tables. Pure: PDF/A comes out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.book_rows import AccountKind, EntryKind
from ledger.rendering_rows import Movement, Parties, Period, Unpaid
from payouts.archive import FileHash
from payouts.books_export import ACCOUNTS, JOURNALS
from payouts.paper import GREY, LEFT, TOP, Paper
from payouts.paper_tables import Heading, draw_row, draw_table, draw_title
from payouts.rendering_tables import AccountSums, funders_of
from programmes.print.french import exact_euros, long_day, thousands

FILES_TOLD_MAX = 40

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
    draw_title(paper, "Situation de trésorerie")
    whose = "sur le compte bancaire dédié" if cover.funder is None else "conservé pour ce commanditaire"
    moved = cover.facts["closing_cents"] - cover.facts["opening_cents"]
    for text, cents in (
        (f"Au {long_day(cover.period.first)}, à l’ouverture, {whose}", cover.facts["opening_cents"]),
        ("Variation pendant la période (le détail, ligne à ligne, est dans tresorerie.csv)", moved),
        (f"Au {long_day(cover.period.last)}, à la clôture", cover.facts["closing_cents"]),
    ):
        draw_row(paper, (("", 140, False), ("", 38, True)), (text, exact_euros(cents)))


def _operations(paper: Paper, told: Iterable[Movement]) -> None:
    """By kind, each side apart: nothing is netted."""
    sides: dict[EntryKind, list[int]] = {}
    for _, kind, _, debit, credit in told:
        both = sides.setdefault(kind, [0, 0])
        both[0] += debit
        both[1] += credit
    draw_table(
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
    draw_table(paper, "Balance des comptes", BALANCE, lines)


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
    draw_table(paper, f"Restes à payer au {long_day(cover.period.last)} : {total}", UNPAID, lines)


def _files(paper: Paper, cover: Cover) -> None:
    lines = [(file.name, file.sha256) for file in cover.files if "/" not in file.name]
    draw_table(paper, "Pièces de cette archive", FILES, lines[:FILES_TOLD_MAX], points=6.4)
    inside = len(cover.files) - len(lines)
    paper.ink(9)
    paper.set_y(paper.get_y() + 1.2)
    paper.paragraph(
        f"S’y ajoutent {thousands(inside)} pièces justificatives, dans les dossiers « bordereaux » et"
        " « banque ». Le fichier manifest.json donne la taille et l’empreinte de chacune, et l’empreinte de"
        " l’ensemble. Chacun peut tout recalculer, sans nos serveurs, par « poincon accounts verify »."
    )
