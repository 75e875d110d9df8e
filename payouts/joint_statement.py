"""The joint statement on its two papers, from what both sides signed: a CSV to compute with, a PDF/A-3b.
Pure: the same statement and signatures give the same bytes."""

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from io import StringIO

from ledger.joint_statements import JointStatement, Side, Signature, signed_text
from payouts.paper import GREY, LEFT, TOP, Paper
from payouts.paper_tables import Heading, draw_table
from programmes.print.french import exact_euros, instant, long_day, thousands
from programmes.print.printer_csv import defused

COLUMNS = ("section", "rubrique", "valeur")
CSV_NAME = "etat-contradictoire.csv"
COUNTS: Mapping[str, str] = {
    "booklets": "Carnets activés",
    "activated_passes": "Pass activés",
    "consumed_passes": "Consommés : scannés, et dans un bordereau clos",
    "waiting_passes": "Scannés, pas encore dans un bordereau",
    "expired_passes": "Expirés sans avoir servi",
    "cancelled_passes": "De carnets annulés ou bloqués",
}
CSV_NAMES: Mapping[str, str] = {
    "booklets": "carnets_actives",
    "activated_passes": "pass_actives",
    "consumed_passes": "pass_consommes",
    "waiting_passes": "pass_en_attente",
    "expired_passes": "pass_expires",
    "cancelled_passes": "pass_annules",
    "waiting_cents": "en_attente_centimes",
    "unused_cents": "inutilises_centimes",
}
SIDES: Mapping[Side, str] = {Side.TRUSTEE: "mandataire", Side.FUNDER: "commanditaire"}
FIGURES: tuple[Heading, ...] = (("Ce qui est constaté", 128, False), ("", 50, True))
SIGNED: tuple[Heading, ...] = (("Pour", 40, False), ("Signé par", 78, False), ("Le", 60, True))

Signatures = Mapping[Side, Signature]


def statement_file_name(statement: JointStatement, suffix: str) -> str:
    name = statement.facts["programme"].lower()
    plain = "".join(one if one.isalnum() and one.isascii() else "-" for one in name).strip("-")
    return f"etat-contradictoire-{plain[:40]}-{statement.last_day}.{suffix}"


def statement_csv(statement: JointStatement, signatures: Signatures) -> bytes:
    """The SHA-256 of `texte_signe` is `empreinte`: what both signed can be hashed again from this file."""
    facts = statement.facts
    lines: list[Sequence[str]] = [
        COLUMNS,
        ("programme", "nom", defused(facts["programme"])),
        ("programme", "commanditaire", defused(facts["funder"])),
        ("programme", "dernier_jour", facts["last_day"]),
        *(("compte", told, str(facts[name])) for name, told in CSV_NAMES.items()),
        *(
            ("signature", f"{SIDES[side]}_{name}", value)
            for side in Side
            for name, value in (
                ("personne", defused(signatures[side].person)),
                ("instant", signatures[side].signed_at.astimezone(UTC).isoformat(timespec="seconds")),
            )
        ),
        ("etat", "arrete_le", statement.drawn_at.astimezone(UTC).isoformat(timespec="seconds")),
        ("etat", "texte_signe", signed_text(facts)),
        ("etat", "empreinte", statement.facts_sha256.hex()),
    ]
    text = StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(lines)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def draw_statement(
    statement: JointStatement, signatures: Signatures, content: bytes, *, at: datetime
) -> bytes:
    """content: the CSV, which the paper holds. at: when it is frozen."""
    facts = statement.facts
    heading = f"État contradictoire — {facts['programme']}"
    paper = Paper(title=heading, foot=heading, at=at)
    paper.add_page()
    paper.ink(20, bold=True)
    paper.text(LEFT, TOP + 8, "État contradictoire")
    paper.ink(10, grey=GREY)
    paper.text(LEFT, TOP + 14, paper.drawable(f"Constaté le {instant(statement.drawn_at)}"))
    paper.rule(TOP + 18, grey=0)
    paper.set_y(TOP + 21)
    paper.ink(9)
    last_day = long_day(date.fromisoformat(facts["last_day"]))
    paper.paragraph(f"Programme : {facts['programme']} — commanditaire : {facts['funder']}")
    paper.paragraph(
        f"Dernier jour d’utilisation des pass : {last_day}. Le mandataire et le commanditaire constatent"
        " ensemble ce qui n’a pas servi. La valeur inutilisée reste dans les fonds du programme jusqu’à la"
        " décision du commanditaire."
    )
    figures = [(words, thousands(facts[name])) for name, words in COUNTS.items()]
    figures.append(
        ("Valeur faciale des pass qui attendent un bordereau", exact_euros(facts["waiting_cents"]))
    )
    figures.append(("Valeur inutilisée", exact_euros(facts["unused_cents"])))
    draw_table(paper, "Comptes", FIGURES, figures, points=9)
    told = [(SIDES[side], signatures[side].person, instant(signatures[side].signed_at)) for side in Side]
    draw_table(paper, "Signatures", SIGNED, told, points=9)
    paper.set_y(paper.get_y() + 4)
    paper.ink(8, grey=GREY)
    paper.paragraph(
        "Empreinte SHA-256 de ce que les deux côtés ont signé, dont le texte est dans le CSV joint :"
    )
    paper.ink(8, mono=True)
    paper.paragraph(statement.facts_sha256.hex())
    paper.embed_file(
        bytes=content,
        basename=CSV_NAME,
        mime_type="text/csv",
        desc="Les chiffres de cet état et le texte signé",
        creation_date=at.astimezone(UTC),
        modification_date=at.astimezone(UTC),
        associated_file_relationship="Data",
        compress=True,
        checksum=True,
    )
    return bytes(paper.output())
