"""Organisations that apply, and two persons who decide."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.application_rows import AppliedSite, NewApplication
from ledger.applications import publish_criteria
from ledger.parties import add_person

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
CRITERIA = ("Accueillir tous les publics", "Avoir des médiateurs formés")


@pytest.fixture
def now() -> datetime:
    return NOW


@dataclass(frozen=True)
class Judges:
    first: int
    second: int


@pytest.fixture
async def judges(connection) -> Judges:
    return Judges(await add_person(connection, "Camille"), await add_person(connection, "Dominique"))


@pytest.fixture
async def an_application(connection, instance) -> Callable[..., NewApplication]:
    version = await publish_criteria(connection, CRITERIA, actor="tests", at=NOW)

    def made(**changed: Any) -> NewApplication:
        told = NewApplication(
            version,
            instance.programme_id,
            "99900004500016",
            "Les Ateliers du Pont",
            "Léa Martin",
            "contact@pont.example",
            (1, 2),
            (AppliedSite("Atelier du Pont", "3 rue du Pont", "51100", "Reims"),),
            ("Oui, sans rendez-vous", "Deux médiatrices certifiées"),
        )
        return replace(told, **changed)

    return made
