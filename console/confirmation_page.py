"""« Est-ce bien vous ? »: a fresh proof before what releases money, signs or decides. A code, or the password
where there is no second factor."""

from math import ceil

from aiohttp import web

from console.admission import NEXT, next_in
from console.form import FieldRefused
from console.passwords import TooManyComparisons
from console.second_factor import CodeAnswer, check_code, forgive, wait_seconds
from console.second_step import TOLD
from console.sign_in import too_many
from console.visit import Visit
from ledger.second_factors import note_refused_code
from ledger.sessions import prove_session

PROOF = "preuve"
WRONG_PASSWORD = "Ce mot de passe n’est pas le vôtre."  # noqa: S105 - a sentence
BUSY = "Trop de connexions en ce moment. Réessayez dans quelques secondes."


async def show_confirmation(visit: Visit) -> web.StreamResponse:
    return _page(visit)


async def confirm(visit: Visit) -> web.StreamResponse:
    if (wait := wait_seconds(visit.request, visit.account)) > 0:
        response = _page(visit, too_many(wait))
        response.headers["Retry-After"] = str(ceil(wait))
        return response
    wrong = await (_wrong_code if visit.account.has_second_factor else _wrong_password)(visit)
    if wrong:
        return _page(visit, wrong)
    await prove_session(visit.connection, visit.session, now=visit.now)
    raise web.HTTPSeeOther(next_in(visit.form))


async def _wrong_code(visit: Visit) -> str:
    answer = await check_code(
        visit.request, visit.connection, visit.account, visit.form.get(PROOF, ""), now=visit.now
    )
    return "" if answer is CodeAnswer.RIGHT else TOLD[answer]


async def _wrong_password(visit: Visit) -> str:
    try:
        given = visit.form.get(PROOF, "")
        if await visit.console.passwords.matches(given, visit.account.password_hash):
            forgive(visit.request, visit.account)
            return ""
    except TooManyComparisons:
        return BUSY
    await note_refused_code(visit.connection, visit.account)
    return WRONG_PASSWORD


def _page(visit: Visit, told: str = "") -> web.Response:
    wrong = FieldRefused(PROOF, told) if told else None
    asked = visit.form or visit.request.query
    return visit.show("confirmation.html", wrong=wrong, next=next_in(asked), field=NEXT)
