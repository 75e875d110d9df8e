"""The letter that claims a correction: what it must say, on one page, and the same bytes each time."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from pypdf import PdfReader

from ledger.correction_claims import ClaimLetter
from ledger.correction_rows import CorrectionCause
from payouts.claim_letter import draw_claim, letter_name

LETTER = ClaimLetter(
    correction_id=12,
    operator_id=3,
    siret="35600000000048",
    operator="Point d’accueil de la Gare",
    programme="Pass numérique 2026",
    funder="Métropole des Trois-Rivières",
    amount_cents=12_345,
    cause=CorrectionCause.OVERPAID,
    reason="Pass comptés deux fois ; l’atelier était annulé.",
    decided_at=datetime(2026, 10, 25, 1, tzinfo=UTC),
    claimed_at=datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
    remittance=4,
    line=17,
    holder="Mandataire des Trois-Rivières",
    iban="FR7630006000011234567890189",
    bic=None,
)


def text_of(drawn: bytes) -> str:
    pages = PdfReader(io.BytesIO(drawn)).pages
    assert len(pages) == 1
    return " ".join(pages[0].extract_text().replace("\u00a0", " ").split())


def test_it_tells_how_much_why_until_when_and_where_to():
    drawn = draw_claim(LETTER)
    assert drawn == draw_claim(LETTER)
    assert b"pdfaid:part>3" in drawn
    text = text_of(drawn)
    for told in (
        "123,45 €",
        "Trop-perçu",
        "Pass comptés deux fois ; l’atelier était annulé.",
        "ligne 17 du bordereau n° 4",
        "Le 1er janvier 2027",
        "au plus tard le 31 janvier 2027",
        "RC-12",
        "FR76 3000 6000 0112 3456 7890 189",
    ):
        assert told in text, told
    assert LETTER.pay_by == date(2027, 1, 31)
    assert letter_name(LETTER) == "reclamation-35600000000048-RC-12.pdf"


@pytest.mark.parametrize(
    "changed",
    [
        {"holder": None, "iban": None},
        {"bic": "AGRIFRPP"},
        {"remittance": None, "line": None},
        {"reason": "Mot " * 125},
        {"reason": "M" * 500, "operator": "Œ" * 200},
    ],
)
def test_it_stays_one_page_whatever_is_missing_or_long(changed):
    text = text_of(draw_claim(replace(LETTER, **changed)))
    assert ("Le mandataire vous indiquera le compte" in text) == ("iban" in changed)
