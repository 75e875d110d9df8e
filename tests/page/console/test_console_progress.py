"""A form that takes more than a moment says so, and leaves once; without scripts it works all the same."""

from playwright.async_api import expect

from ledger.account_rows import Role
from ledger.payouts import lock_payouts

# Tells each change of the bar, and presses the button again once it counts seconds.
WATCH = """() => {
  const bar = document.getElementById("en-cours")
  const button = document.querySelector("form[enctype] button")
  new MutationObserver(() => {
    const spoken = bar.querySelector("progress")?.ariaLabel ?? ""
    if (bar.innerText.includes(" s")) button.click()
    changed(`${bar.hidden ? "hidden" : "shown"} / ${spoken} / ${bar.innerText}`)
  }).observe(bar, { attributes: true, childList: true, subtree: true })
}"""
BUSY = "Lecture et rapprochement des fichiers…"


async def test_an_import_that_takes_its_time_shows_it_and_is_sent_once(
    desk, sign_in, trustee_account, bank, connection, until
):
    bank.credit(1_000, "METROPOLE")
    statement = {"name": "releve.xml", "mimeType": "application/xml", "buffer": bank.close_day()}
    changes: list[str] = []
    sent: list[str] = []

    def note(change: str) -> None:
        changes.append(change)

    async def counts_seconds() -> bool:
        return any(" s" in change for change in changes)

    async with desk() as page:
        await sign_in(page, Role.PREPARER)
        await page.expose_function("changed", note)
        await page.goto("/console/releves")
        await page.evaluate(WATCH)
        page.on("request", lambda request: sent.append(request.method))
        await page.set_input_files("#fichiers", [statement])
        async with connection.transaction():
            await lock_payouts(connection)  # what the import waits for
            await page.get_by_role("button", name="Importer").click(no_wait_after=True)
            await until(counts_seconds)
        await expect(page.get_by_text("1 nouvelle")).to_be_visible()
        await expect(page.locator("#en-cours")).to_be_hidden()
    assert changes[-1].startswith(f"shown / {BUSY} / ")
    assert BUSY in changes[-1].rpartition("/")[2]
    assert sent.count("POST") == 1


async def test_the_console_works_without_scripts(browser, client, accounts, sign_in, trustee_account):
    context = await browser.new_context(base_url=str(client.make_url("/")), java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, Role.PREPARER)
    await page.get_by_role("link", name="Virements").click()
    await expect(page.get_by_text("Rien à payer")).to_be_visible()
    await context.close()
