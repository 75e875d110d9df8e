"""What the page's own modules say and compute, asked in the browser: short codes, refusals, typography."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from playwright.async_api import Browser, Page

from mobile_web.page_files import read_files
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


@pytest.mark.parametrize("words", ["words.js", "words_en.js"])
async def test_every_refusal_of_the_server_has_its_words(modules, words):
    names = await modules.evaluate(f"async () => Object.keys((await import('/page/{words}')).REASON_OF)")
    assert names == [refusal.value for refusal in Refusal]


async def test_both_languages_say_the_same_things(modules):
    """Name for name: a sentence for each sentence, a function of as many facts for each function."""
    shape = """async () => {
        const shapeOf = (said) => typeof said === "string" ? "text"
            : typeof said === "function" ? said.length
            : Object.fromEntries(Object.entries(said).map(([name, one]) => [name, shapeOf(one)]))
        const table = async (path) => shapeOf({ ...(await import(path)), SCREEN: "" })
        return [await table("/page/words.js"), await table("/page/words_en.js")]
    }"""
    french, english = await modules.evaluate(shape)
    assert french == english


async def test_each_text_of_the_markup_has_its_english_and_none_is_left_over(open_page):
    page = await open_page(None)
    await page.locator("#stranger").wait_for()
    compare = """async () => {
        const { SCREEN } = await import("/page/words_en.js")
        const texts = new Set()
        const meant = (text) => text.trim().replace(/\\s+/g, " ")
        const add = (text) => /\\p{L}{2}/u.test(text) && texts.add(meant(text))
        const templates = [...document.querySelectorAll("template")].map(({ content }) => content)
        for (const root of [document, ...templates]) {
            const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT)
            while (walker.nextNode()) {
                const node = walker.currentNode
                if (node.parentNode.localName === "noscript") continue // nothing switches languages there
                if (node.nodeType === Node.TEXT_NODE) { add(node.data); continue }
                for (const name of ["aria-label", "placeholder"]) add(node.getAttribute(name) ?? "")
                if (node.name === "description") add(node.content)
            }
        }
        const same = new Set(["Poinçon", "Français", "English", "XXXX-XXXX-XXXX-XXXX"])
        return {
            missing: [...texts].filter((text) => !SCREEN[text] && !same.has(text)),
            left: Object.keys(SCREEN).filter((text) => !texts.has(text)),
        }
    }"""
    found = await page.evaluate(compare)
    assert found["missing"] == []
    assert found["left"] == []


def test_french_typography_holds_in_every_text():
    for file in read_files():
        if file.url not in {"/", "/page/words.js"}:
            continue
        text = file.body.decode()
        if file.url == "/":
            words = re.sub(r"<[^>]*>", "\n", text)
        else:
            quoted = re.findall(r'"([^"\n]*)"|`([^`\n]*)`', re.sub(r"//.*", "", text))
            said = ("".join(pair).replace("${NBSP}", "\u00a0") for pair in quoted)
            words = "\n".join(re.sub(r"\$\{[^}]*\}", "…", text) for text in said)
        assert not POOR_FRENCH.findall(words), file.url
        assert "passes" not in words, "« pass » does not change"


def test_the_markup_names_each_module_of_the_first_screen_so_that_all_are_fetched_at_once():
    texts = {file.url: file.body.decode() for file in read_files() if file.url.endswith(".js")}
    needed, found = ["/page/main.js"], set()
    while needed:
        url = needed.pop()
        if url not in found:
            found.add(url)
            needed += [f"/page/{name}" for name in re.findall(r' from "\./([^"]+)"', texts[url])]
    (index,) = (file.body.decode() for file in read_files() if file.url == "/")
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', index)
    assert preloaded == sorted(found - {"/page/main.js"})
