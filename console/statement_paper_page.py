"""The papers of a joint statement to fetch, byte for byte as they were frozen."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from console.ending_page import ending_asked, statement_asked
from console.refusal import NO_PAGE, PageRefused
from console.rendering import NO_STORE
from console.visit import Visit
from ledger.connect import Connection
from ledger.joint_statements import JointStatement
from ledger.statement_papers import statement_csv, statement_pdf
from payouts.joint_statement import statement_file_name

Paper: TypeAlias = Callable[[Connection, JointStatement], Awaitable[bytes | None]]


async def send_statement_pdf(visit: Visit) -> web.StreamResponse:
    return await _frozen(visit, "pdf", "application/pdf", statement_pdf)


async def send_statement_csv(visit: Visit) -> web.StreamResponse:
    return await _frozen(visit, "csv", "text/csv", statement_csv)


async def _frozen(visit: Visit, suffix: str, kind: str, read: Paper) -> web.StreamResponse:
    statement = await statement_asked(visit, await ending_asked(visit))
    content = await read(visit.connection, statement)
    if content is None:
        raise PageRefused(NO_PAGE)
    disposition = f'attachment; filename="{statement_file_name(statement, suffix)}"'
    return web.Response(
        body=content,
        content_type=kind,
        charset="utf-8" if suffix == "csv" else None,
        headers=NO_STORE | {"Content-Disposition": disposition},
    )
