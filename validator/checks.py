"""What a scan would be told, taking nothing: of one code, or of all on a photo (ten passes, one upload)."""

from collections.abc import Iterable
from datetime import UTC, datetime

from aiohttp import web

from ledger.rows import Device
from validator import answers
from validator.bodies import AcceptableBody, FoundBody, RefusedBody
from validator.code_reading import CODE_CHARS_MAX
from validator.messages import language_of
from validator.scan import check
from validator.verdict import Refusal, Refused
from validator.wiring import KEEPER, POOL, READER

# A table of passes, each with its QR and its Code 128, three times over.
CHECKS_MAX = 60


async def add_checks(codes: Iterable[FoundBody], request: web.Request, device: Device) -> None:
    """One after the other: a photo takes one connection of the pool at a time, however much is on it."""
    now = datetime.now(UTC)
    service = request.query.get("service")
    for code in list(codes)[:CHECKS_MAX]:
        code.check = await check_body(request, code.text, service=service, device=device, now=now)


async def check_body(
    request: web.Request, text: str, *, service: str | None, device: Device, now: datetime
) -> AcceptableBody | RefusedBody:
    """What a scan of this text would be told now."""
    keeper = request.app[KEEPER]
    found = (
        await check(
            text,
            service=service or None,
            device=device,
            now=now,
            reader=request.app[READER],
            keeper=keeper,
            pool=request.app[POOL],
        )
        if len(text) <= CODE_CHARS_MAX
        else Refused(Refusal.UNREADABLE)
    )
    if isinstance(found, Refused):
        language = language_of(request.headers.get("Accept-Language", ""))
        return answers.refused_body(found, None, snapshot=keeper.current(), language=language)
    return answers.acceptable_body(found.pass_id, keeper.current())
