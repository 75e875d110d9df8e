"""My account: my sessions, which I can end, and my second factor. Checking a code is in second_factor.py."""

from aiohttp import web

from console.browser_words import browser_words
from console.refusal import ADDRESS_UNREADABLE, PageRefused
from console.sign_in import signed_out
from console.visit import IDLE_MAX, Visit
from ledger.second_factors import count_recovery_codes, remove_second_factor
from ledger.sessions import end_other_sessions, end_session, list_sessions

SECURITY = "/console/securite"
DIGITS_MAX = 18


async def show_security(visit: Visit) -> web.StreamResponse:
    account = visit.account
    sessions = await list_sessions(visit.connection, account, now=visit.now, idle_max=IDLE_MAX)
    left = await count_recovery_codes(visit.connection, account) if account.has_second_factor else 0
    return visit.show(
        "security.html",
        sessions=[(one, browser_words(one.user_agent)) for one in sessions],
        current=visit.session.id,
        recovery_left=left,
        is_required=visit.console.require_second_factor,
    )


async def end_one_session(visit: Visit) -> web.StreamResponse:
    number = visit.request.match_info["session"]
    if len(number) > DIGITS_MAX:
        raise PageRefused(ADDRESS_UNREADABLE)
    # One that is gone already is what was asked for.
    await end_session(visit.connection, visit.account, int(number))
    if int(number) == visit.session.id:
        raise signed_out()
    raise web.HTTPSeeOther(SECURITY)


async def end_others(visit: Visit) -> web.StreamResponse:
    await end_other_sessions(visit.connection, visit.session)
    raise web.HTTPSeeOther(SECURITY)


async def remove_factor(visit: Visit) -> web.StreamResponse:
    account = visit.account
    await remove_second_factor(
        visit.connection, account, actor=account.actor, reason="retiré par la personne elle-même"
    )
    raise signed_out()
