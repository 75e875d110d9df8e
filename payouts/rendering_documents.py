"""The documents that an archive of accounts holds: bordereaux, and the files to and from the bank."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from ledger.connect import Connection
from ledger.remittances import read_remittance
from ledger.rendering_rows import BankFile
from ledger.renderings import (
    content_made,
    content_received,
    files_made,
    files_received,
    remittances_closed,
)
from payouts import rendering_columns as columns
from payouts import rendering_tables as tables
from payouts.remittance_csv import file_name, remittance_csv
from payouts.remittance_pdf import draw_remittance
from payouts.rendering_run import Rendering

FILE_NAME_CHARS_MAX = 60


async def write_remittances(one: Rendering) -> int:
    keys = await remittances_closed(one.connection, one.period, one.scope)
    listed = []
    for place, (operator_id, number) in enumerate(keys):
        one.progress("bordereaux", place, len(keys))
        closed = await read_remittance(one.connection, operator_id, number)
        assert closed is not None
        name = f"bordereaux/{file_name(closed, 'csv')}"
        one.archive.add(name, remittance_csv(closed))
        pdf = await asyncio.to_thread(draw_remittance, closed)
        one.archive.add(f"bordereaux/{file_name(closed, 'pdf')}", pdf)
        parts = closed.remittance.parts
        cents = sum(part.total_cents for part in parts if one.scope is None or part.programme_id in one.scope)
        listed.append(tables.remittance_row(closed, cents, name))
    one.progress("bordereaux", len(keys), len(keys))
    one.write_table("bordereaux.csv", columns.REMITTANCES, listed)
    return len(keys)


async def write_bank_files(one: Rendering) -> None:
    kinds: tuple[tuple[str, str, list[BankFile], Callable[[Connection, int], Awaitable[bytes]]], ...] = (
        ("reçu de la banque", "recus", await files_received(one.connection, one.period), content_received),
        ("fichier de virements", "envoyes", await files_made(one.connection, one.period), content_made),
    )
    listed = []
    for kind, folder, files, content in kinds:
        for file in files:
            place = f"banque/{folder}/{file.id:05d}-{_plain(file.name)}" if one.scope is None else ""
            if place:
                one.archive.add(place, await content(one.connection, file.id))
            listed.append(tables.file_row(file, kind, place))
    one.write_table("pieces.csv", columns.FILES, listed)


def _plain(name: str) -> str:
    """Somebody else named the file: nothing of it may leave the folder it is unpacked to."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)[-FILE_NAME_CHARS_MAX:].lstrip(".") or "fichier"
