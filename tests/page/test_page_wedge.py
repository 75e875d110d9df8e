"""A handheld scanner that types like a keyboard: taken wherever the focus is, and nothing else happens."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from playwright.async_api import Page, expect

SCANNER_MS = 8
US_NAME = {" ": "Space", "-": "Minus", ".": "Period", "/": "Slash"}
US_SHIFTED = {"$": "Digit4", "%": "Digit5", "*": "Digit8", "+": "Equal", ":": "Semicolon"}
# What a French keyboard makes of a key: its letters, plain then with shift.
AZERTY = {f"Digit{digit}": f"{plain}{digit}" for digit, plain in enumerate("à&é\"'(-è_ç")} | {
    "KeyA": "qQ",
    "KeyQ": "aA",
    "KeyZ": "wW",
    "KeyW": "zZ",
    "KeyM": ",?",
    "Semicolon": "mM",
    "Minus": ")°",
    "Period": ":/",
    "Slash": "!§",
    "Equal": "=+",
    "Space": "  ",
}
Struck = tuple[str, str, bool]


def on_us_keyboard(text: str) -> list[Struck]:
    """The keys that a scanner presses, as most believe that the keyboard is American."""
    return [(character, *_us_key(character)) for character in text]


def on_azerty(text: str) -> list[Struck]:
    """The same keys, as a computer with a French keyboard hears them."""
    return [
        (_azerty(code, shift) or character, code, shift) for character, code, shift in on_us_keyboard(text)
    ]


def _us_key(character: str) -> tuple[str, bool]:
    if character.isdigit():
        return f"Digit{character}", False
    if character.isalpha():
        return f"Key{character.upper()}", character.isupper()
    if character in US_SHIFTED:
        return US_SHIFTED[character], True
    return US_NAME[character], False


def _azerty(code: str, shift: bool) -> str | None:
    return AZERTY[code][shift] if code in AZERTY else None


async def strike(
    page: Page, keys: Sequence[Struck], *, end: str | None = "Enter", stalled_s: float = 0
) -> None:
    """Real key events, with a scanner's own timing however busy this machine is.

    stalled_s: how long the computer has no time for what comes after the first half.
    """
    session = await page.context.new_cdp_session(page)
    struck = [*keys, *([(end, end, False)] if end else [])]
    sent, at = [], time.time()
    for place, (key, code, shift) in enumerate(struck):
        at += SCANNER_MS / 1000
        if stalled_s and place == len(struck) // 2:
            await asyncio.gather(*sent)
            sent = []
            await asyncio.sleep(stalled_s)
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        event = {"key": key, "code": code, "modifiers": 8 if shift else 0, "timestamp": at}
        sent.append(session.send("Input.dispatchKeyEvent", {**event, "type": "keyDown", "text": text}))
        if key in {" ", "Enter"}:  # which press a button when they come up
            sent.append(session.send("Input.dispatchKeyEvent", {**event, "type": "keyUp"}))
    await asyncio.gather(*sent)


@pytest.mark.parametrize("layout", [on_us_keyboard, on_azerty])
async def test_a_qr_is_taken_whatever_keyboard_the_computer_has(desk, instance, layout):
    await desk.locator("body").click(position={"x": 5, "y": 5})
    await strike(desk, layout(instance.qr(0)))
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)


async def test_a_code_128_on_a_french_keyboard_is_taken(desk, instance):
    await strike(desk, on_azerty(instance.short(0)))
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)


async def test_keys_that_a_busy_computer_brings_late_are_of_one_code(desk, instance):
    await strike(desk, on_us_keyboard(instance.qr(0)), stalled_s=0.6)
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)


async def test_no_button_is_pressed_by_what_a_scanner_types(desk, instance):
    await desk.focus("#menu-open")
    await strike(desk, on_us_keyboard(instance.qr(0)))
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)
    await expect(desk.locator("#menu")).to_be_hidden()


async def test_no_list_jumps_to_the_letters_of_a_code(desk, instance):
    await desk.focus("#service")
    await strike(desk, on_us_keyboard("DEMPAR" + instance.short(0)[:4]), end=None)
    await expect(desk.locator("#service")).to_have_value("premiers-pas")


async def test_the_field_that_has_the_focus_keeps_its_text(desk, instance):
    await desk.fill("#code", "0000-0001")
    await strike(desk, on_us_keyboard(instance.qr(1)))
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)
    await expect(desk.locator("#code")).to_have_value("0000-0001")


async def test_a_scanner_that_sends_no_enter_is_understood(desk, instance):
    await strike(desk, on_us_keyboard(instance.short(0)), end=None)
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)


async def test_quick_hands_lose_nothing(desk):
    await desk.focus("#code")
    await strike(desk, on_us_keyboard("00000001"), end=None)
    await expect(desk.locator("#code")).to_have_value("0000-0001")


async def test_a_scanner_set_for_another_keyboard_is_told_what_to_set(desk):
    await strike(desk, [("й", "", False)] * 20)
    await expect(desk.locator("#notice")).to_contain_text("Douchette mal réglée")
    await expect(desk.locator("#verdicts li")).to_have_count(0)
