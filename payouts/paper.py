"""A4 paper as PDF/A-3b by fpdf2: typefaces, words that fit, metadata from the facts alone. No sentence.

The same calls give the same bytes: every date in the file is the one given, and fpdf2's own metadata, which
tell the time of writing, are replaced.
"""

import re
import unicodedata
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from fpdf import FPDF

import programmes.print

FONTS = Path(programmes.print.__file__).with_name("fonts")
LEFT, RIGHT, TOP, BOTTOM = 16.0, 194.0, 16.0, 279.0  # millimetres; the footer stands below
WIDTH = RIGHT - LEFT
NARROW_NBSP, NBSP = "\u202f", "\u00a0"
ELLIPSIS = "…"
GREY, LIGHT = 96, 236

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"
   xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
   xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
  <rdf:Description rdf:about="" xmp:CreateDate="{at}" xmp:ModifyDate="{at}" xmp:MetadataDate="{at}"
    xmp:CreatorTool="Poinçon" pdf:Producer="Poinçon">
   <pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
   <dc:format>application/pdf</dc:format><dc:language><rdf:Bag><rdf:li>fr-FR</rdf:li></rdf:Bag></dc:language>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"""


# French sets a space that never breaks before these signs and within guillemets.
UNBROKEN = re.compile(r" (?=[:;?!»%€])|(?<=[«°]) ")


class Paper(FPDF):
    """Millimetres from the upper left corner; `y` of a text is its baseline."""

    def __init__(self, *, title: str, foot: str, at: datetime) -> None:
        super().__init__(format="A4", enforce_compliance="PDF/A-3B")
        for family, style, name in (
            ("Lexend", "", "Lexend-Regular"),
            ("Lexend", "B", "Lexend-Bold"),
            ("Mono", "", "AtkinsonHyperlegibleMono-Bold"),
        ):
            self.add_font(family, style, FONTS / f"{name}.ttf")
        self._foot = foot
        self._fitted: dict[tuple[str, float, str, str, float], tuple[str, float]] = {}
        at = at.astimezone(UTC)
        self.set_auto_page_break(False)
        self.set_margins(LEFT, TOP, 210 - RIGHT)
        self.c_margin = 0
        self.set_creation_date(at)
        self.set_title(title)
        self.set_creator("Poinçon")
        self.set_producer("Poinçon")
        self.set_lang("fr-FR")
        stamp = at.isoformat(timespec="seconds")
        self.set_xmp_metadata(XMP.format(at=stamp, title=escape(title, quote=False)))

    def footer(self) -> None:
        self.ink(7.5, grey=GREY)
        self.text(LEFT, 287, self.fitted(self._foot, WIDTH - 30))
        self.set_xy(RIGHT - 20, 284.2)
        self.cell(20, 4, f"page {self.page_no()} / {{nb}}")  # text() would leave the number of pages unsaid
        self.ink(9)

    def ink(self, points: float, *, bold: bool = False, mono: bool = False, grey: int = 0) -> None:
        self.set_font("Mono" if mono else "Lexend", "B" if bold else "", points)
        self.set_text_color(grey)

    def drawable(self, text: str) -> str:
        """What the typeface can set: an unknown letter loses its accents, or becomes a question mark."""
        glyphs = self.current_font.cmap  # type: ignore[union-attr]
        composed = unicodedata.normalize("NFC", UNBROKEN.sub(NBSP, text)).replace(NARROW_NBSP, NBSP)
        return "".join(
            character if ord(character) in glyphs else _nearest(character, glyphs) for character in composed
        )

    def fitted(self, text: str, width: float) -> str:
        """The text, or as much of it as the width holds."""
        return self._measured(text, width)[0]

    def _measured(self, text: str, width: float) -> tuple[str, float]:
        """The text that fits, and its width; kept, because thousands of lines say the same."""
        key = (text, width, self.font_family, self.font_style, self.font_size_pt)
        if key not in self._fitted:
            fitted = self.drawable(text)
            if self.get_string_width(fitted) > width:
                while fitted and self.get_string_width(fitted + ELLIPSIS) > width:
                    fitted = fitted[:-1]
                fitted = fitted.rstrip() + ELLIPSIS
            self._fitted[key] = (fitted, self.get_string_width(fitted))
        return self._fitted[key]

    def write_at(self, x: float, y: float, text: str, *, width: float, right: bool = False) -> None:
        """One line. right: it ends at x + width."""
        text, wide = self._measured(text, width)
        self.text(x + width - wide if right else x, y, text)

    def paragraph(self, text: str, *, x: float = LEFT, width: float = WIDTH, leading: float = 4.6) -> None:
        """Broken into lines from the pen's height on, which it moves."""
        self.set_x(x)
        self.multi_cell(width, leading, self.drawable(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def rule(self, y: float, *, grey: int = 170) -> None:
        self.set_draw_color(grey)
        self.set_line_width(0.2)
        self.line(LEFT, y, RIGHT, y)

    def band(self, y: float, height: float) -> None:
        self.set_fill_color(LIGHT)
        self.rect(LEFT, y, WIDTH, height, style="F")


def _nearest(character: str, glyphs: dict[int, str]) -> str:
    bare = "".join(
        part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part)
    )
    return bare if bare and all(ord(part) in glyphs for part in bare) else "?"
