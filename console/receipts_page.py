"""An operator's receipts, to download: proof that stands without us. The service that signs them exports."""

from aiohttp import web

from console.refusal import NO_EXPORT, PageRefused
from console.visit import Visit


async def export_receipts(visit: Visit) -> web.StreamResponse:
    export, operator_id = visit.console.receipts, visit.account.operator_id
    if export is None:
        raise PageRefused(NO_EXPORT)
    assert operator_id is not None
    return await export(visit.request, visit.connection, operator_id)
