"""The note that goes with a delivery of booklets: what is in it, and who signs for it. PDF/A-3b.

As a program it reads a delivery from stdin and writes its PDF to stdout: drawing.py runs it so.
"""

import sys
from dataclasses import dataclass

import msgspec

from ledger.order_rows import BookletRange, Delivery
from payouts.paper import BOTTOM, GREY, LEFT, RIGHT, TOP, WIDTH, Paper
from programmes.print.french import NBSP, PARIS, exact_euros, long_day, thousands

ROW = 5.6
BOOKLET_DIGITS = 6
SIGNATURES = 46.0  # millimetres that the signatures take


@dataclass(frozen=True, slots=True)
class DeliveryNote:
    delivery: Delivery
    ranges: tuple[BookletRange, ...]


def draw_note(note: DeliveryNote) -> bytes:
    delivery = note.delivery
    title = f"Bon de livraison n° {delivery.id}"
    foot = f"{title} — {delivery.territory} — {delivery.programme}"
    paper = Paper(title=title, foot=foot, at=delivery.dispatched_at)
    paper.add_page()
    _head(paper, delivery, title)
    _ranges(paper, note)
    _signatures(paper)
    return bytes(paper.output())


def note_name(note: DeliveryNote) -> str:
    return f"bon-de-livraison-{note.delivery.id}.pdf"


def _head(paper: Paper, delivery: Delivery, title: str) -> None:
    paper.set_y(TOP)
    paper.ink(16, bold=True)
    paper.paragraph(title, leading=8)
    paper.set_y(paper.get_y() + 3)
    facts = [
        ("Programme", f"{delivery.programme} ({delivery.funder})"),
        ("Destinataire", delivery.territory),
        ("Expédié le", long_day(delivery.dispatched_at.astimezone(PARIS).date())),
    ]
    if delivery.deliver_by is not None:
        facts.append(("À livrer au plus tard", f"le {long_day(delivery.deliver_by)}"))
    facts += [
        ("Carnets", thousands(delivery.booklet_count)),
        ("Pass", f"{thousands(delivery.passes)}, valeur faciale {exact_euros(delivery.face_value_cents)}"),
    ]
    for label, fact in facts:
        y = paper.get_y()
        paper.ink(9, grey=GREY)
        paper.text(LEFT, y + 3.8, paper.drawable(label))
        paper.ink(10)
        paper.paragraph(fact, x=LEFT + 40, width=WIDTH - 40, leading=5.4)
    paper.set_y(paper.get_y() + 3)
    paper.paragraph(
        "Gardez ces carnets en lieu sûr : ils valent de l’argent. Leurs pass ne sont acceptés qu’une fois"
        " activés, quand le financement est reçu. Prévenez aussitôt le mandataire d’une perte ou d’un vol.",
        leading=5.2,
    )


def _ranges(paper: Paper, note: DeliveryNote) -> None:
    paper.set_y(paper.get_y() + 4)
    paper.ink(11, bold=True)
    paper.paragraph("Carnets livrés", leading=6)
    for place, one in enumerate(note.ranges):
        if paper.get_y() + ROW > BOTTOM:
            paper.add_page()
            paper.set_y(TOP)
        y = paper.get_y()
        if place % 2 == 0:
            paper.band(y, ROW)
        paper.ink(9.5)
        paper.write_at(LEFT + 2, y + 4, _numbers(one), width=110)
        paper.write_at(
            LEFT + 112, y + 4, f"{thousands(one.count)}{NBSP}carnets", width=WIDTH - 114, right=True
        )
        paper.set_y(y + ROW)


def _numbers(one: BookletRange) -> str:
    first, last = (thousands(number, digits_min=BOOKLET_DIGITS) for number in (one.first, one.last))
    return f"n°{NBSP}{first}" if one.first == one.last else f"n°{NBSP}{first} à {last}"


def _signatures(paper: Paper) -> None:
    if paper.get_y() + SIGNATURES > BOTTOM:
        paper.add_page()
        paper.set_y(TOP)
    y = paper.get_y() + 10
    for x, text in ((LEFT, "Remis par (nom, date, signature)"), (LEFT + 94, "Reçu et compté par")):
        paper.ink(9, grey=GREY)
        paper.text(x, y, text)
        paper.line(x, y + 26, min(x + 80, RIGHT), y + 26)


if __name__ == "__main__":
    told = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=DeliveryNote)
    sys.stdout.buffer.write(draw_note(told))
