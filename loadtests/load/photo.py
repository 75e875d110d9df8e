"""A picture of a code as a phone might send it: a JPEG of paper with a QR on it. Not what reads it."""

import io

import segno
from PIL import Image

PAPER = (1_200, 1_600)
QUALITY = 80


def a_photo(code: str) -> bytes:
    drawn = io.BytesIO()
    segno.make(code, error="m", boost_error=False).save(drawn, kind="png", scale=9, border=4)
    paper = Image.new("L", PAPER, 235)
    paper.paste(Image.open(drawn).convert("L").rotate(4, expand=True, fillcolor=235), (300, 500))
    photo = io.BytesIO()
    paper.save(photo, "JPEG", quality=QUALITY)
    return photo.getvalue()
