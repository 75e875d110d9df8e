"""The wiring of one validator process, on one screen: what opens, in which order, and closes in reverse."""

from collections import Counter
from collections.abc import AsyncIterator, Callable

import msgspec
from aiohttp import web

from console.app import add_console
from console.reserve_page import add_reserve_page
from keys.sealed import KeyFolder
from ledger.connect import open_pool
from mobile_web.page import add_page
from payouts.drawing import DrawingDesk
from scanner.pool import ReaderPool
from validator import device_calls, enrolment_calls, public_calls, remittance_calls, scan_calls
from validator.clerk import Clerk
from validator.closings import CalendarClerk
from validator.code_reading import CodeReader
from validator.console_receipts import console_receipts
from validator.device_signature import asking_for_signature
from validator.endpoint import JSON_BYTES_MAX
from validator.group_commit import GroupCommit
from validator.guard import Guard, open_client
from validator.keeper import SnapshotKeeper
from validator.limits import WrongCodes
from validator.notice_clerks import notice_clerks
from validator.openapi import openapi
from validator.period_clerks import ending_clerk, return_clerk
from validator.problems import answer_problems
from validator.receipt_desk import ReceiptDesk
from validator.replacement_clerk import replacement_clerk
from validator.scan import Scanning
from validator.settings import Settings
from validator.top_up_clerk import top_up_clerk
from validator.tracing import add_tracing
from validator.watch import Watch
from validator.wiring import (
    CLERK,
    DESK,
    DRAWINGS,
    EXPORTS_UNDER_WAY,
    GROUP_COMMIT,
    GUARD,
    KEEPER,
    PHOTOS,
    PHOTOS_UNDER_WAY,
    POOL,
    READER,
    SCANNING,
    SETTINGS,
    WATCH,
)

ENDPOINTS = (
    *scan_calls.ENDPOINTS,
    *enrolment_calls.ENDPOINTS,
    *device_calls.ENDPOINTS,
    *remittance_calls.ENDPOINTS,
    *public_calls.ENDPOINTS,
)


def build_app(settings: Settings) -> web.Application:
    """Raises SealError when the secrets of this instance can't be opened: better not start than guess."""
    app = web.Application(middlewares=[answer_problems], client_max_size=JSON_BYTES_MAX)
    folder = KeyFolder(settings.keys, settings.passphrase)

    app[SETTINGS] = settings
    app[KEEPER] = keeper = SnapshotKeeper(settings.database_url)
    app[GUARD] = guard = Guard(open_client(settings.valkey_url) if settings.valkey_url else None)
    app[DESK] = desk = ReceiptDesk(keeper, folder)
    app[GROUP_COMMIT] = group_commit = GroupCommit(settings.database_url, desk.seals)
    master_secret = folder.master_secret()
    app[READER] = reader = CodeReader(master_secret, WrongCodes(guard))
    app[SCANNING] = Scanning(keeper, reader, guard, group_commit)
    app[PHOTOS] = ReaderPool(workers=settings.photo_workers, on_demand=settings.photos_on_demand)
    app[PHOTOS_UNDER_WAY] = photos_under_way = Counter[int]()
    app[WATCH] = Watch(keeper, desk, guard, group_commit, photos_under_way)
    app[EXPORTS_UNDER_WAY] = set()
    app[DRAWINGS] = DrawingDesk()

    app.cleanup_ctx.extend([run_keeper, run_guard, run_group_commit, run_pool, run_photos, run_watch])
    if settings.closes_on_calendars:
        app.cleanup_ctx.append(run_each(return_clerk(settings.database_url)))
        app.cleanup_ctx.append(run_each(ending_clerk(settings.database_url)))
        app[CLERK] = CalendarClerk(settings.database_url)
        app.cleanup_ctx.append(run_clerk)
        app.cleanup_ctx.append(run_each(top_up_clerk(settings.database_url)))
        app.cleanup_ctx.append(run_each(replacement_clerk(settings.database_url)))
    if settings.sends_notices:
        app.cleanup_ctx.extend(run_each(clerk) for clerk in notice_clerks(settings, master_secret))
    for endpoint in ENDPOINTS:
        app.router.add_route(endpoint.method, endpoint.path, asking_for_signature(endpoint))
        if endpoint.method == "GET":
            app.router.add_route("HEAD", endpoint.path, endpoint.handler)
    add_openapi(app)
    add_page(app)
    add_reserve_page(app, pool=POOL)
    add_console(
        app,
        pool=POOL,
        public_url=settings.public_url,
        keys=folder,
        master_secret=master_secret,
        require_second_factor=settings.require_totp,
        receipts=console_receipts,
        database_url=settings.database_url,
        allows_private_webhooks=settings.allows_private_webhooks,
        sends_mail=settings.mail is not None,
    )
    if settings.traces_url:
        add_tracing(app, settings.traces_url)
    return app


async def run_keeper(app: web.Application) -> AsyncIterator[None]:
    await app[KEEPER].start()
    yield
    await app[KEEPER].close()


async def run_guard(app: web.Application) -> AsyncIterator[None]:
    await app[GUARD].start()
    yield
    await app[GUARD].close()


async def run_group_commit(app: web.Application) -> AsyncIterator[None]:
    await app[GROUP_COMMIT].start()
    yield
    await app[GROUP_COMMIT].close()


async def run_pool(app: web.Application) -> AsyncIterator[None]:
    async with open_pool(app[SETTINGS].database_url, purpose="validator") as app[POOL]:
        yield


async def run_photos(app: web.Application) -> AsyncIterator[None]:
    await app[PHOTOS].start()
    yield
    await app[PHOTOS].close()


async def run_watch(app: web.Application) -> AsyncIterator[None]:
    await app[WATCH].start(app[POOL])
    yield
    await app[WATCH].close()


async def run_clerk(app: web.Application) -> AsyncIterator[None]:
    await app[CLERK].start()
    yield
    await app[CLERK].close()


def run_each(clerk: Clerk) -> Callable[[web.Application], AsyncIterator[None]]:
    async def run(_: web.Application) -> AsyncIterator[None]:
        await clerk.start()
        yield
        await clerk.close()

    return run


def add_openapi(app: web.Application) -> None:
    document = msgspec.json.encode(openapi(ENDPOINTS))

    async def get_openapi(_: web.Request) -> web.Response:
        return web.Response(body=document, content_type="application/json")

    app.router.add_get("/openapi.json", get_openapi)
