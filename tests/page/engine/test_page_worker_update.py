"""The service worker: one whole version of the page, replaced when a person wishes. No answer is kept."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import pytest
from aiohttp import hdrs, web
from playwright.async_api import Page, expect

from mobile_web.page_files import read_files
from validator.app import build_app

# A file of the page's, shown as text: under its policy, kept by its worker, and without its looks.
BENCH: Final = "/page/limits.js"
CHANGED: Final = "/page/checks.js"
MARK: Final = "\n// the next version\n"
WORKER: Final = "/service_worker.js"
REGISTER: Final = """async () => {
  const { registerWorker, updates } = await import("/page/updates.js")
  const show = () => document.documentElement.setAttribute("data-update", "ready")
  updates.addEventListener("update-ready", show)
  const controlled = new Promise((resolve) => {
    if (navigator.serviceWorker.controller) resolve()
    navigator.serviceWorker.addEventListener("controllerchange", resolve)
  })
  await registerWorker()
  await controlled
}"""
LOOK_FOR_UPDATE: Final = "() => navigator.serviceWorker.getRegistration().then((found) => found.update())"
FAILED_INSTALL: Final = """async () => {
  const registration = await (await navigator.serviceWorker.getRegistration()).update()
  const worker = registration.installing
  await new Promise((resolve) => (worker.onstatechange = () => worker.state === "redundant" && resolve()))
}"""
APPLY: Final = "() => import('/page/updates.js').then(({ applyUpdate }) => applyUpdate())"
READ: Final = "(path) => fetch(path).then((response) => response.text())"
KEPT: Final = """async () => {
  const kept = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()))
  return kept.flat().map(({ url }) => new URL(url).pathname)
}"""

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Deployment:
    """What the server serves from now on, over what it was built with; and whether the service is down."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    is_down: bool = False

    def next_version(self) -> None:
        """One module differs, and with it the worker that names all of them."""
        files = {file.url: file.body for file in read_files()}
        changed = files[CHANGED] + MARK.encode()
        head, _, rest = files[WORKER].decode().partition("\n")
        release = json.loads(head.removeprefix("self.RELEASE = "))
        release["version"] = "next"
        for file in release["files"]:
            if file["url"] == CHANGED:
                file["sha256"] = hashlib.sha256(changed).hexdigest()
        worker = f"self.RELEASE = {json.dumps(release)}\n{rest}".encode()
        self.bodies = {CHANGED: changed, WORKER: worker}

    def middleware(self) -> Any:
        @web.middleware
        async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self.is_down and request.path.startswith("/v1/"):
                return web.json_response({"detail": "down"}, status=503)
            body = self.bodies.get(request.path)
            if body is None:
                return await handler(request)
            served = await handler(request)
            named = ("Cache-Control", "Content-Security-Policy")
            kept = {name: served.headers[name] for name in named if name in served.headers}
            return web.Response(body=body, headers={hdrs.CONTENT_TYPE: "text/javascript"} | kept)

        return serve


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


@pytest.fixture
async def app(instance: Any, deployment: Deployment) -> web.Application:
    app = build_app(instance.settings)
    app.middlewares.insert(0, deployment.middleware())
    return app


@pytest.fixture
async def visited(open_page: Any) -> Page:
    """A phone whose worker has taken over."""
    page: Page = await open_page(0, path=BENCH)
    await page.evaluate(REGISTER)
    return page


@pytest.fixture
async def phone(visited: Page, engine_in: Any) -> Any:
    return engine_in(visited)


async def update_is_ready(page: Page) -> None:
    await page.evaluate(LOOK_FOR_UPDATE)
    await expect(page.locator("html")).to_have_attribute("data-update", "ready")


async def test_after_one_visit_the_page_opens_and_judges_in_flight_mode(visited, phone, instance, taken_by):
    await phone.run()
    await visited.context.set_offline(True)
    await visited.goto(visited.url.replace(BENCH, "/"))
    assert await visited.title()
    await visited.goto(visited.url.rstrip("/") + BENCH)
    await phone.run(is_offline=True)

    assert await visited.evaluate("engine.facts.device.siret")
    assert await visited.evaluate("engine.facts.ageMs") < 60_000
    forged = instance.qr(1)[:-2] + ("00" if instance.qr(1)[-2:] != "00" else "11")
    told = await phone.take_all([instance.qr(0), forged])
    assert [one["kind"] for one in told] == ["waiting", "refused"]
    assert told[1]["attempt"]["refusal"] == "forged"
    assert told[1]["attempt"]["isLocal"] is True
    await phone.counts(waiting=1, refused=1)

    await visited.context.set_offline(False)
    await phone.counts(accepted=1, refused=1)
    assert await taken_by() == 1


async def test_answers_of_the_service_and_the_console_are_never_kept(visited, phone, instance):
    await phone.run()
    await phone.take(instance.qr(0))
    await phone.counts(accepted=1)
    await visited.evaluate("() => fetch('/console/').catch(() => {})")
    kept = await visited.evaluate(KEPT)
    assert "/" in kept
    assert "/page/queue.js" in kept
    assert [path for path in kept if not (path == "/" or path.startswith(("/page/", "/manifest")))] == []


async def test_an_update_waits_for_the_button_and_a_full_queue_lives_through_it(
    visited, phone, deployment, instance, taken_by
):
    await phone.run()
    deployment.is_down = True
    told = await phone.take_all([instance.qr(place) for place in range(3)], "photo")
    await phone.counts(waiting=3)

    deployment.next_version()
    await update_is_ready(visited)
    # Installed beside: until the person agrees, every module is of the version that runs.
    assert MARK not in await visited.evaluate(READ, CHANGED)

    async with visited.expect_event("load"):
        await visited.evaluate(APPLY)
    assert MARK in await visited.evaluate(READ, CHANGED)
    await phone.run()
    await phone.counts(waiting=3)
    deployment.is_down = False
    await phone.send()
    await phone.counts(accepted=3, waiting=0, refused=0)
    ids = [one["attemptId"] for one in await phone.attempts()]
    assert sorted(ids) == sorted(one["attempt"]["attemptId"] for one in told)
    assert await taken_by() == 3


async def test_on_the_whole_page_the_update_is_offered_by_a_button_and_what_waits_is_sent_after_it(
    desk, deployment, instance, taken_by
):
    await desk.evaluate("async () => { await navigator.serviceWorker.ready }")
    await desk.reload()
    deployment.is_down = True
    for place in range(2):
        await desk.fill("#code", instance.short(place))
        await desk.press("#code", "Enter")
    await expect(desk.locator("#verdicts li[data-kind=waiting]")).to_have_count(2)

    deployment.next_version()
    await desk.evaluate(LOOK_FOR_UPDATE)
    await expect(desk.locator("#notice")).to_contain_text("Une nouvelle version est prête.")
    async with desk.expect_event("load"):
        await desk.get_by_role("button", name="Mettre à jour").click()
    await expect(desk.locator("#verdicts li[data-kind=waiting]")).to_have_count(2)
    assert MARK in await desk.evaluate(READ, CHANGED)
    deployment.is_down = False
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(2, timeout=15_000)
    assert await taken_by() == 2


async def test_pressed_in_one_tab_the_update_reloads_the_others_too(visited, deployment):
    other = await visited.context.new_page()
    await other.goto(visited.url)
    await other.evaluate(REGISTER)
    deployment.next_version()
    await update_is_ready(visited)
    async with other.expect_event("load"), visited.expect_event("load"):
        await visited.evaluate(APPLY)
    for tab in (visited, other):
        assert MARK in await tab.evaluate(READ, CHANGED)


async def test_a_version_that_is_only_half_there_changes_nothing(visited, deployment):
    deployment.next_version()
    deployment.bodies[CHANGED] += b"// half of a later one"
    await visited.evaluate(FAILED_INSTALL)
    await expect(visited.locator("html")).not_to_have_attribute("data-update", "ready")
    await visited.reload()
    assert MARK not in await visited.evaluate(READ, CHANGED)
    kept = await visited.evaluate("() => caches.keys()")
    assert len([name for name in kept if name.startswith("poincon-page-")]) == 1
