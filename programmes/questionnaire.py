"""The questionnaire per beneficiary: read from a programme's file, answered in codes. No kind of question
takes text, so that no answer can name anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

FILE_BYTES_MAX = 64 * 1024
QUESTIONS_MAX = 6  # it is filled in while somebody waits
OPTIONS_MAX = 12

Code = Annotated[str, Meta(pattern="^[a-z0-9_]{1,40}$")]
Label = Annotated[str, Meta(min_length=1, max_length=100)]


class QuestionnaireError(Exception):
    """The file can't be a questionnaire; the text names the place."""


class Kind(StrEnum):
    ONE = "one"
    SEVERAL = "several"
    YES_NO = "yes_no"


class OptionText(Struct, forbid_unknown_fields=True, omit_defaults=True):
    code: Code
    label: Label
    public: Code | None = None


class QuestionText(Struct, forbid_unknown_fields=True, omit_defaults=True):
    code: Code
    label: Label
    kind: Kind
    options: Annotated[list[OptionText], Meta(max_length=OPTIONS_MAX)] = []
    public: Code | None = None  # of a yes_no: whom a yes counts for


class Questionnaire(Struct, forbid_unknown_fields=True, omit_defaults=True):
    title: Label
    questions: Annotated[list[QuestionText], Meta(min_length=1, max_length=QUESTIONS_MAX)]


class AnswerMissing(Exception):
    """A question was not answered, or by what it does not offer."""

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question


@dataclass(frozen=True, slots=True)
class Answers:
    codes: dict[str, str | list[str]]
    publics: tuple[str, ...]


def default_questionnaire() -> Questionnaire:
    return read_questionnaire((files("programmes") / "questionnaires" / "default.toml").read_bytes())


def read_questionnaire(text: bytes) -> Questionnaire:
    """From TOML or JSON, whichever it is. A yes_no comes back with the options that it stands for."""
    if len(text) > FILE_BYTES_MAX:
        raise QuestionnaireError(f"a questionnaire has at most {FILE_BYTES_MAX} bytes")
    decoder = msgspec.json if text.lstrip()[:1] == b"{" else msgspec.toml
    try:
        read = decoder.decode(text, type=Questionnaire)
    except (msgspec.DecodeError, ValueError) as error:
        raise QuestionnaireError(f"the questionnaire can't be used: {error}") from None
    whole = Questionnaire(read.title, [_spelled_out(question) for question in read.questions])
    _refuse_twins([question.code for question in whole.questions], "questions")
    for question in whole.questions:
        _refuse_twins([option.code for option in question.options], question.code)
        if len(question.options) < 2:
            raise QuestionnaireError(f"{question.code}: at least two answers are offered")
    return whole


def content_of(questionnaire: Questionnaire) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(questionnaire)
    return content


def from_content(content: Mapping[str, Any]) -> Questionnaire:
    """As content_of() wrote it."""
    return msgspec.convert(content, type=Questionnaire)


def answers_in(questionnaire: Questionnaire, form: Mapping[str, str]) -> Answers:
    """The form's answers; fields of a several-question are `code.option`. Raises AnswerMissing."""
    codes: dict[str, str | list[str]] = {}
    publics: set[str] = set()
    for question in questionnaire.questions:
        if question.kind is Kind.SEVERAL:
            chosen = [one for one in question.options if form.get(f"{question.code}.{one.code}") == "oui"]
            codes[question.code] = [one.code for one in chosen]
        else:
            chosen = [one for one in question.options if form.get(question.code) == one.code]
            if not chosen:
                raise AnswerMissing(question.code)
            codes[question.code] = chosen[0].code
        publics.update(one.public for one in chosen if one.public)
    return Answers(codes, tuple(sorted(publics)))


def _spelled_out(question: QuestionText) -> QuestionText:
    if question.kind is not Kind.YES_NO:
        if question.public is not None:
            raise QuestionnaireError(f"{question.code}: say `public` with the answer that it is of")
        return question
    if question.options:
        raise QuestionnaireError(f"{question.code}: a yes_no has no other answers")
    options = [
        OptionText("oui", "Oui", question.public),
        OptionText("non", "Non"),
        OptionText("ne_sait_pas", "Ne sait pas"),
    ]
    return QuestionText(question.code, question.label, Kind.ONE, options)


def _refuse_twins(codes: list[str], place: str) -> None:
    twins = {code for code in codes if codes.count(code) > 1}
    if twins:
        raise QuestionnaireError(f"{place}: named twice: {', '.join(sorted(twins))}")
