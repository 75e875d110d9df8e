"""Enrolling a second factor with an authenticator app, and drawing recovery codes anew."""

import base64
import binascii
import secrets
from math import ceil

import segno
from aiohttp import web

from console.form import FieldRefused
from console.passwords import READABLE
from console.refusal import FORM_UNREADABLE, NO_SECOND_FACTOR, PageRefused
from console.second_factor import (
    RECOVERY_CODES,
    RECOVERY_GROUP_CHARS,
    RECOVERY_GROUPS,
    forgive,
    wait_seconds,
)
from console.security_page import SECURITY
from console.sign_in import too_many
from console.visit import Visit
from keys.second_factor import SecondFactorKeys, SecretUnreadable, enrolment_uri, matching_step, new_secret
from ledger.second_factors import enrol_second_factor, renew_recovery_codes
from ledger.sessions import end_other_sessions, prove_session

WRONG = "Ce code n’est pas le bon. Vérifiez l’heure de votre téléphone et recopiez le code affiché."


async def show_factor_enrolment(visit: Visit) -> web.StreamResponse:
    if visit.account.has_second_factor:
        raise web.HTTPSeeOther(SECURITY)
    return _page(visit, new_secret())


async def enrol_factor(visit: Visit) -> web.StreamResponse:
    keys, account = _keys(visit), visit.account
    # The secret travels in the form, sealed for this account: nothing is kept before the first right code.
    try:
        sealed = base64.urlsafe_b64decode(visit.form.get("cle", ""))
        secret = keys.unseal(sealed, account.id)
    except (SecretUnreadable, binascii.Error, ValueError):
        raise PageRefused(FORM_UNREADABLE) from None
    if (wait := wait_seconds(visit.request, account)) > 0:
        return _page(visit, secret, FieldRefused("code", too_many(wait)), {"Retry-After": str(ceil(wait))})
    step = matching_step(secret, visit.form.get("code", ""), now=visit.now)
    if step is None:
        return _page(visit, secret, FieldRefused("code", WRONG))
    forgive(visit.request, account)
    codes = new_recovery_codes()
    async with visit.connection.transaction():
        enrolled = await enrol_second_factor(
            visit.connection,
            account,
            sealed_secret=sealed,
            step=step,
            recovery_macs=[keys.recovery_mac(code, account.id) for code in codes],
            at=visit.now,
        )
        if not enrolled:
            raise web.HTTPSeeOther(SECURITY)
        # Other sessions were opened by the password alone.
        await end_other_sessions(visit.connection, visit.session)
        await prove_session(visit.connection, visit.session, now=visit.now)
    return visit.show("recovery_codes.html", codes=codes)


async def renew_codes(visit: Visit) -> web.StreamResponse:
    keys, account = _keys(visit), visit.account
    if not account.has_second_factor:
        raise web.HTTPSeeOther(SECURITY)
    codes = new_recovery_codes()
    await renew_recovery_codes(
        visit.connection, account, [keys.recovery_mac(code, account.id) for code in codes]
    )
    return visit.show("recovery_codes.html", codes=codes)


def new_recovery_codes() -> list[str]:
    def group() -> str:
        return "".join(secrets.choice(READABLE) for _ in range(RECOVERY_GROUP_CHARS))

    return ["-".join(group() for _ in range(RECOVERY_GROUPS)) for _ in range(RECOVERY_CODES)]


def _keys(visit: Visit) -> SecondFactorKeys:
    keys = visit.console.second_factors
    if keys is None:
        raise PageRefused(NO_SECOND_FACTOR)
    return keys


def _page(
    visit: Visit, secret: bytes, wrong: FieldRefused | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    keys, account = _keys(visit), visit.account
    uri = enrolment_uri(secret, account.email)
    typed = base64.b32encode(secret).decode()
    response = visit.show(
        "second_factor.html",
        wrong=wrong,
        qr=segno.make(uri, error="m", micro=False).svg_data_uri(border=4, dark="#000", light="#fff"),
        secret=" ".join(typed[start : start + 4] for start in range(0, len(typed), 4)),
        sealed=base64.urlsafe_b64encode(keys.seal(secret, account.id)).decode(),
    )
    response.headers.update(headers or {})
    return response
