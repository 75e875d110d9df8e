"""Every form and every address of the console, by those who may use them, with what nobody types: numbers
without end, other scripts' digits, days at the ends of the calendar, formulas, invisible marks."""

import inspect
import os
import random
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import pytest

import console
from console.routes import ROUTES
from console.visit import HOME
from keys.keyring import Keyring
from ledger.account_rows import Role
from ledger.audit import audit
from ledger.grant_rows import Condition
from ledger.territory_measures import note_condition
from programmes.grants import propose

BY_HAND = "POINCON_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("POINCON_EXAMPLES", "1"))  # of each form
NUMBERS = re.compile(r"\{\w+(:\\d\+)?\}")
ODD_NUMBERS = ("99999999999999999999", "٣")
SKIPPED = ("/deconnexion", "/securite", "/connexion")  # they end the session, or have tests of their own
FIELDS_MAX = 18
NAMES = re.compile(r"""["']([a-z][a-z0-9_-]{1,30})["']""")
IN_TEMPLATES = re.compile(r"""name="([a-z][a-z0-9_-]*)\"""")
PLAUSIBLE = (
    "1", "2", "10", "oui", "2026-11-20", "2026-12-31", "texte", "100,50", "reduction", "suspension", "lost",
    "convention_signed", "refund", "swap", "territoire", "retour", "twice_a_month", "error", "wrong_booklet",
)  # fmt: skip
HOSTILE = (
    "9" * 300, "2147483648", "9223372036854775808", "-1", "1e309", "٣٣", "９", "9999-12-31", "0001-01-01",
    "2026-W48-1", "\u202e\u200b\ufeff", "a\x00b", '=HYPERLINK("https://example.org";"Ouvrir")',
    "Objet\r\nBcc: tous@example.org", "<script>alert(1)</script>{{ 7 * 7 }}", "é" * 600, "", " ",
)  # fmt: skip


@pytest.fixture(scope="module")
async def house(servers, open_house):
    """A house of its own: what is sent here may do anything that its sender may."""
    async with open_house(servers, valkey=12) as house:
        async with house.database() as connection:
            at = datetime.now(UTC)
            for condition in Condition:
                how = {"met_on": at.date(), "note": "vu", "actor": "tests", "at": at}
                await note_condition(connection, house.programme_id, 1, condition, **how)
            await propose(connection, house.programme_id, 1, actor="tests", at=at)
        await house.passes(10)
        yield house


@cache
def _field_names(page) -> list[str]:
    """Whatever templates call a field and its module names."""
    folder = Path(console.__file__).parent / "templates"
    known = {name for file in folder.iterdir() for name in IN_TEMPLATES.findall(file.read_text())}
    return sorted(known & set(NAMES.findall(inspect.getsource(sys.modules[page.__module__]))))


def _drawn(chance: random.Random) -> str:
    return chance.choice(HOSTILE if chance.random() < 0.3 else PLAUSIBLE)


def _tried():
    """Each address by one who may use it; by hand, by all of them."""
    for route in ROUTES:
        if not route.path.startswith(SKIPPED) and not route.takes_files:
            roles = [role for role in Role if role in route.roles]
            for role in roles if BY_HAND else roles[:1]:
                yield role, route
                for number in ODD_NUMBERS if "{" in route.path else ():
                    yield role, replace(route, path=NUMBERS.sub(number, route.path))


async def test_no_form_and_no_address_ends_in_a_mistake_of_ours_whatever_is_sent(enter, house):
    chance, failed, sent_count = random.Random(2026), [], 0
    persons = {role: await enter(role) for role in Role}
    for role, route in _tried():
        names, path = _field_names(route.page), HOME + NUMBERS.sub("1", route.path)
        for _ in range(EXAMPLES):
            sent = {name: _drawn(chance) for name in chance.sample(names, min(len(names), FIELDS_MAX))}
            if route.method == "GET":
                answer = await persons[role].open(f"{path}?{urlencode(sent)}")
            else:
                answer = await persons[role].send(path, **sent)
            sent_count += 1
            if answer.status >= 500 or "<script>alert" in answer.text:
                failed.append((role.value, route.method, path, sent, answer.status))
    print(sent_count, "requests")
    assert failed == []
    async with house.database() as connection:
        found = await audit(connection, keyring=Keyring.from_keys([]), opened_keys=None)
    assert found.disagreements == []


@pytest.mark.parametrize("number", [*ODD_NUMBERS, "2147483648", "9223372036854775808"])
async def test_a_month_of_a_programme_that_no_number_can_have_is_no_page(enter, number):
    auditor = await enter(Role.AUDITOR)
    for suffix in ("csv", "pdf"):
        assert (await auditor.open(f"{HOME}/suivi/{number}/202611.{suffix}")).status == 404
