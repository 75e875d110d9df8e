"""The audit of programmes: clean after a life in which all of it happened; what a hand does to it is named."""

# ruff: noqa: E501 - a statement reads better on its own lines, as in ledger/audit_programmes.py

import hashlib
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from ledger.audit import QUERIES
from ledger.audit_periods import PERIOD_CHECKS, differing_returns
from ledger.audit_programmes import PROGRAMME_CHECKS
from ledger.booklets import activate_batch, issue_batch
from ledger.custody import transfer_booklets
from ledger.declarations import declare
from ledger.deliveries import restitute
from ledger.grant_rows import MeasureKind
from ledger.grants import find_grant
from ledger.handout_rows import NewHandout
from ledger.handouts import hand_out
from ledger.holds import hold_operator
from ledger.month_figures import month_of
from ledger.prescribers import add_prescriber, add_prescriber_person
from ledger.questionnaires import load_questionnaire
from ledger.replacements import replace_booklet
from ledger.rows import CancelCause
from ledger.territory_measures import decide_measure
from payouts.month_freezing import freeze_month
from programmes.grants import propose, propose_due, refuse
from programmes.questionnaire import content_of, default_questionnaire

WHO = {"actor": "tests", "reason": "vu"}
ACCEPT = """
INSERT INTO acceptances (booklet, pass_number, attempt_id, accepted_at, device_id, site_id, operator_id,
                         amount_cents, receipt_key_id, service_id, seal)
SELECT {booklet}, {number}, gen_random_uuid(), date_trunc('second', {at}), 1, 1, 1, 1000, 1, 0, 0"""
OLD = "(SELECT min(old_booklet) FROM replacements)"
NEW = "(SELECT min(new_booklet) FROM replacements)"
TOP_UP = "(SELECT min(id) FROM grants WHERE kind = 'top_up' AND state = 'approved')"
BACK = "(SELECT min(booklet) FROM delivered_booklets WHERE restitution_id IS NOT NULL)"
OWN = "programme_id = (SELECT max(id) FROM programmes)"


async def _grants(office):
    """First grants, a top-up that is approved, one that is refused, a reduction, a return, an amendment."""
    here, there = office.territories[:2]
    await office.stock(20)
    await office.deliver(await office.first_grant(here), 5)
    await office.first_grant(there)
    office.now += timedelta(hours=1)
    numbers = list(office.batch.booklets)[:5]
    await restitute(office.connection, office.programme_id, here, numbers[4:], at=office.now, **WHO)
    await office.scan(here, 20)
    await office.close()
    [top_up] = await propose_due(
        office.connection, at=office.now, programmes=frozenset({office.programme_id})
    )
    office.now += timedelta(hours=1)
    await office.approve(top_up)
    await office.scan(here, 10)
    await office.close()
    how = {"person_id": office.person_id, "at": office.now, **WHO}
    again = await propose(office.connection, office.programme_id, here, actor="tests", at=office.now)
    await refuse(office.connection, again.id, **how)
    measure = {"passes": 10, "heard_on": date(2021, 2, 26), "hearing": "entendu"}
    await decide_measure(
        office.connection, office.programme_id, there, MeasureKind.REDUCTION, **measure, **how
    )
    office.now += timedelta(hours=1)
    await office.amend(grace_days=31)


async def _booklets(office):
    """A prescriber whose booklet was lost after it was handed out, and one who has its replacement."""
    here, connection = office.territories[0], office.connection
    [grant] = await connection.fetch("SELECT * FROM grants WHERE kind = 'top_up' AND state = 'approved'")
    sent = await office.deliver(await find_grant(connection, grant["id"]), 2)
    numbers = [
        row["booklet"]
        for row in await connection.fetch(
            "SELECT booklet FROM delivered_booklets WHERE delivery_id = $1 ORDER BY 1", sent.id
        )
    ]
    how = {"at": office.now, "actor": "tests"}
    prescriber = await add_prescriber(connection, territory_id=here, name="CCAS", operator_id=None, **how)
    person = await add_prescriber_person(connection, prescriber, name="Prescriptrice", **how)
    await transfer_booklets(connection, numbers, from_id=None, to_id=prescriber, at=office.now, **WHO)
    content = content_of(default_questionnaire())
    kept = await load_questionnaire(connection, office.programme_id, content, **how)
    answers = {"situation": "rsa", "qpv": "oui", "age": "26_59"}
    new = NewHandout(uuid.uuid4(), numbers[0], 1, 10, prescriber, person, kept.id, answers, ("pic",))
    await hand_out(connection, new, **how)
    office.now += timedelta(hours=1)
    await replace_booklet(connection, numbers[0], cause=CancelCause.LOST, at=office.now, **WHO)


async def _told(office):
    """Two months and a year that were told, an operator that is held."""
    connection, programme_id = office.connection, office.programme_id
    for month, at in ((date(2021, 3, 1), datetime(2021, 4, 1, tzinfo=UTC)),
                      (date(2021, 4, 1), datetime(2021, 5, 1, tzinfo=UTC))):  # fmt: skip
        await freeze_month(
            connection, programme_id, month_of(month), at=at + timedelta(hours=3), actor="tests"
        )
    await declare(
        connection, programme_id, 2021, passes=30, face_cents=30_000, state_cents=15_000,
        archive_sha256=hashlib.sha256(b"archive").digest(), at=office.now, actor="tests",
    )  # fmt: skip
    await hold_operator(connection, 2, at=office.now, **WHO)


@pytest.fixture
async def life(open_office):
    office = await open_office()
    await _grants(office)
    await _booklets(office)
    poor = await issue_batch(office.connection, office.programme_id, 1, actor="tests")
    await activate_batch(office.connection, poor.id, at=office.now, **WHO)
    await _told(office)
    return office


BATCH = """
INSERT INTO payout_batches (state, transfer_count, total_cents, prepared_at, prepared_by, approved_at, approved_by,
                            trustee_account_id, message_id, requested_on, file, file_sha256)
VALUES ('approved', 1, 1000, now(), 1, now(), 2, 1, 'M', '2026-01-01', 'f', sha256('f'));
INSERT INTO payout_attempts (batch_id, operator_id, number, attempt, amount_cents, changed_at)
SELECT max(id), 2, 1, 1, 1000, now() FROM payout_batches"""

FAULTS = {
    "rules_are_as_they_were_written": {
        "a figure": f"UPDATE programme_rules SET stock_cap_passes = 100000 WHERE {OWN} AND version = 1",
        "who decided": f"UPDATE programme_rules SET decided_by = 'autre' WHERE {OWN} AND version = 2",
        "a version removed": f"DELETE FROM programme_rules WHERE {OWN} AND version = 1",
    },
    "grants_follow_their_rules": {
        "its passes": f"UPDATE grants SET passes = passes + 10 WHERE id = {TOP_UP}",
        "below the threshold": f"UPDATE grants SET consumed_passes = 19 WHERE id = {TOP_UP}",
        "what was consumed": f"UPDATE grants SET consumed_passes = 21 WHERE id = {TOP_UP}",
        "after the deadline": f"UPDATE grants SET decided_at = '2021-10-01 22:00+00' WHERE id = {TOP_UP}",
    },
    "stock_caps_hold": {
        "a cap": f"UPDATE programme_rules SET stock_cap_passes = 99 WHERE {OWN}",
        "a grant by hand": """
            INSERT INTO grants (programme_id, territory_id, kind, threshold_number, passes, rules_version, held_passes,
                                consumed_passes, proposed_at, proposed_by, state, decided_at, decided_by, deliver_by)
            SELECT programme_id, territory_id, kind, 7, 150, rules_version, held_passes, consumed_passes, proposed_at,
                   proposed_by, state, decided_at, decided_by, deliver_by FROM grants WHERE kind = 'top_up'
              AND state = 'approved'""",
    },
    "thresholds_have_one_grant": {
        "two of one": f"""
            DROP INDEX grants_once_per_threshold;
            UPDATE grants SET threshold_number = 1 WHERE id <> {TOP_UP} AND kind = 'top_up';
            UPDATE grants SET state = 'proposed', decided_at = NULL, decided_by = NULL, reason = NULL
            WHERE state = 'refused'""",
        "one left out": f"UPDATE grants SET threshold_number = 2 WHERE id = {TOP_UP}",
    },
    "grants_have_events": {
        "approved by hand": f"DELETE FROM events WHERE action = 'grant.approve' AND subject = 'grant:' || {TOP_UP}",
    },
    "deliveries_are_within_their_grants": {
        "a smaller grant": f"UPDATE grants SET passes = 10 WHERE id = {TOP_UP}",
        "a booklet more": """
            INSERT INTO delivered_booklets SELECT max(b.number), (SELECT max(id) FROM deliveries) FROM booklets b""",
        "at two places": f"""
            DROP INDEX delivered_booklets_once;
            UPDATE delivered_booklets SET restitution_id = NULL WHERE booklet = {BACK};
            INSERT INTO delivered_booklets VALUES ({BACK.replace("restitution_id IS NOT NULL", "delivery_id > 0")}, 99)""",
    },
    "restitutions_are_whole": {
        "its passes": "UPDATE restitutions SET passes = passes + 10",
        "a replaced one": f"UPDATE booklets SET replaced_at = '2021-01-01' WHERE number = {BACK}",
    },
    "activations_follow_their_money": {
        "money that came later": """
            UPDATE book_postings SET entry = 1000000 + entry
            WHERE entry IN (SELECT number FROM book_entries WHERE kind = 'funding');
            UPDATE book_entries SET number = 1000000 + number WHERE kind = 'funding'""",
        "active before it": """
            UPDATE booklets SET activated_at = activated_at - interval '1 day'
            WHERE batch_id = (SELECT max(id) FROM batches)""",
    },
    "replaced_and_new_are_never_both_live": {
        "the old one revived": f"""
            UPDATE booklets SET state = 'active', cancelled_at = NULL, cancel_cause = NULL, replaced_at = NULL
            WHERE number = {OLD}""",
        "a pass of the old one": ACCEPT.format(booklet=OLD, number=1, at="timestamptz '2021-03-20'"),
        "a larger new one": f"UPDATE booklets SET pass_count = 11 WHERE number = {NEW}",
    },
    "handouts_came_from_their_stock": {
        "another's": "UPDATE handouts SET prescriber_id = prescriber_id + 1",
        "a stranger's": "UPDATE handouts SET person_id = 1",
        "before it was there": "UPDATE handouts SET handed_at = handed_at - interval '2 minutes'",
    },
    "stocks_are_in_their_territory": {
        "sent elsewhere": "UPDATE prescribers SET territory_id = territory_id + 1",
    },
    "nobody_is_told_twice": {
        "a notice again": """
            DROP INDEX notices_never_twice;
            INSERT INTO notices (fact, kind, audience, programme_id, address, payload, state, told_at, next_at, changed_at)
            SELECT fact, kind, audience, programme_id, address, payload, state, told_at, next_at, changed_at FROM notices""",
    },
    "held_operators_are_not_paid": {
        "a transfer": BATCH,
        "a hold by nobody": "DELETE FROM events WHERE action = 'operator.hold'",
    },
    "returns_were_told_so": {
        "a paper": f"UPDATE monthly_returns SET pdf = 'x', pdf_sha256 = sha256('x') WHERE {OWN}",
        "a table": f"""
            UPDATE monthly_returns SET facts = jsonb_set(facts, '{{territories,0,tables,public,total}}', '29')
            WHERE {OWN} AND month = '2021-03-01'""",
        "a month": f"UPDATE monthly_returns SET month = '2021-01-01' WHERE {OWN} AND month = '2021-03-01'",
    },
    "declarations_were_told_so": {
        "its archive": "UPDATE declarations SET archive_sha256 = sha256('autre')",
        "the State's share": "UPDATE declarations SET state_cents = state_cents - 1",
    },
}  # fmt: skip


async def test_each_check_of_programmes_is_asked_and_proved_able_to_find_what_a_hand_did(life, superuser):
    assert set(PROGRAMME_CHECKS) <= set(QUERIES)
    assert set(FAULTS) == set(PROGRAMME_CHECKS)
    clean = {check: await superuser.fetch(query) for check, query in PROGRAMME_CHECKS.items()}
    assert {check: rows for check, rows in clean.items() if rows} == {}
    missed = []
    for check, faults in FAULTS.items():
        for what, statement in faults.items():
            tampering = superuser.transaction()
            await tampering.start()
            await superuser.execute("SET LOCAL session_replication_role = replica")
            touched = await superuser.execute(statement)
            assert not touched.endswith(" 0"), (check, what)
            found = [" ".join(row) for row in await superuser.fetch(PROGRAMME_CHECKS[check])]
            await tampering.rollback()
            if not any(character.isdigit() for one in found for character in one):
                missed.append((check, what))
    assert missed == []


async def test_every_sum_of_a_frozen_month_is_derived_again(life, superuser):
    async def told():
        async with superuser.transaction():
            return [detail async for _, detail in differing_returns(superuser)]

    assert await told() == []
    sums = await superuser.fetchval("SELECT facts->'sums' FROM monthly_returns ORDER BY id DESC LIMIT 1")
    for name in sums:
        tampering = superuser.transaction()
        await tampering.start()
        await superuser.execute("SET LOCAL session_replication_role = replica")
        await superuser.execute(
            "UPDATE monthly_returns SET facts = jsonb_set(facts, ARRAY['sums', $1::text], to_jsonb($2::bigint))",
            name, 123_457,
        )  # fmt: skip
        assert any(f"{name} told 123457" in one for one in await told()), name
        await tampering.rollback()
    declared = PERIOD_CHECKS["declarations_are_their_returns"]
    assert await superuser.fetch(declared) == []
