"""The page's engine without its looks, run in a real Chromium under the page's own policy."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Page, Route, expect

BATCH: Final = "**/v1/scans/batch"
# A file of ours that runs nothing.
BENCH: Final = "/page/files.json"
ENGINE: Final = (Path(__file__).parent / "engine.js").read_text(encoding="utf-8")


class Engine:
    """The engine in one tab: what it is given, what waits, what was answered."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def run(self, *, is_offline: bool = False) -> None:
        await self.page.evaluate(ENGINE, {"isOffline": is_offline})

    async def reload(self) -> None:
        await self.page.reload()
        await self.run()

    async def in_another_tab(self) -> "Engine":
        page = await self.page.context.new_page()
        await page.goto(self.page.url)
        return Engine(page)

    async def take(self, code: str, source: str = "camera") -> dict[str, Any]:
        take = "([code, source]) => engine.intake.take(code, source)"
        told: dict[str, Any] = await self.page.evaluate(take, [code, source])
        return told

    async def take_all(self, codes: Iterable[str], source: str = "camera") -> list[dict[str, Any]]:
        take = "([codes, source]) => engine.intake.takeAll(codes.map((code) => ({ code })), source)"
        told: list[dict[str, Any]] = await self.page.evaluate(take, [list(codes), source])
        return told

    async def attempts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.page.evaluate("engine.journal.attempts()")
        return found

    async def send(self) -> None:
        await self.page.evaluate("engine.queue.send()")

    async def lose_every_batch(self) -> None:
        await self.page.route(BATCH, lambda route: route.abort())

    async def let_batches_through(self) -> None:
        # On top of what was there: a route taken away while a retry passes by leaves it without an answer.
        await self.page.route(BATCH, lambda route: route.continue_())

    async def counts(self, **states: int) -> None:
        """Wait until so many attempts are in each of these states."""
        for state, number in states.items():
            await self._shows(state, str(number))

    async def is_in_trouble(self, why: str) -> None:
        await self._shows("trouble", why)

    async def _shows(self, name: str, value: str) -> None:
        await expect(self.page.locator("html")).to_have_attribute(f"data-{name}", value)


@pytest.fixture
def engine_in() -> Callable[[Page], Engine]:
    return Engine


@pytest.fixture
def start(open_page: Callable[..., Awaitable[Page]]) -> Callable[..., Awaitable[Engine]]:
    """A phone with the engine running, enrolled as one of the instance's devices; routes by their names."""

    async def started(device: int = 0, **routes: Callable[[Route], Any]) -> Engine:
        engine = Engine(await open_page(device, path=BENCH))
        for name, handler in routes.items():
            await engine.page.route(f"**/v1/{name}", handler)
        await engine.run()
        return engine

    return started
