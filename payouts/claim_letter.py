"""The letter that claims a correction back from an operator: PDF/A-3b in plain French, one page.

As a program it reads a claim from stdin and writes its PDF to stdout: drawing.py runs it so.
"""

import sys
from collections.abc import Iterable

import msgspec

from ledger.correction_claims import DAYS_TO_PAY, ClaimLetter
from payouts.paper import GREY, LEFT, TOP, WIDTH, Paper
from payouts.remittance_pdf import CAUSES
from programmes.print.french import NBSP, PARIS, exact_euros, long_day, siret, thousands

TRUSTEE = "Le mandataire"
FACT_WIDTH = 44.0
IBAN_GROUP = 4


def draw_claim(letter: ClaimLetter) -> bytes:
    title = f"Somme réclamée — référence {letter.reference}"
    paper = Paper(title=title, foot=f"{title} — {letter.operator}", at=letter.claimed_at)
    paper.add_page()
    _addresses(paper, letter)
    _asked(paper, letter)
    _how_to_pay(paper, letter)
    _rights(paper, letter)
    return bytes(paper.output())


def letter_name(letter: ClaimLetter) -> str:
    return f"reclamation-{letter.siret}-{letter.reference}.pdf"


def _addresses(paper: Paper, letter: ClaimLetter) -> None:
    paper.ink(10)
    paper.text(LEFT, TOP + 4, letter.holder or TRUSTEE)
    paper.ink(9, grey=GREY)
    paper.text(LEFT, TOP + 9, "mandataire, pour le compte du commanditaire")
    paper.ink(10)
    paper.write_at(LEFT + 96, TOP + 24, letter.operator, width=WIDTH - 96)
    paper.ink(9, grey=GREY)
    paper.text(LEFT + 96, TOP + 29, f"SIRET{NBSP}{siret(letter.siret)}")
    paper.ink(9)
    paper.text(LEFT + 96, TOP + 38, f"Le {long_day(letter.claimed_at.astimezone(PARIS).date())}")
    paper.set_y(TOP + 50)
    paper.ink(14, bold=True)
    paper.paragraph(f"Somme à rendre : {exact_euros(letter.amount_cents)}", leading=7)


def _asked(paper: Paper, letter: ClaimLetter) -> None:
    paper.set_y(paper.get_y() + 3)
    paper.ink(10)
    paper.paragraph("Madame, Monsieur,", leading=5.2)
    paper.set_y(paper.get_y() + 2)
    paper.paragraph(
        f"Une correction a été décidée le {long_day(letter.decided_at.astimezone(PARIS).date())} sur le"
        f" contre-paiement de vos pass numériques. Elle vous retire {exact_euros(letter.amount_cents)}."
        " Aucun de vos bordereaux ne pouvait la prendre en compte : nous vous demandons de la rendre.",
        leading=5.2,
    )
    _facts(paper, _what(letter))


def _what(letter: ClaimLetter) -> Iterable[tuple[str, str]]:
    yield "Cause", CAUSES[letter.cause]
    yield "Motif", letter.reason
    if letter.remittance is not None:
        yield (
            "Pass concerné",
            f"ligne {thousands(letter.line or 0)} du bordereau n°{NBSP}{thousands(letter.remittance)}",
        )
    yield "Programme", f"{letter.programme} ({letter.funder})"
    yield "Référence", letter.reference


def _how_to_pay(paper: Paper, letter: ClaimLetter) -> None:
    _title(paper, "Comment rendre cette somme")
    paper.ink(10)
    paper.paragraph(
        f"Faites un virement de {exact_euros(letter.amount_cents)} au plus tard le"
        f" {long_day(letter.pay_by)}, soit {DAYS_TO_PAY} jours après cette lettre, en écrivant la référence"
        f" {letter.reference} dans son libellé.",
        leading=5.2,
    )
    if letter.iban is None:
        paper.paragraph("Le mandataire vous indiquera le compte à créditer.", leading=5.2)
        return
    groups = [letter.iban[place : place + IBAN_GROUP] for place in range(0, len(letter.iban), IBAN_GROUP)]
    account = [("Titulaire", letter.holder or ""), ("IBAN", NBSP.join(groups))]
    _facts(paper, [*account, ("BIC", letter.bic)] if letter.bic else account)


def _rights(paper: Paper, letter: ClaimLetter) -> None:
    _title(paper, "Si vous n’êtes pas d’accord")
    paper.ink(10)
    paper.paragraph(
        f"Écrivez au mandataire avant le {long_day(letter.pay_by)}, avec la référence de cette lettre et vos"
        " raisons. Une correction qui n’avait pas lieu d’être est compensée par une autre, en votre faveur.",
        leading=5.2,
    )
    paper.set_y(paper.get_y() + 2)
    paper.paragraph(
        "Cette demande ne retient rien d’autre : vos bordereaux, clos ou à venir, sont payés comme prévu. La"
        " correction et son motif figurent aussi sur votre console.",
        leading=5.2,
    )
    paper.set_y(paper.get_y() + 8)
    paper.paragraph(letter.holder or TRUSTEE)


def _title(paper: Paper, text: str) -> None:
    y = paper.get_y() + 5
    paper.ink(11, bold=True)
    paper.text(LEFT, y + 4, text)
    paper.set_y(y + 7)


def _facts(paper: Paper, facts: Iterable[tuple[str, str]]) -> None:
    paper.set_y(paper.get_y() + 2)
    for label, fact in facts:
        y = paper.get_y()
        paper.ink(9, grey=GREY)
        paper.text(LEFT, y + 3.6, label)
        paper.ink(10)
        paper.paragraph(fact, x=LEFT + FACT_WIDTH, width=WIDTH - FACT_WIDTH, leading=5.2)
        paper.set_y(max(paper.get_y(), y + 5.2) + 0.6)


if __name__ == "__main__":
    claim = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=ClaimLetter)
    sys.stdout.buffer.write(draw_claim(claim))
