"""The console's French: every recorded action has words, roles and browsers too."""

import ast
import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from console.browser_words import browser_words
from console.event_details import DETAILS, RULES, detail_words
from console.event_words import ACTIONS, ROLES, actor_words, subject_words
from console.french import count_of, instant
from console.refusal import NOT_FOR
from console.remittance_words import STATES
from ledger.account_rows import Role
from ledger.remittance_rows import RemittanceState
from ledger.rule_rows import Figures
from programmes.end_of_validity import Stage

ROOT = Path(__file__).parents[2]
ROOMS = ("ledger", "validator", "programmes", "payouts", "console", "command", "demo")


def test_every_action_that_our_code_records_has_its_words():
    sources = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    recorded = {
        action for path in sources for action in re.findall(r'action="([a-z]+\.[a-z_]+)"', path.read_text())
    }
    assert len(recorded) > 10
    assert recorded - set(ACTIONS) == set()


def test_every_verb_of_orders_stages_and_notices_has_its_words():
    orders = {"place", "quote", "proof", "approve", "refuse", "produce", "cancel"}
    told = {f"order.{verb}" for verb in orders} | {f"validity.{stage}" for stage in Stage}
    told |= {f"notice.{verb}" for verb in ("resend", "confirm", "drop", "correct")}
    assert told <= set(ACTIONS)


def test_every_detail_that_our_code_records_has_its_word():
    recorded = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record_event":
                    recorded |= {keyword.arg for keyword in node.keywords if keyword.arg}
    assert recorded - {"actor", "action", "subject", "reason"} <= set(DETAILS)
    assert {field.name for field in fields(Figures)} == set(RULES)


def test_events_of_territories_amendments_and_notices_are_told_in_french():
    nbsp = "\u00a0"
    assert subject_words("territory:1/12") == f"territoire n°{nbsp}12, programme n°{nbsp}1"
    assert actor_words("threshold") == "le seuil de consommation"
    told = detail_words({"changed": ["grace_days"], "heard_on": "2026-02-01", "before": "unclear"})
    assert told == (
        f"règles changées{nbsp}: tolérance, entendu le{nbsp}: 1er{nbsp}février{nbsp}2026,"
        f" avant{nbsp}: incertain"
    )
    assert detail_words({"condition": "project_lead"}) == f"condition{nbsp}: Chef de projet nommé"


def test_events_are_told_in_french():
    assert actor_words("cli:root") == "root, en ligne de commande"
    assert actor_words("account:a@b.fr") == "a@b.fr"
    assert actor_words("device:1200") == "téléphone n°\u00a01\u00a0200"
    assert actor_words("validator") == "le service"
    assert subject_words("something") == "something"
    assert (
        detail_words({"cause": "stolen", "booklets": 1200}) == "cause\u00a0: volé, carnets\u00a0: 1\u00a0200"
    )
    assert detail_words({"cause": ["odd"]}) == "cause\u00a0: ['odd']"


def test_instants_are_those_of_paris_and_written_as_in_france():
    nbsp = "\u00a0"
    assert (
        instant(datetime(2026, 11, 21, 8, 5, tzinfo=UTC)) == f"21{nbsp}novembre{nbsp}2026 à 9{nbsp}h{nbsp}05"
    )
    assert instant(datetime(2026, 7, 31, 22, 0, tzinfo=UTC)).startswith(f"1er{nbsp}août{nbsp}2026 à 0{nbsp}h")
    assert [count_of(n, "carnet") for n in (0, 1, 2)] == [
        f"0{nbsp}carnet",
        f"1{nbsp}carnet",
        f"2{nbsp}carnets",
    ]
    assert [count_of(2, noun) for noun in ("bordereau", "pass")] == [f"2{nbsp}bordereaux", f"2{nbsp}pass"]


def test_every_role_has_its_name_and_is_told_what_it_is_for():
    assert set(ROLES) == set(NOT_FOR) == set(Role)
    assert detail_words({"role": "approver"}) == "rôle\u00a0: Mandataire, approbation"


def test_every_state_of_a_remittance_has_its_word():
    assert set(STATES) == set(RemittanceState)


def test_a_browser_is_told_as_its_person_knows_it():
    chrome = (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
    )
    iphone = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1 Version/18.1 Safari/604.1"
    )
    edge = f"{chrome} Edg/141.0".replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64")
    assert [browser_words(one) for one in (chrome, iphone, edge)] == [
        "Chrome sur Linux",
        "Safari sur iPhone",
        "Edge sur Windows",
    ]
    assert browser_words("curl/8") == browser_words("") == "navigateur inconnu"
