"""The declaration on paper, in plain French, and what stands in its archive. Pure: PDF/A comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from payouts.archive import FileHash
from payouts.paper import GREY, LEFT, TOP, Paper
from payouts.paper_tables import Heading, draw_table
from programmes.cofunding import ADVANCE_PERCENT, ENGINEERING_PERCENT_MAX, STATE_PERCENT, Plan
from programmes.print.french import exact_euros, thousands

SUMS: tuple[Heading, ...] = (("", 128, False), ("", 50, True))
FILES: tuple[Heading, ...] = (("Fichier", 70, False), ("Empreinte SHA-256", 108, False))
COLUMNS_TOLD = """\
Déclaration annuelle des pass utilisés
======================================
Un pass est utilisé (consommé) quand il a été scanné et mis en contre-paiement, dans un bordereau clos.
L'année est celle de Paris ; elle est faite des douze états mensuels tels qu'ils ont été arrêtés.

declaration.csv     les totaux : pass, valeur faciale, part de l'État
pass-utilises.csv   un pass par ligne : carnet, pass, structure, bordereau, ligne, jour de clôture, centimes
bordereaux.csv      les bordereaux, ce que ce programme doit de chacun, et leurs pièces
mois.csv            les états mensuels et leurs empreintes
financement.csv     le plan de financement, s'il a été donné
declaration.pdf     la déclaration à signer
etats-mensuels/, bordereaux/   les pièces justificatives
manifest.json       la taille et l'empreinte de chaque fichier, et l'empreinte de l'ensemble

Les CSV sont en UTF-8, séparés par des points-virgules ; les montants sont en centimes d'euro entiers. Les
totaux se recalculent de pass-utilises.csv seul : docs/declaration.md en donne le programme, de dix lignes.
"""


@dataclass(frozen=True, slots=True)
class DeclarationFacts:
    year: int
    programme: str
    funder: str
    passes: int
    face_cents: int
    state_cents: int
    corrected_cents: int
    paid_cents: int
    plan: Plan | None
    claimed_cents: int | None  # of the State for this year, once its advance is used up

    def told(self) -> dict[str, Any]:
        return {
            "year": self.year,
            "programme": self.programme,
            "funder": self.funder,
            "passes": self.passes,
            "face_cents": self.face_cents,
            "state_cents": self.state_cents,
        }

    def funding(self) -> list[tuple[str, int]]:
        plan = self.plan
        assert plan is not None
        assert self.claimed_cents is not None
        return [
            ("Apport propre", plan.own_cents),
            ("Fonds européens mobilisés", plan.european_cents),
            ("Part de l’État : autant que l’apport propre et les fonds européens", plan.state_cents),
            ("Budget du projet", plan.budget_cents),
            (f"Dont ingénierie ({ENGINEERING_PERCENT_MAX} % du budget au plus)", plan.engineering_cents),
            ("Dont achat de pass", plan.passes_cents),
            (f"Avance de l’État ({ADVANCE_PERCENT} % de sa part)", plan.advance_cents),
            ("Demandé pour cette année, avance déduite", self.claimed_cents),
        ]


def draw_declaration(facts: DeclarationFacts, files: Sequence[FileHash], *, at: datetime) -> bytes:
    heading = f"Déclaration des pass utilisés en {facts.year}"
    paper = Paper(title=heading, foot=f"{heading} — {facts.programme}", at=at)
    paper.add_page()
    paper.ink(18, bold=True)
    paper.text(LEFT, TOP + 8, heading)
    paper.ink(10, grey=GREY)
    paper.text(LEFT, TOP + 14, paper.drawable(f"Pass numérique — {facts.programme}"))
    paper.rule(TOP + 18, grey=0)
    paper.set_y(TOP + 21)
    paper.ink(9)
    paper.paragraph(f"Collectivité ou commanditaire : {facts.funder}")
    paper.paragraph(
        "L’État finance la moitié de la valeur faciale des pass utilisés dans l’année. Un pass est utilisé"
        f" quand il a été scanné et mis en contre-paiement. À déclarer avant le 31 mars {facts.year + 1}."
    )
    lines = [
        ("Pass utilisés", thousands(facts.passes)),
        ("Valeur faciale", exact_euros(facts.face_cents)),
        (f"Part de l’État ({STATE_PERCENT} %)", exact_euros(facts.state_cents)),
        ("Pour information, corrections de l’année", exact_euros(facts.corrected_cents)),
        ("Pour information, payé aux structures dans l’année", exact_euros(facts.paid_cents)),
    ]
    draw_table(paper, "Ce qui est déclaré", SUMS, lines, points=9)
    if facts.plan is not None:
        funding = [(words, exact_euros(cents)) for words, cents in facts.funding()]
        draw_table(paper, "Plan de financement", SUMS, funding, points=9)
    tables = [(file.name, file.sha256) for file in files if "/" not in file.name]
    draw_table(paper, "Pièces de cette archive", FILES, tables, points=6.4)
    paper.ink(9)
    paper.set_y(paper.get_y() + 3)
    paper.paragraph(
        f"S’y ajoutent {thousands(len(files) - len(tables))} pièces justificatives : les états mensuels et"
        " les bordereaux, chacun avec son empreinte dans manifest.json."
    )
    paper.set_y(paper.get_y() + 8)
    paper.paragraph("Fait à                              , le                              Signature :")
    return bytes(paper.output())
