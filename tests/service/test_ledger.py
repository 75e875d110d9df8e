"""What the database itself refuses: to whom, and whatever the program above it does."""

import asyncpg
import pytest

from ledger.connect import connected

ADD = """
INSERT INTO acceptances (booklet, pass_number, attempt_id, accepted_at, device_id, site_id, operator_id,
                         amount_cents, receipt_key_id, service_id, seal)
VALUES ($1, $2, gen_random_uuid(), date_trunc('second', now()), 1, 1, 1, $3, 1, 0, 0)"""
CLOSE = """
INSERT INTO remittances (operator_id, number, line_count, total_cents, lines_sha256, closed_by, certification,
                         names)
SELECT 1, coalesce(max(number), 0) + 1, {count}, {cents}, sha256(''), 'tests', 'certifié', '{{}}'
FROM remittances WHERE operator_id = 1 RETURNING number"""
ADD_LINE = """
INSERT INTO remittance_lines
SELECT booklet, pass_number, attempt_id, operator_id, $2, $3, amount_cents FROM acceptances
WHERE booklet = $1 AND undone_at IS NULL"""
APPEND_ONLY = ["events", "flushes", "attempts", "undos", "remittances", "remittance_lines",
               "remittance_parts", "batches", "programme_amendments"]  # fmt: skip
KEPT = ["acceptances", "booklets", "signing_keys", "operators", "programmes"]
# What a person may end or begin anew: sessions, a lost second factor with its recovery codes, and by an
# amendment what a programme covers.
# An amendment may end what a programme covers.
MAY_DELETE = {"sessions", "second_factors", "recovery_codes", "programme_territories",
              "programme_services"}  # fmt: skip
# What the auditor never reads, because who reads it could become somebody else or try codes at leisure:
# hashes of passwords, session tokens and enrolment codes, sealed second factors, MACs of recovery codes; of a
# proof, the codes that it shows; of a webhook, its sealed secret.
SECRET = {"accounts", "sessions", "enrolments", "second_factors", "recovery_codes", "order_proofs",
          "webhooks"}  # fmt: skip
# What the application may change: states, ends and counters; never what was signed, paid or said.
MAY_CHANGE = {
    "acceptances": {"undone_at"},
    "booklets": {"state", "activated_at", "cancelled_at", "cancel_cause", "prescribed_by", "released_at",
                 "replaced_at", "co_prescribed", "ever_undone"},
    "book_counter": {"next_entry"},
    "corrections": {"remittance_number", "claimed_at", "claimed_by", "entry"},
    "disputes": {"outcome", "resolved_at", "resolved_by", "resolution", "correction_id"},
    "signing_keys": {"state", "activated_at", "retired_at", "revoked_at"},
    "programmes": {"last_day", "expires_at", "payment_delay_days", "closing_calendar"},
    "qualifications": {"ends_on"},
    "devices": {"revoked_at"},
    "enrolments": {"device_id"},
    "booklet_counter": {"next_booklet"},
    "guard_generation": {"generation", "system_identifier", "timeline"},
    "accounts": {"password_hash", "disabled_at", "role", "programme_id", "operator_id", "prescriber_id",
                 "territory_id"},
    "sessions": {"last_seen_at", "proved_at"},
    "second_factors": {"last_step"},
    "recovery_codes": {"used_at"},
    "operator_bank_accounts": {"approved_at", "approved_by", "usable_from", "refused_at", "blocked_at",
                               "blocked_why", "vop_result"},
    "trustee_accounts": {"approved_at", "approved_by", "booking_format"},
    "payout_batches": {"state", "approved_at", "approved_by", "trustee_account_id", "message_id",
                       "requested_on", "file", "file_sha256", "sent_at"},
    "payout_attempts": {"state", "account_id", "holder", "iban", "bic", "changed_at", "reason"},
    "prescriber_persons": {"left_at"},
    "booklet_custody": {"prescriber_id", "since", "transfer_id"},
    "handouts": {"undone_at", "undone_by", "undo_cause"},
    "replacements": {"done_at", "passes", "new_booklet"},
    "statement_lines": {"bank_line_id"},
    "matches": {"undone_at", "undone_by", "undo_reason", "undo_entry", "undone_in"},
    "territory_conditions": {"withdrawn_at", "withdrawn_by", "withdraw_reason"},
    "territory_measures": {"lifted_at", "lifted_by", "lift_reason"},
    "grants": {"state", "decided_at", "decided_by", "reason", "deliver_by"},
    "orders": {"quoted_at", "quoted_by", "quote_reference", "quote_cents", "batch_id", "production_sha256",
               "produced_at", "produced_by", "cancelled_at", "cancelled_by", "cancel_reason"},
    "order_proofs": {"decision", "decided_at", "decided_by", "reason"},
    "deliveries": {"delivered_at", "received_by", "note_sha256"},
    "delivered_booklets": {"restitution_id"},
    "services": {"mednum"},
    "contact_addresses": {"removed_at"},
    "notices": {"state", "attempts", "next_at", "changed_at", "sent_at", "error"},
    "webhooks": {"ended_at"},
    "webhook_calls": {"state", "attempts", "next_at", "changed_at", "last_status", "error"},
    "applications": {"decision", "decided_at", "decided_by", "reason", "appealed_at", "appeal_text",
                     "appeal_decision", "appeal_decided_at", "appeal_decided_by", "appeal_reason",
                     "operator_id"},
    "operator_holds": {"released_at", "released_by", "release_reason"},
    "site_details": {"address", "complement", "postcode", "commune", "insee", "latitude", "longitude",
                     "phone", "email", "website", "opening_hours", "summary", "access_sheet", "booking",
                     "updated_at", "updated_by"},
}  # fmt: skip
REFUSED = (
    asyncpg.RestrictViolationError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.GeneratedAlwaysError,  # a number given by the database
)
COLUMNS = """
SELECT table_name, array_agg(column_name::text) FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' GROUP BY table_name ORDER BY table_name"""
VIEWS = "SELECT table_name, is_updatable FROM information_schema.views WHERE table_schema = 'public'"


@pytest.fixture
async def owner(house):
    """A hand of the schema's owner, whose work is undone after the test."""
    async with connected(house.owner_dsn, purpose="tests") as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


@pytest.fixture
async def an_undone_scan(house, new_attempt_id):
    """So that every table of the scan holds a row."""
    one, other = await house.passes(2)
    for attempt_id, code in ((new_attempt_id(), one.qr), (new_attempt_id(), other.qr)):
        await house.scan(code, attempt_id=attempt_id)
        await house.scan(code, attempt_id=attempt_id)
    await house.undo(attempt_id)
    return one


async def _refuses(connection, statement, *values, why=REFUSED):
    with pytest.raises(why):
        async with connection.transaction():
            await connection.execute(statement, *values)


# Invariants ----------------------------------------------------------------------------------------------


async def test_a_second_live_acceptance_of_a_pass_is_refused(owner):
    await owner.execute(ADD, 10**6, 1, 1_000)
    await _refuses(owner, ADD, 10**6, 1, 1_000, why=asyncpg.UniqueViolationError)
    await owner.execute("UPDATE acceptances SET undone_at = now() WHERE booklet = $1", 10**6)
    await owner.execute(ADD, 10**6, 1, 1_000)
    await _refuses(owner, ADD, 10**6, 1, 1_000, why=asyncpg.UniqueViolationError)


@pytest.mark.parametrize("amount_cents", [0, -1, -1_000])
async def test_money_is_positive(owner, amount_cents):
    await _refuses(owner, ADD, 10**6, 1, amount_cents, why=asyncpg.CheckViolationError)


@pytest.mark.parametrize("number", [0, -1, 256])
async def test_pass_numbers_are_those_that_a_code_can_hold(owner, number):
    await _refuses(owner, ADD, 10**6, number, 1_000, why=asyncpg.CheckViolationError)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE booklets SET state = 'lent'",
        "UPDATE booklets SET state = 'active', activated_at = NULL",
        "UPDATE booklets SET state = 'cancelled'",
        "UPDATE booklets SET cancelled_at = now()",
        "UPDATE booklets SET state = 'cancelled', cancelled_at = now(), cancel_cause = 'eaten'",
        "UPDATE signing_keys SET state = 'borrowed'",
        "UPDATE signing_keys SET state = 'revoked', revoked_at = NULL",
        "UPDATE programmes SET last_day = last_day + 1",
        "UPDATE programmes SET expires_at = expires_at + interval '1 second'",
        "INSERT INTO attempts VALUES (1, gen_random_uuid(), now(), NULL, 1, 1, 'lost')",
        "INSERT INTO undos VALUES (1, 1, gen_random_uuid(), 1, now(), '')",
        "INSERT INTO flushes VALUES (now(), '{}')",
        "INSERT INTO operators (siret, name) VALUES ('1234', 'x')",
        "INSERT INTO persons (name) VALUES ('')",
        CLOSE.format(count=0, cents=1),
        CLOSE.format(count=1, cents=-1),
        CLOSE.format(count=1, cents=1),  # without a line that it would be the sum of
        "INSERT INTO events (actor, action, subject) VALUES ('', 'a.b', 'c')",
        "INSERT INTO events (actor, action, subject) VALUES ('a', 'whatever', 'c')",
        "UPDATE qualifications SET service_ids = '{}'",
    ],
)
async def test_unknown_states_and_half_told_facts_are_refused(owner, house, statement):
    await owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if "booklets" in statement:
        await house.passes(1)
    await _refuses(owner, statement, why=asyncpg.CheckViolationError)


async def test_only_one_key_of_a_purpose_signs(owner):
    statement = "UPDATE signing_keys SET state = 'active', activated_at = now() WHERE purpose = 'receipt'"
    await owner.execute(
        "INSERT INTO signing_keys (kid, purpose, public_key) VALUES ('\\x00000001', 'receipt', $1)", bytes(32)
    )
    await _refuses(owner, statement, why=asyncpg.UniqueViolationError)


async def test_a_pass_is_in_one_remittance_at_most(owner):
    await owner.execute(ADD, 10**6, 1, 1_000)
    one, other = [await owner.fetchval(CLOSE.format(count=1, cents=1_000)) for _ in range(2)]
    await owner.execute(ADD_LINE, 10**6, one, 1)
    await _refuses(owner, ADD_LINE, 10**6, one, 2, why=asyncpg.UniqueViolationError)
    await _refuses(owner, ADD_LINE, 10**6, other, 1, why=asyncpg.UniqueViolationError)


# Nothing signed, paid or said ever changes: not for the owner either -------------------------------------


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_the_owner_can_neither_change_nor_remove_what_is_append_only(
    house, owner, an_undone_scan, table
):
    column = await owner.fetchval(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1", table
    )
    await owner.execute(ADD, 10**6, 1, 1_000)
    number = await owner.fetchval(CLOSE.format(count=1, cents=1_000))
    await owner.execute(ADD_LINE, 10**6, number, 1)
    await owner.execute("INSERT INTO remittance_parts VALUES (1, $1, 1, 1, 1000, 30)", number)
    await owner.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing is left to be checked at commit
    await owner.execute(
        "INSERT INTO programme_amendments (programme_id, last_day_old, last_day_new, reason)"
        " VALUES (1, '2027-01-01', '2027-01-02', 'x')"
    )
    assert await owner.fetchval(f"SELECT count(*) FROM {table}") > 0
    await _refuses(owner, f"DELETE FROM {table}")
    await _refuses(owner, f"TRUNCATE {table} CASCADE")
    await _refuses(owner, f"UPDATE {table} SET {column} = {column}")


@pytest.mark.parametrize("table", KEPT)
async def test_the_owner_cannot_remove_what_is_kept(owner, an_undone_scan, table):
    await _refuses(owner, f"DELETE FROM {table}")
    await _refuses(owner, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(
    "change",
    [
        "amount_cents = amount_cents + 1",
        "site_id = site_id + 1",
        "accepted_at = accepted_at + interval '1 second'",
        "seal = seal + 1",
        "attempt_id = gen_random_uuid()",
        "undone_at = now(), amount_cents = 1",
    ],
)
async def test_an_acceptance_never_changes(owner, an_undone_scan, change):
    live = f"WHERE booklet = {an_undone_scan.pass_id.booklet} AND undone_at IS NULL"
    await _refuses(owner, f"UPDATE acceptances SET {change} {live}")


async def test_an_undo_is_never_undone_nor_moved(owner, an_undone_scan):
    undone = f"WHERE booklet = {an_undone_scan.pass_id.booklet} AND undone_at IS NOT NULL"
    await _refuses(owner, f"UPDATE acceptances SET undone_at = NULL {undone}")
    await _refuses(owner, f"UPDATE acceptances SET undone_at = now() {undone}")


async def test_what_receipts_and_paper_name_never_changes(owner):
    await _refuses(owner, "UPDATE operators SET siret = '99999999999999'")
    await _refuses(owner, "UPDATE programmes SET face_value_cents = 2000")
    await _refuses(owner, "UPDATE programmes SET booklet_size = 20")


# Roles ---------------------------------------------------------------------------------------------------


async def test_the_application_may_change_only_what_it_is_granted(house, owner):
    async with house.database() as connection:
        for table, columns in await owner.fetch(COLUMNS):
            await _refuses(connection, f"TRUNCATE {table}")
            if table not in MAY_DELETE:
                await _refuses(connection, f"DELETE FROM {table} WHERE false")
            for column in columns:
                if column not in MAY_CHANGE.get(table, set()):
                    await _refuses(connection, f"UPDATE {table} SET {column} = {column} WHERE false")


async def test_the_application_can_neither_alter_the_schema_nor_silence_its_guards(house):
    async with house.database() as connection:
        for statement in (
            "DROP TABLE acceptances",
            "ALTER TABLE acceptances DISABLE TRIGGER ALL",
            "CREATE TABLE stolen (a int)",
            "DROP INDEX acceptances_one_live",
            "SET session_replication_role = replica",
            "INSERT INTO schema_migrations VALUES (99, 'x', 'x')",
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
        ):
            await _refuses(connection, statement, why=asyncpg.InsufficientPrivilegeError)


async def test_the_auditor_reads_everything_but_secrets_and_writes_nothing(house, servers, owner):
    name = await owner.fetchval("SELECT current_database()")
    dsn = servers.postgres.dsn("poincon_auditor", name)
    async with connected(dsn, purpose="tests") as connection:
        for table, columns in await owner.fetch(COLUMNS):
            if table in SECRET:
                await _refuses(connection, f"SELECT count(*) FROM {table}")
            else:
                await connection.fetchval(f"SELECT count(*) FROM {table}")
            await _refuses(connection, f"DELETE FROM {table} WHERE false")
            await _refuses(connection, f"TRUNCATE {table}")
            await _refuses(connection, f"UPDATE {table} SET {columns[0]} = {columns[0]} WHERE false")
        await _refuses(connection, "INSERT INTO persons (name) VALUES ('x')")
        await _refuses(connection, "CREATE TABLE mine (a int)")
        for view, _ in await owner.fetch(VIEWS):
            await connection.fetchval(f"SELECT count(*) FROM {view}")


async def test_nothing_is_changed_through_a_view(owner):
    views = await owner.fetch(VIEWS)
    assert len(views) > 1
    assert not [view for view, is_updatable in views if is_updatable != "NO"]
