"""A prescriber of a territory with active booklets in its safe, and somebody who hands them out."""

import itertools
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from keys.passes import PassId
from ledger.claims import claim_passes
from ledger.custody import transfer_booklets
from ledger.handout_rows import Handout, NewHandout
from ledger.handouts import hand_out
from ledger.prescribers import add_prescriber, add_prescriber_person
from ledger.questionnaires import load_questionnaire
from ledger.rows import Candidate, Outcome
from programmes.questionnaire import content_of, default_questionnaire

ANSWERS = {"situation": "rsa", "qpv": "oui", "age": "26_59"}
# Past the rules of grants, which have tests of their own: booklets are just there.
GRANT = """
INSERT INTO deliveries (grant_id, programme_id, territory_id, booklet_count, passes, dispatched_at,
                        dispatched_by)
VALUES (0, $1, $2, $3, 1000000, now(), 'tests') RETURNING id"""
DELIVER = "INSERT INTO delivered_booklets (booklet, delivery_id) SELECT unnest($1::bigint[]), $2"

_numbers = itertools.count(1)


@dataclass
class Desk:
    """A prescriber and one of its persons."""

    prescriber_id: int
    person_id: int
    questionnaire_id: int
    booklets: list[int]


@pytest.fixture(scope="session")
def deliver(house) -> Callable[..., Awaitable[None]]:
    async def delivered(numbers: list[int], *, programme_id: int, territory_id: int = 1) -> None:
        async with house.as_superuser() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            delivery = await connection.fetchval(GRANT, programme_id, territory_id, len(numbers))
            await connection.execute(DELIVER, numbers, delivery)

    return delivered


@pytest.fixture(scope="session")
def open_desk(house, deliver) -> Callable[..., Awaitable[Desk]]:
    """With fresh booklets of the house's programme, or of another one."""

    async def opened(
        *, booklets: int = 1, programme_id: int | None = None, operator_id: int | None = None, **person: Any
    ) -> Desk:
        wanted = programme_id or house.programme_id
        numbers = list((await house.issue(booklets=booklets, programme_id=wanted)).booklets)
        await deliver(numbers, programme_id=wanted)
        now = datetime.now(UTC)
        who: dict[str, Any] = {"name": f"Prescriptrice {next(_numbers)}", **person}
        async with house.database() as connection:
            kept = await load_questionnaire(
                connection, wanted, content_of(default_questionnaire()), at=now, actor="tests"
            )
            prescriber_id = await add_prescriber(
                connection,
                territory_id=1,
                name=f"Prescripteur {next(_numbers)}",
                operator_id=operator_id,
                at=now,
                actor="tests",
            )
            person_id = await add_prescriber_person(connection, prescriber_id, at=now, actor="tests", **who)
            await transfer_booklets(
                connection,
                numbers,
                from_id=None,
                to_id=prescriber_id,
                at=now,
                actor="tests",
                reason="livraison",
            )
        return Desk(prescriber_id, person_id, kept.id, numbers)

    return opened


@pytest.fixture(scope="session")
def new_handout() -> Callable[..., NewHandout]:
    def made(desk: Desk, **changed: Any) -> NewHandout:
        wanted: dict[str, Any] = {
            "request_id": uuid.uuid4(),
            "booklet": desk.booklets[0],
            "first_pass": 1,
            "last_pass": 10,
            "prescriber_id": desk.prescriber_id,
            "person_id": desk.person_id,
            "questionnaire_id": desk.questionnaire_id,
            "answers": ANSWERS,
            "publics": ("pic", "qpv"),
        }
        return NewHandout(**(wanted | changed))

    return made


@pytest.fixture(scope="session")
def give(house, new_handout) -> Callable[..., Awaitable[Handout]]:
    """Hand a booklet of the desk out."""

    async def given(desk: Desk, **changed: Any) -> Handout:
        async with house.database() as connection:
            return await hand_out(
                connection, new_handout(desk, **changed), at=datetime.now(UTC), actor="tests"
            )

    return given


@pytest.fixture(scope="session")
def codes_of(house) -> Callable[[int], Awaitable[list[Any]]]:
    """What is printed in a booklet."""

    async def printed(booklet: int) -> list[Any]:
        from ledger.booklets import find_batch

        async with house.database() as connection:
            batch_id = await connection.fetchval("SELECT batch_id FROM booklets WHERE number = $1", booklet)
            batch = await find_batch(connection, batch_id)
        return [one for one in house.printed(batch) if one.pass_id.booklet == booklet]

    return printed


@pytest.fixture(scope="session")
def claim() -> Callable[..., Awaitable[Outcome]]:
    """As a validator takes a pass that nothing speaks against; the connection's transaction may be open."""

    async def claimed(connection: Any, booklet: int, device: Any, *, number: int = 1) -> Outcome:
        now = datetime.now(UTC)
        wanted = Candidate(
            PassId(booklet, number),
            uuid.uuid4(),
            device.id,
            device.site_id,
            device.operator_id,
            0,
            1_000,
            now,
        )
        at = now.replace(microsecond=0)
        [told] = await claim_passes(connection, [wanted], [7], accepted_at=at, receipt_key_id=1)
        return told.outcome

    return claimed
