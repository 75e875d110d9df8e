"""What is owed and what was paid; a remittance closed by a person who certifies, and shown as it was closed.

Where the server must be slow or lose its answer, a fake of it stands there.
"""

from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

NBSP = "\u00a0"
CLOSED = {
    "number": 4,
    "closed_at": "2026-11-21T17:10:00Z",
    "count": 2,
    "total_cents": 2000,
    "state": "closed",
    "expected_payment_on": "2026-12-21",
    "lines_sha256": "9f2c" * 16,
    "certification": "Je certifie que les services ont été rendus.",
    "lines": [
        {"line": 1, "booklet": 1, "number": 1, "amount_cents": 1000},
        {"line": 2, "booklet": 1, "number": 2, "amount_cents": 1000},
    ],
}


class Till:
    """A fake of the server that closes remittances, which may lose its answer."""

    def __init__(self) -> None:
        self.closed: list[dict[str, Any]] = []
        self.posts = 0
        self.is_lossy = False

    async def remittances(self, route: Route) -> None:
        if route.request.method == "GET":
            await route.fulfill(json={"remittances": self.closed, "next_offset": None})
            return
        self.posts += 1
        self.closed = [CLOSED]
        if self.is_lossy:
            await route.abort()
        else:
            await route.fulfill(status=201, json=CLOSED)

    async def money(self, route: Route) -> None:
        some, none = {"count": 2, "total_cents": 2000}, {"count": 0, "total_cents": 0}
        sums = {
            "accepted": none if self.closed else some,
            "remitted": some if self.closed else none,
            "paid": none,
            "payment_delay_days": 30,
            "expected_payment_on": "2026-12-21",
        }
        await route.fulfill(json=sums)


@pytest.fixture
async def till(desk: Page) -> Till:
    till = Till()
    await desk.route("**/v1/remittances", till.remittances)
    await desk.route("**/v1/money", till.money)
    await desk.click("#money-open")
    return till


async def test_what_is_owed_is_told_with_the_published_delay(desk, till):
    await expect(desk.locator("#money-accepted")).to_have_text(f"2{NBSP}pass, 20{NBSP}€")
    await expect(desk.locator("#money-waiting")).to_have_text(f"0{NBSP}pass, 0{NBSP}€")
    await expect(desk.locator("#money-delay")).to_contain_text(f"30{NBSP}jours")
    await expect(desk.locator("#money-delay")).to_contain_text(f"21{NBSP}décembre{NBSP}2026")


async def test_nothing_is_remitted_without_the_certification(desk, till):
    await desk.click("#remit")
    await desk.get_by_role("button", name="Clore le bordereau").click()
    await expect(desk.locator("#certify-problem")).to_have_text("Cochez la case pour certifier.")
    assert till.posts == 0


async def test_a_certified_remittance_is_shown_with_its_lines_hash_and_documents(desk, till):
    await desk.click("#remit")
    await expect(desk.locator("#certified")).to_be_focused()
    await desk.keyboard.press("Space")
    await desk.get_by_role("button", name="Clore le bordereau").click()

    slip = desk.locator("#bordereau")
    await expect(slip).to_be_focused()
    await expect(slip.locator("h3")).to_have_text(f"Bordereau n°{NBSP}4")
    await expect(slip).to_contain_text(f"2{NBSP}pass, 20{NBSP}€")
    await expect(slip).to_contain_text("9f2c" * 16)
    await expect(slip).to_contain_text(f"paiement attendu le 21{NBSP}décembre{NBSP}2026")
    await expect(slip.locator("li")).to_have_count(2)
    links = slip.locator("a")
    assert [await link.get_attribute("href") for link in await links.all()] == [
        "/v1/remittances/4.pdf",
        "/v1/remittances/4.csv",
    ]
    await expect(desk.locator("#money-accepted")).to_have_text(f"0{NBSP}pass, 0{NBSP}€")
    await expect(desk.locator("#remit")).to_be_hidden()


async def test_a_lost_answer_is_not_taken_for_a_refusal(desk, till):
    till.is_lossy = True
    await desk.click("#remit")
    await desk.check("#certified")
    await desk.get_by_role("button", name="Clore le bordereau").click()

    await expect(desk.locator("#money-problem")).to_contain_text("peut-être clos")
    await expect(desk.locator("#remittances li")).to_have_count(1)
    assert till.posts == 1


async def test_without_an_answer_no_amount_is_shown_but_what_waits_here(desk, instance):
    await desk.route("**/v1/**", lambda route: route.abort())
    await desk.fill("#code", instance.short(0))
    await desk.press("#code", "Enter")
    await expect(desk.locator("#verdicts li[data-kind=waiting]")).to_have_count(1)
    await desk.click("#money-open")

    await expect(desk.locator("#money-problem")).to_contain_text("ne répond pas")
    await expect(desk.locator("#money-waiting")).to_contain_text(f"1{NBSP}pass")
    await expect(desk.locator("#money-accepted")).to_have_text("—")
    await expect(desk.locator("#remit")).to_be_hidden()


async def test_a_pass_taken_is_remitted_before_the_real_service(desk, instance, client):
    await desk.fill("#code", instance.short(0))
    await desk.press("#code", "Enter")
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)
    await desk.click("#money-open")
    await desk.click("#remit")
    await expect(desk.locator("#remit-words")).to_have_text(f"Vous remettez 1{NBSP}pass, soit 10{NBSP}€.")
    await desk.check("#certified")
    await desk.get_by_role("button", name="Clore le bordereau").click()

    await expect(desk.locator("#bordereau h3")).to_have_text(f"Bordereau n°{NBSP}1")
    await expect(desk.locator("#money-remitted")).to_have_text(f"1{NBSP}pass, 10{NBSP}€")
    await expect(desk.locator("#remittances li")).to_have_count(1)
    async with client.get("/v1/remittances/1.pdf", headers=instance.headers()) as response:
        assert response.status == 200
