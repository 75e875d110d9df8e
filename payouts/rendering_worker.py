"""Renders accounts in a process of its own: what is wanted comes on stdin, what was made goes to stdout."""

import asyncio
import sys
from datetime import date, datetime
from pathlib import Path

import msgspec

from ledger.connect import connected
from ledger.frozen_renderings import FrozenOtherwise, freeze_rendering
from ledger.rendering_rows import Period
from ledger.renderings import TooMuch
from payouts.archive import NotAnArchive
from payouts.rendering import UnknownFunder, render_to_file


class Wanted(msgspec.Struct, frozen=True):
    dsn: str  # on stdin, so that no list of processes shows its password
    path: str
    first: date
    last: date
    funder: str | None
    programme_id: int | None
    frozen_by: str | None  # None: rendered only
    at: datetime


class Made(msgspec.Struct, frozen=True):
    sha256: str = ""
    refused: str = ""  # why there is no archive


async def make(wanted: Wanted) -> Made:
    period = Period(wanted.first, wanted.last)
    async with connected(wanted.dsn, purpose="accounts") as connection:
        try:
            rendered = await render_to_file(
                connection,
                Path(wanted.path),
                period,
                funder=wanted.funder,
                programme_id=wanted.programme_id,
            )
            if wanted.frozen_by is not None:
                await freeze_rendering(connection, rendered.facts, actor=wanted.frozen_by, at=wanted.at)
        except (UnknownFunder, TooMuch, NotAnArchive, FrozenOtherwise) as error:
            return Made(refused=str(error))
    return Made(sha256=rendered.sha256)


if __name__ == "__main__":
    made = asyncio.run(make(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Wanted)))
    sys.stdout.buffer.write(msgspec.msgpack.encode(made))
