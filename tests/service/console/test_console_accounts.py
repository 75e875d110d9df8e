"""Accounts by command, and the demo's: roles with what they are of, and a second factor that was lost."""

import asyncio
import json
from datetime import UTC, datetime
from functools import partial

import pytest
from click.testing import CliRunner

from command.accounts import accounts
from console.passwords import matches
from demo.console_account import seed_account, seed_other_accounts
from demo.folder import DemoFolder
from demo.prescribers import KnownPrescriber
from ledger.account_rows import Role
from ledger.accounts import find_account
from ledger.prescribers import add_prescriber, add_prescriber_person


@pytest.fixture
def command(house):
    async def run(*words: str):
        environment = {"DATABASE_URL": house.settings.database_url}
        return await asyncio.to_thread(partial(CliRunner().invoke, accounts, words, env=environment))

    return run


async def test_a_manager_is_named_by_the_siret_of_its_operator(command, house):
    device = await house.operator()
    async with house.database() as connection:
        siret = await connection.fetchval("SELECT siret FROM operators WHERE id = $1", device.operator_id)
    named = ("add", "gestion@x.example", "--name", "Gestion", "--generate", "--role", "operator")
    assert "no operator has the SIRET" in (await command(*named, "--operator", "00000000000000")).output
    assert "give --operator" in (await command(*named)).output
    assert "is open, as operator" in (await command(*named, "--operator", siret)).output
    async with house.database() as connection:
        account = await find_account(connection, "gestion@x.example")
    assert (account.role, account.operator_id) == (Role.OPERATOR, device.operator_id)


async def test_a_role_is_changed_with_a_reason_and_listed(command, house):
    await command("add", "role@x.example", "--name", "Rôle Changeant", "--generate")
    words = ("role", "role@x.example", "--role", "approver")
    assert (await command(*words)).exit_code == 2
    assert "is now approver" in (await command(*words, "--reason", "nomination")).output
    listed = [json.loads(line) for line in (await command("list", "--json")).output.splitlines()]
    [one] = [one for one in listed if one["email"] == "role@x.example"]
    assert (one["role"], one["second_factor"], one["operator"]) == ("approver", False, None)
    async with house.database() as connection:
        event = await connection.fetchrow(
            "SELECT reason, detail FROM events WHERE action = 'account.role' AND subject = $1",
            f"account:{one['email']}",
        )
    assert tuple(event) == ("nomination", {"role_old": "preparer", "role": "approver"})


async def test_a_second_factor_is_removed_by_command_only_where_there_is_one(command):
    await command("add", "facteur@x.example", "--name", "Facteur Absent", "--generate")
    words = ("second-factor", "facteur@x.example", "--remove")
    assert (await command(*words)).exit_code == 2
    answer = await command(*words, "--reason", "téléphone perdu")
    assert (answer.exit_code, "has no second factor" in answer.output) == (1, True)


async def test_the_demo_lets_seven_people_in_each_as_what_they_are(house, tmp_path):
    folder = DemoFolder(tmp_path)
    device = house.devices[0]
    async with house.database() as connection:
        preparer = await seed_account(connection, folder)
        how = {"at": datetime.now(UTC), "actor": "tests"}
        prescriber_id = await add_prescriber(connection, territory_id=1, name="CCAS", operator_id=None, **how)
        person_id = await add_prescriber_person(connection, prescriber_id, name="Sacha Lambert", **how)
        scope = {
            "programme_id": house.programme_id,
            "operator_id": device.operator_id,
            "prescriber": KnownPrescriber(prescriber_id, "CCAS", 1, (person_id,)),
        }
        others = await seed_other_accounts(connection, folder, **scope)
        assert await seed_other_accounts(connection, folder, **scope) == others
        assert [one["role"] for one in others] == [
            "approver",
            "operator",
            "funder",
            "prescriber",
            "auditor",
            "territory",
        ]
        people = set()
        for one in (preparer, *others):
            account = await find_account(connection, one["email"])
            assert matches(one["password"], account.password_hash)
            assert not account.has_second_factor
            people.add(account.person_id)
    assert len(people) == 7
