"""`poincon prescribers`, `handouts`, `counters` and `booklets show|replace`, typed as a person types them."""

import asyncio
import json
import uuid
from typing import Any

import pytest


@pytest.fixture
def type_in(house, typed):
    async def run(*arguments: str) -> tuple[int, list[Any]]:
        done = await asyncio.to_thread(typed, *arguments, DATABASE_URL=house.settings.database_url)
        out = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return done.returncode, out or [done.stdout + done.stderr]

    return run


async def test_a_prescriber_is_set_up_stocked_and_read_from_the_terminal(house, open_desk, type_in):
    desk = await open_desk(booklets=2)
    async with house.database() as connection:
        territory = await connection.fetchval("SELECT name FROM territories WHERE id = 1")
    name = f"Mission locale {uuid.uuid4()}"
    status, [added] = await type_in("prescribers", "add", "--territory", territory, "--name", name, "--json")
    assert status == 0
    who = ("prescribers", "person", str(added["prescriber"]), "--name", f"Sacha {name}")
    assert (await type_in(*who, "--json"))[0] == 0
    status, [told] = await type_in(*who)
    assert status == 1
    assert "--namesake" in told
    first, last = map(str, desk.booklets)
    move = ("--from", str(desk.prescriber_id), "--to", str(added["prescriber"]), "--reason", "prêt", "--json")
    status, [moved] = await type_in("prescribers", "transfer", first, last, *move)
    assert (status, moved["booklets"]) == (0, 2)
    _, stocks = await type_in("prescribers", "list", "--json")
    assert next(one["whole"] for one in stocks if one["name"] == name) == 2
    assert (await type_in("prescribers", "leave", "999999", "1", "--reason", "x"))[0] == 1


async def test_a_booklet_tells_its_life_and_is_replaced_once(open_desk, give, type_in):
    desk = await open_desk()
    await give(desk)
    number = str(desk.booklets[0])
    lost = ("booklets", "replace", number, "--cause", "lost", "--reason", "perdu", "--json")
    status, [done] = await type_in(*lost)
    assert (status, done["passes"]) == (0, 10)
    assert (await type_in(*lost))[1] == [done]
    status, [life] = await type_in("booklets", "show", number, "--json")
    assert (life["stage"], life["replaced_by"]) == ("replaced", done["new_booklet"])
    assert "booklet.hand_out" in {one["action"] for one in life["events"]}
    status, told = await type_in("handouts", "list", str(desk.prescriber_id), "--json")
    assert [one["booklet"] for one in told] == desk.booklets
    assert (await type_in("booklets", "show", str(2**39)))[0] == 1


async def test_a_programme_brings_its_own_questionnaire_and_each_wording_is_a_version(
    house, type_in, tmp_path
):
    programme = str(await house.programme())
    status, [first] = await type_in("handouts", "questionnaire", "load", programme, "--json")
    assert (status, first["version"]) == (0, 1)
    file = tmp_path / "questions.toml"
    text = 'title = "Une"\n[[questions]]\ncode = "qpv"\nlabel = "QPV"\nkind = "yes_no"\npublic = "qpv"\n'
    file.write_text(text)
    for _ in range(2):
        _, [second] = await type_in("handouts", "questionnaire", "load", programme, str(file), "--json")
        assert second["version"] == 2
    file.write_text(text.replace("yes_no", "text"))
    assert (await type_in("handouts", "questionnaire", "load", programme, str(file)))[0] == 1
    _, shown = await type_in("handouts", "questionnaire", "show", programme, "--json")
    assert [one["version"] for one in shown] == [1, 2]


async def test_counters_are_told_with_their_sentences_and_add_up(house, type_in):
    status, [told] = await type_in("counters", "--programme", str(house.programme_id))
    assert status == 0
    assert "Consommés" in told
    assert "bordereau de remise clos" in told
    status, [first, *_] = await type_in("counters", "--programme", str(house.programme_id), "--json")
    assert set(first["counters"]["issued"]) == {"booklets", "passes", "cents"}
