"""What each notice says: a subject and paragraphs, from the French templates beside this file. Pure.

How mail carries it is message.py's. A template is paragraphs between empty lines, and two lines of its own:
`Objet :` and `Lien :` (a name, then a place of the service). Narrow spaces before signs are put in here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ledger.notice_rows import Audience, NoticeKind
from programmes.print.french import NBSP, exact_euros, instant, long_day, siret, thousands

SUBJECT, LINK = "Objet : ", "Lien : "
GREETING = "Bonjour,"
SIGNED = (
    "Ce message est envoyé par le service des pass numériques. Il ne demande ni mot de passe, ni coordonnées "
    "bancaires, ni paiement. Si vous n’êtes pas concerné, dites-le au mandataire."
)


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    paragraphs: tuple[str, ...]
    link: str  # what the place is called where more is to be read
    place: str  # below the service's address

    def text(self, public_url: str | None) -> str:
        """public_url: of the service; None: nobody told, and the letter names no place."""
        link = (f"{self.link}{NBSP}: {public_url.rstrip('/')}{self.place}",) if public_url else ()
        return "\n\n".join((GREETING, *self.paragraphs, *link, SIGNED)) + "\n"


def letter_of(kind: NoticeKind, payload: Mapping[str, Any], audience: Audience) -> Letter:
    # What a person or a bank wrote may hold line breaks: they end no paragraph of ours, and no header.
    told = {name: " ".join(one.split()) if isinstance(one, str) else one for name, one in payload.items()}
    text = _templates().get_template(f"{kind.value}.txt").render(told, audience=audience.value)
    subject, *paragraphs, link = _paragraphs(text)
    assert subject.startswith(SUBJECT), kind
    assert link.startswith(LINK), kind
    name, _, place = link.removeprefix(LINK).rpartition(" ")
    return Letter(
        _spaced(subject.removeprefix(SUBJECT)), tuple(_spaced(one) for one in paragraphs), name, place
    )


def _paragraphs(text: str) -> list[str]:
    return [re.sub(r"[ \t\r\n\v\f]+", " ", one).strip() for one in re.split(r"\n\s*\n", text) if one.strip()]


def _spaced(text: str) -> str:
    """French puts a space before these signs, and within « »: none of them begins or ends a line."""
    text = re.sub(r" (?=[:;?!»])", NBSP, text)
    return re.sub(r"(?<=«) |(?<=n°) ", NBSP, text)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("programmes.notices"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - plain text, which no browser reads
    )
    environment.filters |= {
        "day": lambda text: long_day(date.fromisoformat(text)),
        "euros": exact_euros,
        "instant": lambda text: instant(datetime.fromisoformat(text)),
        "number": thousands,
        "siret": siret,
    }
    return environment
