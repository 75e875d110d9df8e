"""The letters that every bank of the SEPA takes, and how to write other texts with them. No message.

EPC217-08: basic Latin letters, figures and / - ? : ( ) . , ' + and space. References neither begin nor end
with a slash, nor hold two in a row.
"""

import re
import unicodedata
from typing import Final

_ALLOWED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]+")
_IN_BASIC_LETTERS: Final = "oe OE ae AE ss SS o O d D l L th TH d D i"
# What decomposition alone does not give. A sign that is only an ornament becomes a space.
_WRITTEN: Final = str.maketrans(
    {
        **dict(zip("œŒæÆßẞøØđĐłŁþÞðÐı", _IN_BASIC_LETTERS.split(), strict=True)),
        **dict(zip("€£$&№", ("EUR", "GBP", "USD", "+", "no"), strict=True)),
        **dict.fromkeys('’‘‛ʼ′`´«»“”„‟″"‹›', "'"),
        **dict.fromkeys("–—‑‒―−_·•", "-"),
        **dict.fromkeys("[{", "("),
        **dict.fromkeys("]}", ")"),
        **dict.fromkeys("|\\", "/"),
        **dict(zip("@%;!", ("(at)", " pour cent ", ",", "."), strict=True)),
        # A soft hyphen and spaces of no width, which copying from a web page brings along.
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
    }
)
_NUMBER_SIGN: Final = re.compile(r"\b([nN])\s?[°º]\s?(?=[0-9])")


def to_epc(text: str) -> str:
    """The text in those letters, a space for what has none, no edge that a bank could misread."""
    composed = unicodedata.normalize("NFC", text)
    written = _NUMBER_SIGN.sub(r"\1o ", composed).translate(_WRITTEN)
    decomposed = unicodedata.normalize("NFKD", written)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).replace("\N{FRACTION SLASH}", "/")
    allowed = "".join(c if c in _ALLOWED else " " for c in bare)
    # A line of the older networks that begins with a colon or a dash is taken for a field or an end.
    return re.sub(r"/{2,}", "/", " ".join(allowed.split())).strip("/ ").lstrip(":-/ ")


def letters_lost(text: str) -> str:
    """Letters and figures that have no equivalent: a name without them would be another name."""
    return "".join(
        sorted({c for c in unicodedata.normalize("NFC", text) if c.isalnum() and not _is_writable(c)})
    )


def _is_writable(letter: str) -> bool:
    return any(c in _ALLOWED and c != " " for c in to_epc(letter))


def has_a_letter(text: str) -> bool:
    return any(c.isalnum() for c in text)


def is_reference(text: str) -> bool:
    """Whether banks give it back as it is. A reference is never rewritten: it must be found again."""
    return (
        _REFERENCE.fullmatch(text) is not None
        and text == " ".join(text.split())
        and not text.startswith("/")
        and not text.endswith("/")
        and "//" not in text
    )
