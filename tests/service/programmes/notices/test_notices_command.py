"""`poincon notices` and `poincon places`, as a person types them."""

import csv
import io
import json

import pytest

from ledger.notice_rows import NoticeState
from ledger.notices import recent_notices, tell
from ledger.site_details import SiteDetails, own_sites, save_details


@pytest.fixture
def say(poincon, environment_of, instance):
    async def said(*arguments, **more):
        return await poincon(*arguments, env=environment_of(instance.settings, **more))

    return said


async def test_what_waits_for_a_person_is_listed_shown_and_sent_again(say, connection, a_fact, clock):
    await tell(connection, a_fact(), at=clock())
    stuck = await say("notices", "list", "--stuck", "--json")
    assert stuck.returncode == 1
    [one] = json.loads(stuck.stdout)
    assert one["state"] == "no_address"
    assert "Bonjour," in (await say("notices", "show", str(one["id"]))).stdout
    refused = await say("notices", "resend", str(one["id"]), "--reason", "x")
    assert (refused.returncode, "add an address first" in refused.stderr) == (1, True)
    assert (await say("notices", "address", "add", "a@fabrique.example", "--operator", "1")).returncode == 0
    assert "a@fabrique.example" in (await say("notices", "address", "list")).stdout
    assert (await say("notices", "resend", str(one["id"]), "--reason", "adresse reçue")).returncode == 0
    assert (await say("notices", "list", "--stuck")).returncode == 0


async def test_what_is_due_is_sent_once_by_the_command(say, told, serving, kinds_of_servers, connection):
    server = kinds_of_servers["takes"]()
    async with serving(server) as reached:
        mail = {
            "POINCON_SMTP_URL": f"smtp://127.0.0.1:{reached.port}",
            "POINCON_MAIL_FROM": "Pass numériques <avis@pass.example>",
        }
        done = await say("notices", "send", "--json", **mail)
        assert (done.returncode, json.loads(done.stdout)["mail"]) == (0, 1), done.stderr
        again = await say("notices", "send", "--json", **mail)
        assert json.loads(again.stdout)["mail"] == 0
    assert len(server.taken) == 1
    assert {one.state for one in await recent_notices(connection)} == {NoticeState.SENT}


async def test_a_mail_server_named_wrongly_is_wrong_usage(say):
    wrong = await say(
        "notices", "send", POINCON_SMTP_URL="smtp://moi:secret@mail", POINCON_MAIL_FROM="a@b.example"
    )
    assert (wrong.returncode, "password in a file" in wrong.stderr) == (2, True)
    assert "secret" not in wrong.stderr.replace("password in a file", "")


async def test_places_are_exported_and_their_services_named(say, connection, clock):
    [site, *_] = await own_sites(connection, 1)
    await save_details(
        connection, site.id, SiteDetails("3 rue du Pont", "51100", "Reims"), actor="tests", at=clock()
    )
    exported = await say("places", "export")
    assert exported.returncode == 0
    [row] = csv.DictReader(io.StringIO(exported.stdout))
    assert row["nom"] == site.name
    assert "left out" in exported.stderr
    named = await say("places", "service", "emploi", "Utilisation sécurisée du numérique")
    assert named.returncode == 0, named.stderr
    [row] = csv.DictReader(io.StringIO((await say("places", "export")).stdout))
    assert "Utilisation sécurisée du numérique" in row["services"]
    assert (await say("places", "service", "emploi", "Autre chose")).returncode == 2
    assert (await say("places", "service", "inconnu", "Utilisation sécurisée du numérique")).returncode == 2
