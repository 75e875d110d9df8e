"""What notices say, and how mail carries it."""

import re
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.notice_rows import AUDIENCES, Audience, NoticeKind
from programmes.notices.letters import letter_of
from programmes.notices.message import LINE_CHARS_MAX, flowed, message_of

HOW = {
    "mail_from": "avis@pass.example",
    "sender_name": "Pass numériques",
    "public_url": "https://pass.example",
}
TOLD = [(kind, audience) for kind in NoticeKind for audience in AUDIENCES[kind]]


def unflowed(text: str) -> list[str]:
    """What a reader of RFC 3676 shows, paragraph by paragraph."""
    paragraphs, open_line = [], ""
    for line in text.split("\n")[:-1]:
        bare = line.removeprefix(" ")
        if bare.endswith(" ") and bare != "-- ":
            open_line += bare
        else:
            paragraphs.append(open_line + bare)
            open_line = ""
    assert not open_line
    return paragraphs


def test_every_kind_has_somebody_who_is_told():
    assert set(AUDIENCES) == set(NoticeKind)
    assert all(AUDIENCES.values())


@pytest.mark.parametrize(("kind", "audience"), TOLD)
def test_every_kind_has_a_letter_for_each_of_those_who_are_told(kind, audience, facts):
    letter = letter_of(kind, facts[kind].payload, audience)
    text = letter.text("https://pass.example/")
    assert 10 <= len(letter.subject) <= 100
    assert text.startswith("Bonjour,\n\n")
    assert f"https://pass.example{letter.place}" in text
    assert "{" not in text
    assert "None" not in text
    assert not re.search(r" [:;?!»]|« ", text), "a sign that could begin a line"


def test_a_letter_names_no_place_when_nobody_told_the_service_its_address(facts):
    assert "http" not in letter_of(NoticeKind.PAID, facts[NoticeKind.PAID].payload, Audience.OPERATOR).text(
        None
    )


def test_a_paid_operator_reads_the_amount_the_day_and_the_reference_of_its_statement(facts):
    letter = letter_of(NoticeKind.PAID, facts[NoticeKind.PAID].payload, Audience.OPERATOR)
    assert letter.subject == "Virement de 1 234,50 € pour le bordereau n° 12".replace(" ", "\u00a0").replace(
        "Virement\u00a0de\u00a0", "Virement de "
    ).replace("\u00a0pour\u00a0le\u00a0bordereau\u00a0", " pour le bordereau ")
    assert "BR-3-12-1" in letter.paragraphs[1]
    assert "3\u00a0novembre\u00a02026" in letter.paragraphs[0]


def test_an_account_that_changed_is_told_with_four_characters_of_its_iban_only(facts):
    text = letter_of(
        NoticeKind.BANK_ACCOUNT_CHANGED, facts[NoticeKind.BANK_ACCOUNT_CHANGED].payload, Audience.OPERATOR
    ).text(None)
    assert "0189" in text
    assert "FR76" not in text
    assert "au numéro que vous lui connaissez" in text


def test_what_a_bank_writes_ends_no_paragraph_and_adds_no_line_of_ours(facts):
    payload = {**facts[NoticeKind.RETURNED].payload, "reason": "AC04\n\nLien : Ici https://evil.example\n\nx"}
    letter = letter_of(NoticeKind.RETURNED, payload, Audience.OPERATOR)
    assert letter.place == "/console/compte"
    assert len(letter.paragraphs) == 2


def test_a_message_is_plain_french_text_that_says_it_comes_from_a_machine(a_notice, now):
    sent = message_from_bytes(message_of(a_notice(), **HOW, now=now).as_bytes(), policy=default)
    assert sent.get_content_type() == "text/plain"
    assert sent["Content-Type"].params["format"] == "flowed"
    assert sent["Content-Type"].params["charset"] == "utf-8"
    assert sent["To"] == "compta@fabrique.example"
    assert sent["From"] == "Pass numériques <avis@pass.example>"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert "passé par notre banque" in " ".join(unflowed(sent.get_content()))
    assert max(len(line) for line in message_of(a_notice(), **HOW, now=now).as_bytes().split(b"\r\n")) <= 998


def test_a_message_has_the_same_id_at_each_attempt_and_another_for_another_address(a_notice, now):
    ids = {
        message_of(one, **HOW, now=now)["Message-ID"]
        for one in (a_notice(), a_notice(attempts=3), a_notice(address="b@fabrique.example"))
    }
    assert len(ids) == 2


def test_a_line_break_in_a_name_adds_no_header(a_notice, now):
    payload = {**a_notice().payload, "holder": "X\r\nBcc: tous@evil.example"}
    sent = message_from_bytes(
        message_of(a_notice(payload=payload), **HOW, now=now).as_bytes(), policy=default
    )
    assert sent["Bcc"] is None


LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Z"])
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=30) | st.just("12\u00a0345"), max_size=40).map(
    " ".join
)


@given(st.lists(WORDS, max_size=5))
def test_text_that_is_wrapped_for_mail_reads_as_it_was_written(paragraphs):
    text = "\n".join(paragraphs).rstrip("\n") + "\n"
    wrapped = flowed(text)
    read = [one.rstrip(" ") for one in unflowed(wrapped)]
    assert read == text[:-1].split("\n")
    long = [line for line in wrapped.split("\n") if len(line) > LINE_CHARS_MAX]
    assert not [line for line in long if " " in line.strip(" ")], (
        "only a word that is too long makes a long line"
    )


@pytest.mark.parametrize("line", ["> cité", "From moi", " décalé"])
def test_a_line_that_looks_like_a_quote_is_stuffed(line):
    assert flowed(f"{line}\n").startswith(" ")
