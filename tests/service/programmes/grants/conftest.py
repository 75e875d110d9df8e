"""A programme with small figures and three territories, and hands that grant, deliver, scan and close."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import count

import asyncpg
import pytest

from ledger.amendments import amend_rules
from ledger.booklets import issue_batch
from ledger.connect import connected
from ledger.deliveries import activate_delivery, dispatch, receive
from ledger.grant_rows import Condition, Grant
from ledger.order_rows import Delivery
from ledger.parties import add_person, add_territory
from ledger.programme_rules import newest_rules
from ledger.programmes import add_programme
from ledger.remittances import close_remittance
from ledger.rows import Batch
from ledger.rule_rows import Figures, Rules
from ledger.territory_measures import note_condition
from loadtests.funding import fund
from programmes.grants import approve, propose

NOW = datetime(2021, 3, 1, 9, tzinfo=UTC)
LAST_DAY = date(2022, 1, 31)
FIGURES = Figures(
    LAST_DAY,
    convention="Appel à projets 2021",
    stock_cap_passes=200,
    first_grant_passes=50,
    top_up_passes=20,
    threshold_percent=50,
    grant_deadline=date(2021, 10, 1),
)
ACCEPT = """
INSERT INTO acceptances (booklet, pass_number, attempt_id, accepted_at, device_id, site_id, operator_id,
                         amount_cents, receipt_key_id, service_id, seal)
SELECT b.booklet, n, gen_random_uuid(), $3, 1, 1, 1, 1000, 1, 0, 0
FROM booklet_territories b, generate_series(1, 10) AS n
WHERE (b.programme_id, b.territory_id) = ($1, $2)
  AND NOT EXISTS (SELECT FROM acceptances a WHERE (a.booklet, a.pass_number) = (b.booklet, n))
ORDER BY b.booklet, n LIMIT $4"""


@dataclass
class Office:
    """What the trustee does in one programme, at the instants that a test says."""

    connection: asyncpg.Connection
    dsn: str
    programme_id: int
    person_id: int
    territories: list[int]
    batch: Batch | None = None
    now: datetime = NOW
    names: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    @asynccontextmanager
    async def another_hand(self) -> AsyncIterator[asyncpg.Connection]:
        async with connected(self.dsn, purpose="tests") as connection:
            yield connection

    async def stock(self, booklets: int, *, funds_cents: int | None = None) -> Batch:
        """Booklets in the trustee's safe, and the money that their activation takes."""
        self.batch = await issue_batch(self.connection, self.programme_id, booklets, actor="tests")
        await fund(
            self.connection,
            self.programme_id,
            booklets * 10_000 if funds_cents is None else funds_cents,
            actor="tests",
        )
        return self.batch

    async def ready(self, territory: int) -> None:
        """All conditions are met."""
        for condition in Condition:
            await note_condition(
                self.connection,
                self.programme_id,
                territory,
                condition,
                met_on=date(2021, 2, 1),
                note="vu",
                actor="tests",
                at=self.now,
            )

    async def first_grant(self, territory: int) -> Grant:
        await self.ready(territory)
        proposed = await propose(self.connection, self.programme_id, territory, actor="tests", at=self.now)
        return await self.approve(proposed)

    async def approve(self, grant: Grant) -> Grant:
        return await approve(
            self.connection, grant.id, person_id=self.person_id, actor="account:tests", at=self.now
        )

    async def deliver(self, grant: Grant, booklets: int) -> Delivery:
        """Dispatched, received and active."""
        assert self.batch is not None
        sent = await dispatch(
            self.connection,
            grant.id,
            batch_id=self.batch.id,
            booklet_count=booklets,
            actor="tests",
            at=self.now,
        )
        await activate_delivery(self.connection, sent.id, actor="tests", reason="payment", at=self.now)
        return await receive(self.connection, sent.id, received_by="Accueil", actor="tests", at=self.now)

    async def scan(self, territory: int, passes: int) -> None:
        done = await self.connection.execute(
            ACCEPT, self.programme_id, territory, self.now.replace(microsecond=0), passes
        )
        assert done == f"INSERT 0 {passes}"

    async def close(self) -> None:
        """The operator puts all that it scanned into counter-payment."""
        await close_remittance(
            self.connection,
            1,
            at=self.now,
            actor="tests",
            certified_by=None,
            certification="certifié",
        )

    async def amend(self, **changes: object) -> Rules:
        rules = await newest_rules(self.connection, self.programme_id)
        return await amend_rules(
            self.connection,
            self.programme_id,
            replace(rules.figures, **changes),
            of_version=rules.version,
            in_force_from=self.now.date(),
            reason="avenant",
            actor="tests",
            at=self.now,
        )


@pytest.fixture
async def open_office(instance, connection):
    """Opens a programme of its own, with figures of its own."""
    names = count(1)
    person_id = await add_person(connection, "Approbatrice")
    service_ids = [row[0] for row in await connection.fetch("SELECT id FROM services WHERE id > 0")]

    async def open_one(territories: int = 3, **figures: object) -> Office:
        number = next(names)
        territory_ids = [
            await add_territory(connection, f"Territoire {number}.{place}") for place in range(territories)
        ]
        programme_id = await add_programme(
            connection,
            name=f"Grand Paris {number}",
            funder="Métropole",
            contact="01 02 03 04 05",
            face_value_cents=1_000,
            booklet_size=10,
            last_day=LAST_DAY,
            territory_ids=territory_ids,
            service_ids=service_ids,
            actor="tests",
            figures=replace(FIGURES, **figures),
            at=datetime(2021, 1, 4, tzinfo=UTC),
        )
        return Office(connection, instance.dsn, programme_id, person_id, territory_ids)

    return open_one


@pytest.fixture
async def office(open_office):
    return await open_office()
