"""Questionnaires as files: what is read, what is refused, and that no question can ask for words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programmes.questionnaire import (
    AnswerMissing,
    QuestionnaireError,
    answers_in,
    content_of,
    default_questionnaire,
    from_content,
    read_questionnaire,
)

ONE = """
title = "Deux questions"
[[questions]]
code = "qpv"
label = "Habite un QPV"
kind = "yes_no"
public = "qpv"
[[questions]]
code = "besoins"
label = "Besoins"
kind = "several"
[[questions.options]]
code = "mail"
label = "Courriel"
[[questions.options]]
code = "emploi"
label = "Emploi"
public = "pic"
"""


def test_answers_are_codes_and_tell_whom_the_convention_targets():
    read = read_questionnaire(ONE.encode())
    answers = answers_in(
        read, {"qpv": "oui", "besoins.emploi": "oui", "besoins.mail": "non", "nom": "Durand"}
    )
    assert answers.codes == {"qpv": "oui", "besoins": ["emploi"]}
    assert answers.publics == ("pic", "qpv")
    assert answers_in(read, {"qpv": "ne_sait_pas"}).publics == ()


@given(text=st.text())
def test_whatever_is_typed_is_an_answer_only_if_it_was_offered(text):
    read = read_questionnaire(ONE.encode())
    if text in {"oui", "non", "ne_sait_pas"}:
        assert answers_in(read, {"qpv": text}).codes["qpv"] == text
    else:
        with pytest.raises(AnswerMissing):
            answers_in(read, {"qpv": text})


def test_a_questionnaire_comes_back_from_the_record_as_it_went():
    for read in (read_questionnaire(ONE.encode()), default_questionnaire()):
        assert from_content(content_of(read)) == read


def test_the_default_one_is_short_and_counts_pic_and_qpv():
    read = default_questionnaire()
    publics = {option.public for question in read.questions for option in question.options}
    assert len(read.questions) <= 3
    assert {"pic", "qpv"} <= publics


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('kind = "several"', 'kind = "text"', "text"),
        ('code = "besoins"', 'code = "qpv"', "named twice"),
        ('code = "mail"', 'code = "emploi"', "named twice"),
        ('code = "mail"', 'code = "Adresse de la personne"', "code"),
        (
            'public = "qpv"',
            'public = "qpv"\n[[questions.options]]\ncode = "x"\nlabel = "X"',
            "no other answers",
        ),
        ('title = "Deux questions"', 'title = "Deux questions"\nfree_text = true', "free_text"),
    ],
)
def test_a_file_that_asks_for_more_is_refused_and_told_where(was, becomes, told):
    with pytest.raises(QuestionnaireError, match=told):
        read_questionnaire(ONE.replace(was, becomes).encode())
