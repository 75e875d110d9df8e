"""The public page of the reserve: for everybody, without an account, cacheable."""

import asyncio
import csv
import hashlib
from datetime import UTC, datetime, timedelta
from io import StringIO

from aiohttp import web

from console.funds_chart import bar
from console.funds_page import ratio_words
from console.rendering import HEADERS, Templates
from ledger.connect import Pool, answering
from ledger.reserve import Reserve, read_reserve

CACHE_SECONDS = 300
PAGE, TABLE = "/reserve", "/reserve.csv"
COLUMNS = (
    "programme", "commanditaire", "recus_centimes", "pass_vivants", "pass_vivants_centimes",
    "en_attente_de_bordereau_centimes", "dus_centimes", "payes_centimes", "libres_centimes", "lu_le",
    "derniere_ecriture",
)  # fmt: skip


class ReservePage:
    """Reads the record once for all who ask within some minutes: nobody can tire it by asking."""

    def __init__(self, pool: web.AppKey[Pool], templates: Templates) -> None:
        self._pool = pool
        self._templates = templates
        self._turn = asyncio.Lock()
        self._read: Reserve | None = None

    async def show(self, request: web.Request) -> web.Response:
        reserve = await self._reserve(request)
        text = self._templates.answer(
            "reserve.html", account=None, reserve=reserve, programmes=_shown(reserve)
        ).text
        assert text is not None
        return _cacheable(request, text.encode(), "text/html")

    async def send_table(self, request: web.Request) -> web.Response:
        reserve = await self._reserve(request)
        return _cacheable(request, reserve_csv(reserve), "text/csv")

    async def _reserve(self, request: web.Request) -> Reserve:
        async with self._turn:
            now = datetime.now(UTC)
            if self._read is None or now - self._read.read_at >= timedelta(seconds=CACHE_SECONDS):
                async with answering(request.app[self._pool]) as connection:
                    self._read = await read_reserve(connection, now=now)
            return self._read


def add_reserve_page(app: web.Application, *, pool: web.AppKey[Pool]) -> None:
    page = ReservePage(pool, Templates())
    app.router.add_get(PAGE, page.show)
    app.router.add_get(TABLE, page.send_table)


def reserve_csv(reserve: Reserve) -> bytes:
    text = StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in reserve.programmes:
        funds = one.funds
        writer.writerow(
            (
                funds.name, funds.funder, funds.received_cents, one.live_passes, one.live_cents,
                one.waiting_cents, funds.owed_cents, funds.paid_cents, funds.free_cents,
                reserve.read_at.isoformat(timespec="seconds"), reserve.last_entry,
            )
        )  # fmt: skip
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _shown(reserve: Reserve) -> list[tuple[object, ...]]:
    return [(one, one.funds, bar(one.funds), ratio_words(one.funds)) for one in reserve.programmes]


def _cacheable(request: web.Request, body: bytes, content_type: str) -> web.Response:
    tag = hashlib.sha256(body).hexdigest()[:32]
    headers = HEADERS | {"ETag": f'"{tag}"', "Cache-Control": f"public, max-age={CACHE_SECONDS}"}
    if {one.value for one in request.if_none_match or ()} & {tag, "*"}:
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)
