"""What the page's own modules say and compute, asked in the browser: short codes, refusals, typography."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from playwright.async_api import Browser, Page

from mobile_web.page import read_files
from validator.verdict import Refusal

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "short_codes.json").read_text())
# A plain space before a sign that stands apart, or an ASCII apostrophe between letters.
POOR_FRENCH = re.compile(r"\S [:;!?€»]|« |\w'\w")


@pytest.fixture
async def modules(browser: Browser, files_alone: TestClient) -> AsyncIterator[Page]:
    """A page of our own that runs nothing, so that a test can ask any module."""
    page = await browser.new_page()
    await page.goto(str(files_alone.make_url("/page/mark.svg")))
    yield page
    await page.close()


async def test_the_page_reads_typed_codes_as_the_server_does(modules):
    read = """async texts => {
        const { grouped, isWhole, meant } = await import("/page/short_code.js")
        return texts.map(text => isWhole(meant(text)) ? grouped(meant(text)) : null)
    }"""
    for vector in VECTORS["good"]:
        texts = [vector["text"], *vector["also_read"]]
        expected = vector["text"].translate(str.maketrans("OIL", "011"))
        assert await modules.evaluate(read, texts) == [expected] * len(texts), vector["name"]


async def test_every_wrong_last_character_is_seen(modules):
    read = """async texts => {
        const { isWhole, meant } = await import("/page/short_code.js")
        return texts.map(text => isWhole(meant(text)))
    }"""
    good = VECTORS["good"][0]["text"]
    others = [good[:-1] + last for last in "0123456789ABCDEFGHJKMNPQRSTUVWXYZ" if last != good[-1]]
    assert not any(await modules.evaluate(read, others))


async def test_every_refusal_of_the_server_has_its_words(modules):
    names = await modules.evaluate("async () => Object.keys((await import('/page/words.js')).REASON_OF)")
    assert names == [refusal.value for refusal in Refusal]


def test_french_typography_holds_in_every_text():
    for file in read_files():
        text = file.body.decode()
        if file.name == "index.html":
            words = re.sub(r"<[^>]*>", "\n", text)
        elif file.name == "words.js":
            quoted = re.findall(r'"([^"\n]*)"|`([^`\n]*)`', re.sub(r"//.*", "", text))
            words = "\n".join(re.sub(r"\$\{NBSP\}", "\u00a0", "".join(pair)) for pair in quoted)
        else:
            continue
        assert not POOR_FRENCH.findall(words), file.name
        assert "passes" not in words.replace("${passes(", ""), "« pass » does not change"
