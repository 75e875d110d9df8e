"""Prints docs/guide-mediateur.md to build/guide-mediateur.pdf, by Chromium: two A4 pages.

It reads the little Markdown that the guide is written in, and no other.
"""

import html
import re
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

DOCS: Final = Path(__file__).parent
SOURCE: Final = DOCS / "guide-mediateur.md"
TARGET: Final = DOCS.parent / "build" / "guide-mediateur.pdf"
STYLE: Final = """
@page { size: A4; margin: 12mm 14mm }
body { font: 9.6pt/1.32 sans-serif; color: #17131f; margin: 0 }
h1 { font-size: 17pt; color: #4a2795; margin: 0 }
h2 { font-size: 12pt; color: #4a2795; margin: 3mm 0 1mm; break-after: avoid }
p { margin: 0 0 1.5mm }
img { height: 58mm; border: 0.3mm solid #8d8799; border-radius: 2mm }
p > img { float: right; height: 52mm; margin: 0 0 1mm 4mm }
table { width: 100%; border-collapse: collapse; margin: 1mm 0 2mm; break-inside: avoid }
td, th { padding: 0.8mm 2mm; text-align: left; vertical-align: top; font-weight: normal }
table:not(:has(img)) td, table:not(:has(img)) th { border-bottom: 0.2mm solid #d9d5e0 }
h2 { clear: both }
"""


def page_of(markdown: str) -> str:
    body = "".join(_blocks(markdown.splitlines()))
    return f"<!doctype html><html lang=fr><meta charset=utf-8><style>{STYLE}</style><body>{body}"


def _blocks(lines: list[str]) -> Iterator[str]:
    for is_blank, block in groupby(lines, key=lambda line: not line.strip()):
        if is_blank:
            continue
        text = list(block)
        if heading := re.match(r"(#+) (.*)", text[0]):
            yield f"<h{len(heading[1])}>{_inline(heading[2])}</h{len(heading[1])}>"
        elif text[0].startswith("|"):
            yield f"<table>{''.join(_row(line) for line in text if not line.startswith('| ---'))}</table>"
        else:
            yield f"<p>{_inline(' '.join(text))}</p>"


def _row(line: str) -> str:
    return (
        f"<tr>{''.join(f'<td>{_inline(cell.strip())}</td>' for cell in line.strip('| ').split(' | '))}</tr>"
    )


def _inline(text: str) -> str:
    text = re.sub(r" ([:;!?»])", "\u00a0\\1", text).replace("« ", "«\u00a0")
    text = html.escape(text, quote=False)
    text = re.sub(r"!\[([^]]*)\]\(([^)]*)\)", r'<img alt="\1" src="\2">', text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)


def main() -> None:
    TARGET.parent.mkdir(exist_ok=True)
    # Beside its pictures, so that their addresses hold.
    printed = DOCS / ".guide.html"
    printed.write_text(page_of(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
    try:
        with sync_playwright() as playwright:
            path = shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox"])
            page = browser.new_page()
            page.goto(printed.as_uri(), wait_until="networkidle")
            page.pdf(path=TARGET, prefer_css_page_size=True, print_background=True, tagged=True)
            browser.close()
    finally:
        printed.unlink()


if __name__ == "__main__":
    main()
