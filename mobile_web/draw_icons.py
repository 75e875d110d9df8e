"""Draws the icons of the installed page from the mark: run by hand when the mark changes. Needs Chromium."""

import shutil
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import sync_playwright

STATIC: Final = Path(__file__).parent / "static"
SIZES: Final = (192, 512)
# Phones cut an icon to a circle: what matters stays within four fifths of it.
MARK_SHARE: Final = 0.62
COLOURS: Final = 8  # two, and what softens the edge between them
PAPER, INK = "#3b1f7a", "#ffffff"


def main() -> None:
    mark = (STATIC / "mark.svg").read_text(encoding="utf-8").replace("#7a4fd0", INK)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox"]
        )
        for size in SIZES:
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(
                f"<style>body{{margin:0;display:grid;place-items:center;height:100vh;background:{PAPER}}}"
                f"svg{{height:{round(size * MARK_SHARE)}px;width:auto}}</style>{mark}"
            )
            drawn = Image.open(BytesIO(page.screenshot()))
            drawn.quantize(COLOURS).save(STATIC / f"icon-{size}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
