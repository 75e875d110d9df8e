"""What a form sent: read within limits, its fields checked one by one. What they mean is the page's."""

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from console.refusal import FORM_TOO_LONG, FORM_UNREADABLE, PageRefused

FORM_BYTES_MAX = 16 * 1024
FIELDS_MAX = 30
NAME_CHARS_MAX = 100
REASON_CHARS_MAX = 500
BOOKLET_MAX = 2**40 - 1


class FieldRefused(Exception):
    """A field has to be corrected; the text tells the person how."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


async def read_form(request: web.Request, *, fields_max: int = FIELDS_MAX) -> Mapping[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise PageRefused(FORM_UNREADABLE)
    if request.content_length is None or request.content_length > FORM_BYTES_MAX:
        raise PageRefused(FORM_TOO_LONG)
    try:
        text = (await request.read()).decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=fields_max))
    except ValueError:
        raise PageRefused(FORM_UNREADABLE) from None


def name_in(form: Mapping[str, str], field: str, *, told: str) -> str:
    """told: what to say when it is missing."""
    text = _text_in(form, field, chars_max=NAME_CHARS_MAX)
    if not text:
        raise FieldRefused(field, told)
    return text


def text_in(form: Mapping[str, str], field: str, *, chars_max: int) -> str:
    """Empty where nothing was typed."""
    return _text_in(form, field, chars_max=chars_max)


def label_in(form: Mapping[str, str], field: str) -> str:
    return _text_in(form, field, chars_max=NAME_CHARS_MAX)


def reason_in(form: Mapping[str, str], field: str = "motif") -> str:
    text = _text_in(form, field, chars_max=REASON_CHARS_MAX)
    if not text:
        raise FieldRefused(field, "Écrivez le motif : il reste au journal.")
    return text


def booklet_in(form: Mapping[str, str], field: str = "numero") -> int:
    """As printed (`000 012`) or typed (`12`)."""
    digits = re.sub(r"\s", "", form.get(field, ""))
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= len(str(BOOKLET_MAX))):
        raise FieldRefused(field, "Écrivez le numéro du carnet en chiffres, par exemple 000 012.")
    if not 1 <= int(digits) <= BOOKLET_MAX:
        raise FieldRefused(field, "Aucun carnet ne porte ce numéro.")
    return int(digits)


def _text_in(form: Mapping[str, str], field: str, *, chars_max: int) -> str:
    text = " ".join(unicodedata.normalize("NFC", form.get(field, "")).split())
    if len(text) > chars_max:
        raise FieldRefused(field, f"{chars_max} caractères au plus, et non {len(text)}.")
    # Control and direction marks could make a line of the journal read as something else.
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in text):
        raise FieldRefused(field, "Ce texte contient un caractère invisible. Écrivez-le au clavier.")
    return text
