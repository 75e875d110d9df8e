"""An instance that was at work before it had books: what it owed then is owed now, and the audit agrees."""

import os

import pytest

from ledger import migrate as migrating
from ledger.audit_books import BOOK_CHECKS
from ledger.book_rows import SUSPENSE, circulation_of, owed_to
from ledger.books import balances
from ledger.connect import connected

# One programme with three booklets: active, cancelled after a pass was taken, and never activated; one
# operator with a remittance of two passes and one pass that is not remitted.
LIFE = """
INSERT INTO territories (name) VALUES ('Val');
INSERT INTO persons (name) VALUES ('Amina');
INSERT INTO operators (siret, name) VALUES ('99900001100018', 'La Fabrique');
INSERT INTO sites (operator_id, territory_id, name) VALUES (1, 1, 'Lieu');
INSERT INTO signing_keys (kid, purpose, public_key, state, activated_at)
    VALUES ('\\x01020304', 'pass', decode(repeat('01', 32), 'hex'), 'active', now());
INSERT INTO programmes (name, funder, face_value_cents, booklet_size, last_day, expires_at)
    VALUES ('P', 'M', 1000, 10, '2027-12-31', '2027-12-31T23:00:00Z');
INSERT INTO batches (programme_id, key_id, first_booklet, booklet_count, expires_at)
    VALUES (1, 1, 1, 3, '2027-12-31T23:00:00Z');
INSERT INTO booklets (number, batch_id, face_value_cents, pass_count, state, activated_at) VALUES
    (1, 1, 1000, 10, 'active', now()), (2, 1, 1000, 10, 'active', now()),
    (3, 1, 1000, 10, 'issued', NULL);
UPDATE booklets SET state = 'cancelled', cancelled_at = now(), cancel_cause = 'lost' WHERE number = 2;
INSERT INTO acceptances (booklet, attempt_id, accepted_at, seal, device_id, site_id, operator_id,
                         amount_cents, receipt_key_id, service_id, pass_number)
    SELECT b, gen_random_uuid(), date_trunc('second', now()), b, 1, 1, 1, 1000, 1, 0, n
    FROM (VALUES (1, 1), (1, 2), (2, 1)) AS taken (b, n);
INSERT INTO remittances (operator_id, number, line_count, total_cents, lines_sha256, closed_by, certification,
                         names) VALUES (1, 1, 2, 2000, sha256(''), 'device:1', 'x', '{}');
INSERT INTO remittance_lines
    SELECT booklet, pass_number, attempt_id, 1, 1, pass_number, 1000 FROM acceptances WHERE booklet = 1;
INSERT INTO remittance_parts VALUES (1, 1, 1, 2, 2000, 30);
"""


@pytest.fixture
async def owner(servers, template):
    """The owner's connection to a database as it was before the books."""
    name = f"before_{os.getpid()}"
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as connection:
        await connection.execute(f"CREATE DATABASE {name} OWNER poincon_owner")
    async with connected(servers.postgres.dsn("poincon_owner", name), purpose="tests") as opened:
        yield opened
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as connection:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_what_was_activated_and_remitted_before_is_in_the_books_and_awaits_the_banks_lines(
    owner, monkeypatch
):
    known = migrating.migrations()
    monkeypatch.setattr(migrating, "migrations", lambda: known[:5])
    await migrating.migrate(owner)
    async with owner.transaction():
        await owner.execute(LIFE)
    monkeypatch.undo()
    await migrating.migrate(owner)
    held = await balances(owner)
    assert held[SUSPENSE] == 20_000
    assert held[circulation_of(1)] == -18_000
    assert held[owed_to(1, by_programme=1)] == -2_000
    for check, query in BOOK_CHECKS.items():
        assert await owner.fetch(query) == [], check
