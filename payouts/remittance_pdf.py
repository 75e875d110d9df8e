"""The bordereau of a remittance on paper: PDF/A-3b with its CSV attached. The same facts give the same bytes.

As a program it reads a remittance from stdin and writes its PDF to stdout: drawing.py runs it so.
"""

import sys
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC

import msgspec

from ledger.correction_rows import CorrectionCause
from ledger.remittance_rows import ClosedRemittance, Remittance, RemittanceLine
from payouts.paper import BOTTOM, GREY, LEFT, RIGHT, TOP, WIDTH, Paper
from payouts.remittance_csv import corrections_csv, corrections_file_name, file_name, remittance_csv
from programmes.print.french import NBSP, PARIS, exact_euros, instant, long_day, siret, thousands

ROW = 5.2
SITES_TOLD_MAX = 6
REASON_HEIGHT_MAX = 60.0  # 500 characters of the widest letters

Heading = tuple[str, float, bool]  # what a column says, how wide it is, and whether it ends at the right
LINES: tuple[Heading, ...] = (
    ("N°", 11, True),
    ("Encaissé le", 27, False),
    ("Carnet", 16, True),
    ("Pass", 10, True),
    ("Lieu", 44, False),
    ("Service", 52, False),
    ("Montant", 18, True),
)
PROGRAMMES: tuple[Heading, ...] = (
    ("Programme", 62, False),
    ("Commanditaire", 52, False),
    ("Délai publié", 24, True),
    ("Pass", 16, True),
    ("Montant", 24, True),
)
CORRECTIONS: tuple[Heading, ...] = (
    ("Décidée le", 21, False),
    ("Cause", 24, False),
    ("Motif", 68, False),
    ("Programme", 43, False),
    ("Montant", 22, True),
)
CAUSES = {
    CorrectionCause.OVERPAID: "Trop-perçu",
    CorrectionCause.FRAUD: "Fraude",
    CorrectionCause.ERROR: "Erreur",
    CorrectionCause.GOODWILL: "Geste",
}
assert set(CAUSES) == set(CorrectionCause)
SERVICES: tuple[Heading, ...] = (("Service", 138, False), ("Pass", 16, True), ("Montant", 24, True))


def draw_remittance(closed: ClosedRemittance) -> bytes:
    remittance = closed.remittance
    paper = Paper(
        title=f"Bordereau de remise n° {remittance.number} — {remittance.names.operator}",
        foot=f"Bordereau de remise n°{NBSP}{remittance.number} — {remittance.names.operator}"
        f" — SIRET{NBSP}{siret(remittance.siret)}",
        at=remittance.closed_at,
    )
    _attach(paper, closed, file_name(closed, "csv"), remittance_csv(closed), "Les lignes de ce bordereau")
    if closed.corrections:
        name = corrections_file_name(closed)
        _attach(paper, closed, name, corrections_csv(closed), "Les corrections de bordereaux antérieurs")
    paper.add_page()
    _head(paper, closed)
    _sums(paper, closed)
    _certification(paper, remittance)
    _how_to_verify(paper, closed)
    _lines(paper, closed)
    _corrections(paper, closed)
    return bytes(paper.output())


def _attach(paper: Paper, closed: ClosedRemittance, name: str, content: bytes, what: str) -> None:
    at = closed.remittance.closed_at.astimezone(UTC)
    paper.embed_file(
        bytes=content,
        basename=name,
        mime_type="text/csv",
        desc=what,
        creation_date=at,
        modification_date=at,
        associated_file_relationship="Data",
        compress=True,
        checksum=True,
    )


def _head(paper: Paper, closed: ClosedRemittance) -> None:
    remittance = closed.remittance
    paper.ink(20, bold=True)
    paper.text(LEFT, TOP + 8, f"Bordereau de remise n°{NBSP}{thousands(remittance.number)}")
    paper.ink(10, grey=GREY)
    paper.text(LEFT, TOP + 14, f"Pass numérique — clos le {instant(remittance.closed_at)}")
    paper.rule(TOP + 18, grey=0)
    left = (
        ("Structure", remittance.names.operator),
        ("SIRET", siret(remittance.siret)),
        ("Lieux", _sites(closed)),
        ("Période", _period(closed.lines)),
    )
    right = (
        ("Pass remis", thousands(remittance.line_count)),
        ("Total", exact_euros(remittance.total_cents)),
        *_net(closed),
        ("Paiement attendu", f"au plus tard le {long_day(remittance.expected_payment_on)}"),
        ("Délai publié", _days(remittance.payment_delay_days)),
    )
    bottom = max(_facts(paper, left, LEFT, 23, 78), _facts(paper, right, 122, 32, 40))
    paper.set_y(bottom + 3)


def _net(closed: ClosedRemittance) -> Iterable[tuple[str, str]]:
    """A bordereau without corrections reads as it always did."""
    if closed.corrections:
        yield "Corrections", exact_euros(closed.remittance.corrections_cents)
        yield "Net à payer", exact_euros(closed.remittance.payable_cents)


def _facts(
    paper: Paper, facts: Iterable[tuple[str, str]], x: float, label_width: float, width: float
) -> float:
    y = TOP + 22
    for label, fact in facts:
        paper.ink(8.5, grey=GREY)
        paper.text(x, y + 3.2, label)
        paper.ink(9, bold=label in {"Structure", "Total", "Net à payer"})
        paper.set_y(y)
        paper.paragraph(fact, x=x + label_width, width=width)
        y = paper.get_y() + 0.8
    return y


def _sites(closed: ClosedRemittance) -> str:
    used = {line.site_id for line in closed.lines}
    names = sorted(closed.remittance.names.sites[site_id] for site_id in used)
    if len(names) > SITES_TOLD_MAX:
        return f"{thousands(len(names))} lieux, indiqués ligne à ligne"
    return ", ".join(names)


def _period(lines: tuple[RemittanceLine, ...]) -> str:
    first, last = (end(line.accepted_at for line in lines).astimezone(PARIS).date() for end in (min, max))
    if first == last:
        return f"encaissements du {long_day(first)}"
    return f"encaissements du {long_day(first)} au {long_day(last)}"


def _days(count: int) -> str:
    return f"{thousands(count)}{NBSP}jour{'s' if count > 1 else ''} après la clôture"


def _sums(paper: Paper, closed: ClosedRemittance) -> None:
    remittance, names = closed.remittance, closed.remittance.names
    _title(paper, "Par programme")
    _row_heads(paper, PROGRAMMES)
    for part in remittance.parts:
        _row(
            paper,
            PROGRAMMES,
            (
                names.programmes[part.programme_id],
                names.funders[part.programme_id],
                f"{thousands(part.payment_delay_days)}{NBSP}jours",
                thousands(part.line_count),
                exact_euros(part.total_cents),
            ),
        )
    _title(paper, "Par service rendu")
    _row_heads(paper, SERVICES)
    for code, count, cents in _totals(closed.lines, lambda line: line.service):
        _row(paper, SERVICES, (names.services[str(code)], thousands(count), exact_euros(cents)))
    paper.rule(paper.get_y())
    paper.ink(9.5, bold=True)
    paper.set_y(paper.get_y() + 0.6)
    _row(paper, SERVICES, ("Total", thousands(remittance.line_count), exact_euros(remittance.total_cents)))


def _totals(
    lines: Iterable[RemittanceLine], by: Callable[[RemittanceLine], Hashable]
) -> list[tuple[Hashable, int, int]]:
    amounts: dict[Hashable, list[int]] = {}
    for line in lines:
        amounts.setdefault(by(line), []).append(line.amount_cents)
    return [(key, len(one), sum(one)) for key, one in sorted(amounts.items(), key=lambda item: str(item[0]))]


def _certification(paper: Paper, remittance: Remittance) -> None:
    _title(paper, "Certification")
    paper.ink(9)
    paper.paragraph(remittance.certification)
    paper.set_y(paper.get_y() + 1.2)
    paper.ink(8.5, grey=GREY)
    how = "Certifié à la clôture" if remittance.names.certified_by else "Clos par le calendrier"
    paper.paragraph(
        f"{how}, le {instant(remittance.closed_at)}. Un pass est consommé dès qu’il figure"
        " dans un bordereau clos ; un bordereau clos ne change plus : ce qui serait à corriger l’est dans un"
        " bordereau suivant."
    )


def _lines(paper: Paper, closed: ClosedRemittance) -> None:
    _title(paper, "Pass remis")
    _row_heads(paper, LINES)
    names = closed.remittance.names
    for line in closed.lines:
        if paper.get_y() + ROW > BOTTOM:
            paper.add_page()
            paper.set_y(TOP)
            _row_heads(paper, LINES)
        _row(
            paper,
            LINES,
            (
                thousands(line.line),
                line.accepted_at.astimezone(PARIS).strftime(f"%d/%m/%Y{NBSP}%H:%M"),
                thousands(line.pass_id.booklet),
                str(line.pass_id.number),
                names.sites[line.site_id],
                names.services[line.service],
                exact_euros(line.amount_cents),
            ),
            points=8,
        )
    paper.rule(paper.get_y())


def _corrections(paper: Paper, closed: ClosedRemittance) -> None:
    """What the trustee decided about earlier remittances. The hash stays that of the lines."""
    if not closed.corrections:
        return
    remittance = closed.remittance
    _title(paper, "Corrections de bordereaux antérieurs", height=30)
    _row_heads(paper, CORRECTIONS)
    for one in closed.corrections:
        if paper.get_y() + REASON_HEIGHT_MAX > BOTTOM:
            paper.add_page()
            paper.set_y(TOP)
            _row_heads(paper, CORRECTIONS)
        day = one.decided_at.astimezone(PARIS).strftime("%d/%m/%Y")
        programme = remittance.names.programmes[one.programme_id]
        _correction(paper, (day, CAUSES[one.cause], one.reason, programme, exact_euros(one.amount_cents)))
    paper.rule(paper.get_y())
    paper.ink(9.5, bold=True)
    for label, cents in (
        ("Total des pass remis", remittance.total_cents),
        ("Corrections", remittance.corrections_cents),
        ("Net à payer", remittance.payable_cents),
    ):
        _row(paper, SERVICES, (label, "", exact_euros(cents)))


def _correction(paper: Paper, cells: tuple[str, ...]) -> None:
    """The reason is told whole, on as many lines as it takes: nothing is deducted without it."""
    top = paper.get_y()
    day, cause, reason, programme, amount = cells
    paper.ink(8)
    paper.set_y(top + 0.6)
    left, width = CORRECTIONS[0][1] + CORRECTIONS[1][1], CORRECTIONS[2][1]
    paper.paragraph(reason, x=LEFT + left + 1, width=width - 2, leading=4.0)
    bottom = max(paper.get_y(), top + ROW)
    paper.set_y(top)
    _row(paper, CORRECTIONS, (day, cause, "", programme, amount), points=8)
    paper.set_y(bottom + 0.4)


def _how_to_verify(paper: Paper, closed: ClosedRemittance) -> None:
    name = file_name(closed, "csv")
    _title(paper, "Empreinte et vérification", height=40)
    paper.ink(9)
    paper.paragraph("Empreinte SHA-256 des lignes de ce bordereau :")
    paper.ink(8.6, mono=True)
    paper.paragraph(closed.remittance.lines_sha256.hex(), leading=5.4)
    paper.set_y(paper.get_y() + 1.2)
    paper.ink(8.5)
    paper.paragraph(
        f"Le fichier {name}, joint à ce PDF, contient les mêmes lignes. L’empreinte porte sur ses onze"
        " premières colonnes, séparées par des points-virgules, chaque ligne étant suivie d’un saut de ligne,"
        " sans l’en-tête. Chacun peut la recalculer, sans nous :"
    )
    paper.ink(7.6, mono=True)
    paper.paragraph(f"tail -n +2 {name} | tr -d '\\r' | cut -d';' -f1-11 | sha256sum", leading=5.4)
    paper.set_y(paper.get_y() + 1.2)
    paper.ink(8.5)
    paper.paragraph(
        "ou avec la commande « poincon remittances verify ». Chaque encaissement a aussi son reçu signé, que"
        " la structure détient."
    )


def _title(paper: Paper, text: str, *, height: float = 22) -> None:
    """height: what must still fit on the page below the title."""
    y = paper.get_y() + 4
    if y + height > BOTTOM:
        paper.add_page()
        y = TOP
    paper.ink(11, bold=True)
    paper.text(LEFT, y + 4, text)
    paper.set_y(y + 6.4)


def _row_heads(paper: Paper, columns: tuple[Heading, ...]) -> None:
    paper.band(paper.get_y(), ROW)
    paper.ink(8, bold=True)
    _cells(paper, columns, [text for text, *_ in columns])
    paper.set_y(paper.get_y() + ROW + 0.4)
    paper.ink(9)


def _row(paper: Paper, columns: tuple[Heading, ...], cells: Iterable[str], *, points: float = 0) -> None:
    if points and paper.font_size_pt != points:
        paper.ink(points)
    _cells(paper, columns, cells)
    paper.set_y(paper.get_y() + ROW)


def _cells(paper: Paper, columns: tuple[Heading, ...], cells: Iterable[str]) -> None:
    x, y = LEFT, paper.get_y()
    for (_, width, is_right), cell in zip(columns, cells, strict=True):
        paper.write_at(x + 1, y + ROW * 0.7, cell, width=width - 2, right=is_right)
        x += width
    assert x <= RIGHT + 0.1
    assert WIDTH == RIGHT - LEFT


if __name__ == "__main__":
    sys.stdout.buffer.write(
        draw_remittance(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=ClosedRemittance))
    )
