"""Printed passes, photographed: read by the server, confirmed by a person, taken together."""

from pathlib import Path

from PIL import Image
from playwright.async_api import Page, expect

NBSP = "\u00a0"
# Reading a photo takes the service a second or two, more where all tests run at once.
READ_MS = 20_000


async def photograph(page: Page, way: str, photo: Path) -> None:
    # A file is put into a field that is not ready yet as well, which no person could do.
    await expect(page.locator(way)).to_be_enabled()
    await page.set_input_files(way, photo)


async def test_the_photo_of_a_printed_pass_is_taken_once_confirmed(desk, printed):
    await photograph(desk, "#camera", printed(0))
    await expect(desk.locator("#photo-title")).to_have_text(f"1{NBSP}pass sur la photo", timeout=READ_MS)
    await expect(desk.locator("#verdicts li")).to_have_count(0)

    await desk.get_by_role("button", name="Encaisser le pass").click()

    await expect(desk.locator("#latest .verdict")).to_have_text(f"Encaissé{NBSP}: 10{NBSP}€")
    await expect(desk.locator("#photo")).to_be_hidden()
    await expect(desk.locator("#camera")).to_be_focused()


async def test_several_passes_on_one_photo_are_taken_with_one_button(desk, table_photo):
    await photograph(desk, "#album", table_photo(3))
    await expect(desk.locator("#photo-passes li")).to_have_count(3, timeout=READ_MS)

    await desk.get_by_role("button", name=f"Encaisser les 3{NBSP}pass").click()

    await expect(desk.locator("#latest .verdict")).to_have_text(f"3{NBSP}pass encaissés")
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(3)
    await expect(desk.locator("#total")).to_have_text(f"3{NBSP}pass, 30{NBSP}€")


async def test_a_pass_left_out_by_the_person_is_not_taken(desk, table_photo):
    await photograph(desk, "#album", table_photo(2))
    await desk.get_by_role("checkbox").first.uncheck()
    await desk.get_by_role("button", name="Encaisser le pass").click()

    await expect(desk.locator("#total")).to_have_text(f"1{NBSP}pass, 10{NBSP}€")
    await expect(desk.locator("#verdicts li .which")).to_contain_text(f"pass{NBSP}2")


async def test_a_pass_already_taken_is_shown_as_such_and_not_offered(desk, printed, instance):
    await desk.fill("#code", instance.short(0))
    await desk.press("#code", "Enter")
    await expect(desk.locator("#latest .verdict")).to_contain_text("Encaissé")

    await photograph(desk, "#camera", printed(0))

    await expect(desk.locator("#photo-passes")).to_contain_text(
        f"Serait refusé{NBSP}: déjà encaissé", timeout=READ_MS
    )
    await expect(desk.locator("#photo-passes")).to_contain_text(instance.sites[0], timeout=READ_MS)
    await expect(desk.locator("#photo-take")).to_be_hidden()


async def test_in_test_mode_a_photo_is_read_and_nothing_can_be_taken(desk, printed):
    await desk.get_by_text("Tester sans encaisser").click()
    await photograph(desk, "#camera", printed(0))

    await expect(desk.locator("#photo-passes")).to_contain_text("Peut être encaissé", timeout=READ_MS)
    await expect(desk.locator("#photo-take")).to_be_hidden()


# A fake of the service with too much to do: it reads the photo's QR codes and checks none.
UNCHECKED = """() => {
    const fetched = window.fetch
    window.fetch = async (path, request) => {
        const response = await fetched(path, request)
        if (!path.startsWith("/v1/photos")) return response
        const { codes } = await response.json()
        const signed = codes.filter(({ text }) => text.startsWith("PN1:"))
        return Response.json({ codes: signed.map(({ check, ...read }) => read) })
    }
}"""


async def test_passes_that_were_not_checked_may_be_taken_all_the_same(desk, printed):
    await desk.evaluate(UNCHECKED)
    await photograph(desk, "#camera", printed(0))
    await expect(desk.locator("#photo-passes li")).to_have_count(1, timeout=READ_MS)

    await desk.get_by_role("button", name="Encaisser le pass").click()
    await expect(desk.locator("#latest .verdict")).to_have_text(f"Encaissé{NBSP}: 10{NBSP}€")


async def test_a_photo_without_a_pass_says_what_to_do(desk, tmp_path):
    path = tmp_path / "wall.png"
    Image.new("RGB", (400, 300), (200, 200, 200)).save(path)
    await photograph(desk, "#camera", path)
    await expect(desk.locator("#photo-title")).to_have_text(
        "Aucun pass trouvé sur cette photo", timeout=READ_MS
    )
    await expect(desk.locator("#photo-words")).to_contain_text("tapez le code", timeout=READ_MS)


async def test_a_file_that_is_no_photo_says_so(desk, tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("ceci n’est pas une photo")
    await photograph(desk, "#album", path)
    await expect(desk.locator("#photo-words")).to_contain_text("n’est pas une photo lisible", timeout=READ_MS)
