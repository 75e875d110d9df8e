"""Writes all receipts of an operator as JSON lines: the keyset, then each acceptance with its receipt. Who
may ask is the caller's; `poincon receipts verify` reads it."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from aiohttp import web

from ledger.acceptances import acceptances_of
from ledger.connect import Connection
from ledger.rows import Operator
from validator.receipt_desk import ReceiptDesk
from validator.snapshot import Snapshot

RECEIPTS_PER_WRITE = 200
RECEIPTS_PER_TURN = 20
EXPORTS_MAX = 2  # each holds a connection of the pool for as long as its reader takes
EXPORT_SECONDS_MAX = 600.0


async def export_receipts(
    request: web.Request,
    connection: Connection,
    operator: Operator,
    snapshot: Snapshot,
    desk: ReceiptDesk,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            **headers,
            "Content-Type": "application/jsonl",
            "Content-Disposition": f'attachment; filename="recus-{operator.siret}.jsonl"',
        }
    )
    head = {"operator": operator.siret, "keyset": snapshot.keyring.jwks()}
    lines = [msgspec.json.encode(head)]
    await response.prepare(request)
    count = 0
    async for acceptance in acceptances_of(connection, operator.id):
        lines.append(
            msgspec.json.encode(
                {
                    "receipt": desk.receipt(acceptance, snapshot),
                    "booklet": acceptance.pass_id.booklet,
                    "number": acceptance.pass_id.number,
                    "amount_cents": acceptance.amount_cents,
                    "accepted_at": acceptance.accepted_at,
                    "undone_at": acceptance.undone_at,
                }
            )
        )
        count += 1
        if count % RECEIPTS_PER_TURN == 0:
            await asyncio.sleep(0)  # scans have their turn between signatures
        if len(lines) >= RECEIPTS_PER_WRITE:
            await response.write(b"\n".join(lines) + b"\n")
            lines.clear()
    lines.append(msgspec.json.encode({"receipts": count}))  # an export cut short lacks this line
    await response.write(b"\n".join(lines) + b"\n")
    await response.write_eof()
    return response
