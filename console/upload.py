"""Files that a form brings, read within limits. What is in them is the page's."""

import asyncio
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from console.form import FORM_BYTES_MAX
from console.refusal import FILES_TOO_LONG, FORM_UNREADABLE, TOO_SLOW, PageRefused
from payouts.bank.refused import FILE_BYTES_MAX

FILES_MAX = 20
PARTS_MAX = 2 * FILES_MAX
BODY_BYTES_MAX = 2 * FILE_BYTES_MAX
BODY_SECONDS_MAX = 60
NAME_CHARS_MAX = 100
NAMELESS = "fichier sans nom"


@dataclass(frozen=True, slots=True)
class UploadedFile:
    name: str
    content: bytes  # of a file beyond the maximum, its beginning: one byte more than is read


async def read_upload(request: web.Request) -> tuple[Mapping[str, str], tuple[UploadedFile, ...]]:
    """The fields of the form and its files, an empty choice left out."""
    if request.content_type != "multipart/form-data":
        raise PageRefused(FORM_UNREADABLE)
    if request.content_length is None or request.content_length > BODY_BYTES_MAX:
        raise PageRefused(FILES_TOO_LONG)
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return await _read_parts(request)
    except TimeoutError:
        raise PageRefused(TOO_SLOW) from None
    # How aiohttp says that it is no multipart; the last one, that a header within is too long.
    except (ValueError, AssertionError, HttpProcessingError):
        raise PageRefused(FORM_UNREADABLE) from None


async def _read_parts(request: web.Request) -> tuple[Mapping[str, str], tuple[UploadedFile, ...]]:
    form: dict[str, str] = {}
    files: list[UploadedFile] = []
    reader = await request.multipart()
    for _ in range(PARTS_MAX):
        part = await reader.next()
        if part is None:
            return form, tuple(files)
        if not isinstance(part, BodyPartReader):
            raise PageRefused(FORM_UNREADABLE)
        if "filename" in part.headers.get("Content-Disposition", ""):
            content = await _begin(part, FILE_BYTES_MAX + 1)
            if content or part.filename:
                files.append(UploadedFile(_plain(part.filename or ""), content))
        else:
            form[part.name or ""] = (await _begin(part, FORM_BYTES_MAX)).decode()
        if len(files) > FILES_MAX:
            raise PageRefused(FILES_TOO_LONG)
    raise PageRefused(FILES_TOO_LONG)


async def _begin(part: BodyPartReader, bytes_max: int) -> bytes:
    """The first bytes; what is beyond is read and dropped."""
    kept = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        kept += chunk[: bytes_max - len(kept)]
    return bytes(kept)


def _plain(name: str) -> str:
    """A name to be shown and kept: no path, nothing invisible."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C")
    return " ".join(unicodedata.normalize("NFC", seen).split())[:NAME_CHARS_MAX] or NAMELESS
