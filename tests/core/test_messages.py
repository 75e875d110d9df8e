"""What people read: every refusal has a text in both languages, and none of them blames or bluffs."""

import pytest

from validator.messages import MESSAGE_OF, language_of
from validator.verdict import Refusal


def test_every_refusal_has_its_messages_and_nothing_else_has():
    assert set(MESSAGE_OF) == set(Refusal)
    for texts in MESSAGE_OF.values():
        assert set(texts) == {"fr", "en"}
        assert all(text.endswith(".") and text == text.strip() for text in texts.values())


def test_no_two_refusals_read_alike():
    for language in ("fr", "en"):
        texts = [texts[language] for texts in MESSAGE_OF.values()]
        assert len(set(texts)) == len(texts)


def test_french_is_typeset_as_french():
    for texts in MESSAGE_OF.values():
        french = texts["fr"]
        assert "'" not in french, french  # ’
        for mark in ":;!?":
            before = french.partition(mark)[0]
            assert mark not in french or before.endswith(("\u00a0", "\u202f")), french


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "fr"),
        ("fr", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en", "en"),
        ("EN-gb,fr;q=0.5", "en"),
        (" en-US", "en"),
        ("de", "fr"),
        ("*", "fr"),
    ],
)
def test_french_is_spoken_unless_english_comes_first(header, language):
    assert language_of(header) == language
