"""Templates and static files to answers, with the headers that every page carries."""

import hashlib
from importlib.resources import files

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from console import event_details, event_words, french, payout_words, remittance_words
from keys.device_key import fingerprint
from ledger.structures import paris_day

STATIC_NAMES = ("console.css", "console.js", "handout.js", "mark.svg")
STATIC_SECONDS = 365 * 24 * 3600  # their address changes with their content
STATIC_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; worker-src 'self'; img-src 'self' data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not `no-referrer`: with it browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
NO_STORE = {"Cache-Control": "no-store"}


class Templates:
    def __init__(self) -> None:
        self._static = {name: (files("console") / "static" / name).read_bytes() for name in STATIC_NAMES}
        self._environment = Environment(
            loader=PackageLoader("console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "action": event_words.action_words,
            "actor": event_words.actor_words,
            "calendar": event_words.CALENDARS.__getitem__,
            "cause": event_words.CAUSES.__getitem__,
            "count_of": french.count_of,
            "day": french.day,
            "detail": event_details.detail_words,
            "euros": french.euros,
            "exact_euros": french.exact_euros,
            "fingerprint": fingerprint,
            "iban": french.iban,
            "instant": french.instant,
            "month": french.month,
            "number": french.thousands,
            "payee": payout_words.payee_words,
            "paris_day": paris_day,
            "remittance_state": remittance_words.STATES.__getitem__,
            "role": event_words.ROLES.__getitem__,
            "siret": french.siret,
            "subject": event_words.subject_words,
        }
        self._environment.globals["static"] = self._static_address

    def answer(
        self, template: str, status: int = 200, headers: dict[str, str] | None = None, **context: object
    ) -> web.Response:
        text = french.unbroken(self._environment.get_template(template).render(context))
        return web.Response(
            text=text, status=status, content_type="text/html", headers=NO_STORE | (headers or {})
        )

    def static(self, name: str) -> web.Response:
        if name not in self._static:
            raise web.HTTPNotFound
        return web.Response(
            body=self._static[name],
            content_type=STATIC_TYPES[name.rpartition(".")[2]],
            headers={"Cache-Control": f"public, max-age={STATIC_SECONDS}, immutable"},
        )

    def _static_address(self, name: str) -> str:
        return f"/console/static/{name}?{hashlib.sha256(self._static[name]).hexdigest()[:16]}"
