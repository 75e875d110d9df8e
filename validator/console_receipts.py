"""The export of receipts as the console asks for it: by an operator's manager, with the service's keys."""

import asyncio

from aiohttp import web

from console.refusal import BUSY, UNAVAILABLE, PageRefused
from console.rendering import HEADERS, NO_STORE
from ledger.connect import Connection
from validator.receipt_export import EXPORT_SECONDS_MAX, EXPORTS_MAX, export_receipts
from validator.trouble import CannotDecide
from validator.wiring import DESK, EXPORTS_UNDER_WAY, KEEPER


async def console_receipts(
    request: web.Request, connection: Connection, operator_id: int
) -> web.StreamResponse:
    exports = request.config_dict[EXPORTS_UNDER_WAY]
    mark = -operator_id
    if mark in exports or len(exports) >= EXPORTS_MAX:
        raise PageRefused(BUSY)
    giving_up = asyncio.get_running_loop().call_later(EXPORT_SECONDS_MAX, connection.terminate)
    exports.add(mark)
    try:
        snapshot = request.config_dict[KEEPER].current()
        operator = snapshot.operators.get(operator_id)
        if operator is None:  # added a moment ago: the snapshot will know it
            raise PageRefused(UNAVAILABLE)
        return await export_receipts(
            request, connection, operator, snapshot, request.config_dict[DESK], HEADERS | NO_STORE
        )
    except CannotDecide:
        raise PageRefused(UNAVAILABLE) from None
    finally:
        exports.remove(mark)
        giving_up.cancel()
