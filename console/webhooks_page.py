"""« Appels signés »: which systems are called with what, whether they took it. Their secret is shown once."""

from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, reason_in, text_in
from console.notice_words import CALL_STATES, KINDS
from console.refusal import NO_WEBHOOK, NO_WEBHOOK_KEYS, PageRefused
from console.visit import Visit
from keys.webhook_secret import new_name, new_secret, shown
from ledger.notice_rows import FOLLOWS_BY_ITSELF, NoticeRefused
from ledger.payout_register import programme_names
from ledger.structures import list_structures
from ledger.webhooks import (
    add_webhook,
    call_again,
    calls_of,
    end_webhook,
    find_webhook,
    list_webhooks,
)
from programmes.notices.addresses import URL_CHARS_MAX, AddressRefused, check_url

WEBHOOKS = "/console/avis/appels"
KIND = "genre-"
DIGITS_MAX = 9
OFFERED = {kind: words for kind, words in KINDS.items() if kind not in FOLLOWS_BY_ITSELF}


async def show_webhooks(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def show_webhook(visit: Visit) -> web.StreamResponse:
    return await _webhook_page(visit)


async def add_one(visit: Visit) -> web.StreamResponse:
    keys = visit.console.webhook_keys
    if keys is None:
        raise PageRefused(NO_WEBHOOK_KEYS)
    try:
        url, kinds = _url_in(visit), [kind for kind in OFFERED if visit.form.get(f"{KIND}{kind}") == "oui"]
        if not kinds:
            raise FieldRefused("genres", "Cochez au moins un genre d’avis.")
        operator_id, programme_id = _scope_in(visit)
        secret, name = new_secret(), new_name()
        try:
            webhook = await add_webhook(
                visit.connection,
                url=url,
                kinds=kinds,
                seal_name=name,
                sealed_secret=keys.seal(secret, name),
                operator_id=operator_id,
                programme_id=programme_id,
                actor=visit.account.actor,
                at=visit.now,
            )
        except NoticeRefused:
            raise FieldRefused("portee", "Choisissez de qui ce système est informé.") from None
    except FieldRefused as wrong:
        return await _page(visit, wrong)
    return visit.show("webhook_secret.html", webhook=webhook, secret=shown(secret))


async def end_one(visit: Visit) -> web.StreamResponse:
    number = number_in(visit, "webhook", NO_WEBHOOK)
    try:
        reason = reason_in(visit.form)
        await end_webhook(visit.connection, number, actor=visit.account.actor, at=visit.now, reason=reason)
    except FieldRefused as wrong:
        return await _webhook_page(visit, wrong)
    except NoticeRefused:
        raise PageRefused(NO_WEBHOOK) from None
    raise web.HTTPSeeOther(WEBHOOKS)


async def call_one_again(visit: Visit) -> web.StreamResponse:
    number = number_in(visit, "call", NO_WEBHOOK)
    try:
        await call_again(visit.connection, number, actor=visit.account.actor, at=visit.now)
    except NoticeRefused:
        raise PageRefused(NO_WEBHOOK) from None
    raise web.HTTPSeeOther(f"{WEBHOOKS}/{number_in(visit, 'webhook', NO_WEBHOOK)}")


def _url_in(visit: Visit) -> str:
    url = text_in(visit.form, "adresse", chars_max=URL_CHARS_MAX)
    try:
        check_url(url, allows_private=visit.console.allows_private_webhooks)
    except AddressRefused as error:
        raise FieldRefused("adresse", str(error)) from None
    return url


def _scope_in(visit: Visit) -> tuple[int | None, int | None]:
    """An operator's number, or a programme's, or neither."""
    scope, _, digits = visit.form.get("portee", "").partition("-")
    if scope == "tout":
        return None, None
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS_MAX
    if scope not in {"structure", "programme"} or not is_number:
        raise FieldRefused("portee", "Choisissez de qui ce système est informé.")
    number = int(digits)
    return (number, None) if scope == "structure" else (None, number)


async def _page(visit: Visit, wrong: FieldRefused | None = None) -> web.StreamResponse:
    return visit.show(
        "webhooks.html",
        wrong=wrong,
        webhooks=await list_webhooks(visit.connection),
        structures=await list_structures(visit.connection, now=visit.now),
        programmes=await programme_names(visit.connection),
        KINDS=KINDS,
        OFFERED=OFFERED,
        KIND=KIND,
    )


async def _webhook_page(visit: Visit, wrong: FieldRefused | None = None) -> web.StreamResponse:
    webhook = await find_webhook(visit.connection, number_in(visit, "webhook", NO_WEBHOOK))
    if webhook is None:
        raise PageRefused(NO_WEBHOOK)
    return visit.show(
        "webhook.html",
        wrong=wrong,
        webhook=webhook,
        calls=await calls_of(visit.connection, webhook.id),
        KINDS=KINDS,
        CALL_STATES=CALL_STATES,
    )
