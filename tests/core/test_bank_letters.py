"""Texts in the letters that every bank takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.bank.letters import is_reference, letters_lost, to_epc

ALLOWED = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("#APTIC", "APTIC"),
        ("Œuvre de l’Été", "OEuvre de l'Ete"),
        ("Remise n° 12 – 150 €", "Remise no 12 - 150 EUR"),
        ("N°4", "No 4"),
        ("« Les Ateliers » & Cie", "' Les Ateliers ' + Cie"),
        ("Ça_et_là… [île]", "Ca-et-la... (ile)"),
        ("Noël & Straße", "Noel + Strasse"),
        ("//rue//de/la/Paix/", "rue/de/la/Paix"),
        (": - début", "debut"),
        ("½ tarif", "1/2 tarif"),
        ("e\u0301cole", "ecole"),
        ("日本", ""),
        ("\u200b\u00ad", ""),
    ],
)
def test_french_texts_are_written_in_basic_letters(text: str, written: str) -> None:
    assert to_epc(text) == written


@given(st.text())
def test_any_text_comes_out_in_allowed_letters_and_stays_so(text: str) -> None:
    written = to_epc(text)
    assert set(written) <= ALLOWED
    assert to_epc(written) == written
    assert not written.startswith(("/", ":", "-", " "))
    assert not written.endswith(("/", " "))
    assert "//" not in written


@given(st.text(sorted(ALLOWED)))
def test_basic_letters_and_figures_are_never_changed(text: str) -> None:
    kept = [letter for letter in text if letter.isalnum()]
    assert [letter for letter in to_epc(text) if letter.isalnum()] == kept


def test_letters_that_would_be_lost_are_named() -> None:
    assert letters_lost("Café Ромашка №1 Œuvre") == "".join(sorted(set("Ромашка")))
    assert not letters_lost("Association « L’Été » n° 2 – 10 €")


@pytest.mark.parametrize("reference", ["BR-2026-0001-1", "A", "a b", "(1)/2"])
def test_references_in_basic_letters_are_kept(reference: str) -> None:
    assert is_reference(reference)


@pytest.mark.parametrize("reference", ["", "/A", "A/", "A//B", "é", "A#", " A", "A  B", "A\n", "A_B"])
def test_references_that_a_bank_would_change_are_not(reference: str) -> None:
    assert not is_reference(reference)
