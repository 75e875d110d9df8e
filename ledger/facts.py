"""What validators keep in memory to refuse early, read in one piece: small tables whole, booklets by change.

Nothing here is about acceptances.
"""

from datetime import datetime

from ledger.connect import Connection, Record
from ledger.rows import (
    Amendment,
    BatchNumbers,
    Booklet,
    BookletState,
    Device,
    Facts,
    Operator,
    Programme,
    Qualification,
    Service,
    Site,
)
from ledger.signing_keys import KEYS, public_key

CHANNEL = "poincon_facts"

OPERATORS = "SELECT id, siret, name FROM operators"
SITES = "SELECT id, operator_id, territory_id, name FROM sites"
DEVICES = """
SELECT token_sha256, id, operator_id, site_id, mediator_id, label, enrolled_at, revoked_at, public_key
FROM devices"""
SERVICES = "SELECT id, code, label FROM services"
PROGRAMMES = """
SELECT p.id, p.name, p.funder, p.contact, p.face_value_cents, p.booklet_size, p.last_day, p.expires_at,
       p.payment_delay_days,
       ARRAY(SELECT territory_id FROM programme_territories t WHERE t.programme_id = p.id) AS territory_ids,
       ARRAY(SELECT service_id FROM programme_services s WHERE s.programme_id = p.id) AS service_ids
FROM programmes p ORDER BY p.id"""
BATCHES = "SELECT programme_id, first_booklet, booklet_count FROM batches ORDER BY first_booklet"
AMENDMENTS = """
SELECT programme_id, amended_at, last_day_old, last_day_new, reason FROM programme_amendments ORDER BY id"""
QUALIFICATIONS = "SELECT operator_id, programme_id, starts_on, ends_on, service_ids FROM qualifications"
PERSONS = "SELECT id, name FROM persons"
CO_PRESCRIPTIONS = "SELECT booklet, person_id FROM co_prescriptions"
GENERATION = "SELECT generation FROM guard_generation"
# Every transaction older than the xmin of a snapshot had ended when it was taken: a later look from that xmin
# on misses no commit, in whatever order transactions end.
BOOKLETS = """
SELECT b.number, t.programme_id, b.state, b.pass_count, b.activated_at, b.cancelled_at, b.prescribed_by,
       b.replaced_at, b.ever_undone
FROM booklets b JOIN batches t ON t.id = b.batch_id WHERE b.changed_by >= $1::text::xid8"""
WATERMARK = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
CANCELLED = """
SELECT number, cancel_cause, cancelled_at FROM booklets WHERE cancelled_at IS NOT NULL ORDER BY number"""


async def load_facts(connection: Connection, *, since: str = "0") -> Facts:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        watermark = await connection.fetchval(WATERMARK)
        return Facts(
            keys={row["id"]: public_key(row) for row in await connection.fetch(KEYS)},
            operators={row["id"]: Operator(*row) for row in await connection.fetch(OPERATORS)},
            sites={row["id"]: Site(*row) for row in await connection.fetch(SITES)},
            devices={row[0]: Device(*row[1:]) for row in await connection.fetch(DEVICES)},
            services={row["code"]: Service(*row) for row in await connection.fetch(SERVICES)},
            programmes={row["id"]: _programme(row) for row in await connection.fetch(PROGRAMMES)},
            batches=tuple(BatchNumbers(*row) for row in await connection.fetch(BATCHES)),
            amendments=tuple(Amendment(*row) for row in await connection.fetch(AMENDMENTS)),
            qualifications=tuple(_qualification(row) for row in await connection.fetch(QUALIFICATIONS)),
            persons=dict(await connection.fetch(PERSONS)),
            guard_generation=await connection.fetchval(GENERATION),
            booklets_changed=[
                Booklet(number, programme_id, BookletState(state), *rest)
                for number, programme_id, state, *rest in await connection.fetch(BOOKLETS, since)
            ],
            watermark=watermark,
            co_prescriptions=frozenset(tuple(row) for row in await connection.fetch(CO_PRESCRIPTIONS)),
        )


async def cancelled_booklets(connection: Connection) -> list[tuple[int, str, datetime]]:
    """Number, cause and instant of each cancelled booklet, for the public list of revocations."""
    return [(row[0], row[1], row[2]) for row in await connection.fetch(CANCELLED)]


def _programme(row: Record) -> Programme:
    facts = dict(row)
    territory_ids, service_ids = facts.pop("territory_ids"), facts.pop("service_ids")
    return Programme(**facts, territory_ids=frozenset(territory_ids), service_ids=frozenset(service_ids))


def _qualification(row: Record) -> Qualification:
    facts = dict(row)
    return Qualification(service_ids=frozenset(facts.pop("service_ids")), **facts)


async def load_generation(connection: Connection) -> int:
    return int(await connection.fetchval(GENERATION))
