"""A remittance as files: the bordereau as PDF/A-3b and its lines as CSV. What they say is payouts'."""

from aiohttp import web

from console.refusal import BUSY, PageRefused
from console.remittances_page import remittance_asked
from console.rendering import NO_STORE
from console.visit import Visit
from ledger.remittance_rows import ClosedRemittance
from payouts.drawing import DrawingBusy
from payouts.remittance_csv import file_name, remittance_csv


async def send_pdf(visit: Visit) -> web.StreamResponse:
    closed = await remittance_asked(visit)
    try:
        drawn = await visit.console.drawings.draw(closed)
    except DrawingBusy:
        raise PageRefused(BUSY) from None
    return _file(closed, drawn, "pdf", "application/pdf")


async def send_csv(visit: Visit) -> web.StreamResponse:
    closed = await remittance_asked(visit)
    return _file(closed, remittance_csv(closed), "csv", "text/csv")


def _file(closed: ClosedRemittance, content: bytes, suffix: str, media_type: str) -> web.Response:
    disposition = f'attachment; filename="{file_name(closed, suffix)}"'
    charset = "utf-8" if media_type.startswith("text/") else None
    return web.Response(
        body=content,
        content_type=media_type,
        charset=charset,
        headers=NO_STORE | {"Content-Disposition": disposition},
    )
