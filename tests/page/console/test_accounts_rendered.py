"""Accounts rendered, as a person asks for them: a period frozen and downloaded by keyboard, and read."""

from pathlib import Path

from playwright.async_api import expect

from ledger.account_rows import Role
from payouts.rendering_verify import verify_accounts

PAGE = "/console/reddition"


async def test_a_period_is_frozen_and_its_archive_downloaded_by_keyboard_then_found_by_the_funder(
    desk, sign_in, check, instance, tmp_path
):
    async with desk() as page:
        await sign_in(page, Role.PREPARER)
        await page.goto("/console/fonds")
        await page.get_by_role("link", name="Reddition des comptes").click()
        await page.fill("#archive-du", "2026-01-01")
        await page.fill("#archive-au", "2026-11-01")
        await page.select_option("#archive-perimetre", f"programme:{instance.programme_id}")
        await page.get_by_role("button", name="Télécharger l’archive").focus()
        async with page.expect_download() as download:
            await page.keyboard.press("Enter")
        path = Path(tmp_path / "reddition.zip")
        await (await download.value).save_as(path)
        assert verify_accounts(path).differences == []
        await page.get_by_role("button", name="Arrêter ces comptes").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("Les comptes sont arrêtés.")
        await check(page, "reddition")
        await page.fill("#archive-au", "2025-01-01")
        await page.get_by_role("button", name="Arrêter ces comptes").click()
        await expect(page.get_by_text("Le dernier jour vient après le premier.")).to_be_visible()
        await check(page, "reddition-refusee")
    async with desk() as page:
        await sign_in(page, Role.FUNDER)
        await page.goto(PAGE)
        await expect(page.get_by_role("button", name="Arrêter ces comptes")).to_have_count(0)
        await check(page, "reddition-commanditaire")
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Archive du").click()
        await (await download.value).save_as(path)
        assert verify_accounts(path).differences == []
