"""Names a file's format by its first bytes, and refuses by name what is not read. Looks no further."""

from scanner.found import ImageRefusal, ImageRefused

READ_FORMATS = ("JPEG", "PNG", "WebP")

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
    (b"%PDF-", "PDF"),
    (b"8BPS", "PSD"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\1\0", "ICO"),
    (b"%!PS", "PostScript"),
    (b"<svg", "SVG"),
)
_BRANDS = {
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"heim": "HEIC",
    b"heis": "HEIC",
    b"hevc": "HEIC",
    b"hevx": "HEIC",
    b"mif1": "HEIC",
    b"msf1": "HEIC",
    b"avif": "AVIF",
    b"avis": "AVIF",
}
_WAY_OUT = {
    "HEIC": "On an iPhone choose Settings, Camera, Formats, Most Compatible, then take the photo again.",
    "PDF": "Turn its pages into PNG or JPEG first, at 200 dots per inch or more.",
}


def read_format_of(image_bytes: bytes) -> str:
    """One of READ_FORMATS; anything else is refused."""
    name = _name_of(image_bytes)
    if name in READ_FORMATS:
        return name
    if name is None:
        raise ImageRefused(ImageRefusal.NOT_AN_IMAGE, "This is not a picture. Send a JPEG, PNG or WebP one.")
    way_out = _WAY_OUT.get(name, "Save the picture as JPEG and send it again.")
    raise ImageRefused(
        ImageRefusal.UNSUPPORTED_FORMAT, f"{name} is not read here, only JPEG, PNG and WebP. {way_out}"
    )


def _name_of(image_bytes: bytes) -> str | None:
    if image_bytes[:4] == b"RIFF" and image_bytes[8:12] == b"WEBP":
        return "WebP"
    if image_bytes[4:8] == b"ftyp":
        return _BRANDS.get(image_bytes[8:12])
    return next((name for start, name in _SIGNATURES if image_bytes.startswith(start)), None)
