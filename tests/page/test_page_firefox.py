"""The page in Debian's Firefox, driven over WebDriver BiDi: what works must not be Chromium's alone."""

import asyncio
import base64
import io
import itertools
import json
import os
import re
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

from loadtests import camera_films
from validator.badge import COOKIE

START_SECONDS_MAX = 60
ANSWER_SECONDS_MAX = 30
SEEN_SECONDS_MAX = 60
KEY_MS = 80
MESSAGE_BYTES_MAX = 4 * 1024 * 1024
# A made-up camera that nobody has to allow; and Firefox asks nothing of anybody but the page's server.
PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "app.update.disabledForTesting": True,
    "messaging-system.rsexperimentloader.enabled": False,
    "services.settings.server": "data:,",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "intl.accept_languages": "fr-FR",
}

# A choice that is not there yet leaves the field as it was.
CHOOSE = """(() => {
  const service = document.querySelector("#service")
  service.value = "premiers-pas"
  service.dispatchEvent(new Event("change", { bubbles: true }))
  return service.value === "premiers-pas"
})()"""
# Firefox plays no film, but a canvas may stand in for its camera.
FILM = """async (picture) => {
  const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0))
  const frame = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }))
  const canvas = Object.assign(document.createElement("canvas"), { width: frame.width, height: frame.height })
  const context = canvas.getContext("2d")
  setInterval(() => context.drawImage(frame, 0, 0), 60)
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(15)
}"""


class Firefox:
    """As much of WebDriver BiDi as these tests speak: one call at a time, and the errors that pages tell."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.faults: list[str] = []
        self.context = ""

    async def start(self) -> None:
        await self.call("session.new", capabilities={})
        await self.call("session.subscribe", events=["log.entryAdded"])
        self.context = (await self.call("browsingContext.create", type="tab"))["context"]
        await self.call(
            "browsingContext.setViewport", context=self.context, viewport={"width": 360, "height": 640}
        )

    async def call(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while (message := await self._socket.receive_json()).get("id") != number:
                if message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
                    self.faults.append(message["params"]["text"])
        assert message["type"] == "success", message
        return message["result"]

    async def open(self, url: str, token: str | None) -> None:
        if token is not None:
            cookie = {"name": COOKIE, "domain": "127.0.0.1", "httpOnly": True, "sameSite": "strict"}
            value = {"type": "string", "value": token}
            await self.call("storage.setCookie", cookie=cookie | {"value": value})
        await self.call("browsingContext.navigate", context=self.context, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        target = {"context": self.context}
        told = await self.call("script.evaluate", expression=expression, target=target, awaitPromise=True)
        assert told["type"] == "success", told
        return told["result"].get("value")

    async def text(self, selector: str) -> str:
        """What a person sees there."""
        shown = await self.evaluate(f"document.querySelector({selector!r})?.innerText ?? ''")
        return str(shown)

    async def type(self, selector: str, text: str) -> None:
        """By hand: all at once it would be taken for a handheld scanner."""
        await self.evaluate(f"document.querySelector({selector!r}).focus()")
        pause = {"type": "pause", "duration": KEY_MS}
        keys = [
            step
            for key in text
            for step in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}, pause)
        ]
        actions = [{"type": "key", "id": "keyboard", "actions": keys}]
        await self.call("input.performActions", context=self.context, actions=actions)


@asynccontextmanager
async def running_firefox(program, profile):
    preferences = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()
    ]
    (profile / "user.js").write_text("\n".join(preferences))
    process = await asyncio.create_subprocess_exec(
        *[program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"],
        env=os.environ | {"HOME": str(profile)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            while not (told := re.search(rb"listening on (ws://\S+)", await process.stderr.readline())):
                assert process.returncode is None
        reading = asyncio.create_task(process.stderr.read())
        async with ClientSession() as session:
            url = f"{told[1].decode()}/session"
            async with session.ws_connect(url, max_msg_size=MESSAGE_BYTES_MAX) as socket:
                firefox = Firefox(socket)
                await firefox.start()
                yield firefox
    finally:
        process.kill()
        await process.wait()
        await reading


@pytest.fixture
async def firefox(tmp_path, installed):
    async with running_firefox(installed("firefox-esr", "firefox-esr"), tmp_path) as firefox:
        yield firefox
        assert firefox.faults == []


async def seen(firefox, until, selector, words):
    async def found():
        return words in await firefox.text(selector)

    try:
        await until(found, seconds=SEEN_SECONDS_MAX)
    except TimeoutError:
        pytest.fail(
            f"{words!r} never came to {selector}; shown: {await firefox.text('body')}; {firefox.faults}"
        )


@pytest.fixture
async def desk(firefox, origin, instance, until):
    await firefox.open(f"{origin}/", instance.tokens[0])
    await seen(firefox, until, "#mediator", "Amina Benali")
    await until(lambda: firefox.evaluate(CHOOSE), seconds=SEEN_SECONDS_MAX)
    return firefox


async def test_a_typed_code_is_told_accepted_in_firefox(desk, instance, until, taken_by):
    assert await taken_by(0) == 0

    await desk.type("#code", instance.short(0) + "\ue007")

    await seen(desk, until, "#verdicts", "Encaissé")
    assert await taken_by(0) == 1


async def start_scanning(desk, until):
    """As soon as the button does something."""

    async def is_open():
        await desk.evaluate("document.querySelector('#scan-start').click()")
        return await desk.evaluate("/open/.test(document.querySelector('#viewfinder').dataset.state)")

    await until(is_open, seconds=SEEN_SECONDS_MAX)


async def test_a_filmed_pass_is_told_accepted_in_firefox(desk, detached, until, taken_by):
    picture = io.BytesIO()
    camera_films.still(detached(0)).save(picture, "JPEG")
    await desk.evaluate(f"({FILM})({json.dumps(base64.b64encode(picture.getvalue()).decode())})")

    await start_scanning(desk, until)

    await seen(desk, until, "#verdicts", "Encaissé")
    assert await taken_by(0) == 1


async def test_the_camera_of_firefox_is_shown(desk, until):
    await start_scanning(desk, until)

    width = "document.querySelector('#preview').videoWidth"
    assert await until(lambda: desk.evaluate(width), seconds=SEEN_SECONDS_MAX) > 0


async def test_a_browser_that_is_no_device_is_told_how_to_enrol_in_firefox(firefox, origin, until):
    await firefox.open(f"{origin}/", None)
    await seen(firefox, until, "#stranger h2", "n’est pas encore enregistré")
    assert not await firefox.evaluate("document.querySelector('#scan-start').checkVisibility()")
