"""Consumed is scanned and in a closed remittance: one number in every report, whatever becomes of a pass."""

import csv
import io
import uuid
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest

from keys.passes import PassId
from ledger.acceptances import acceptance_of_attempt, undo
from ledger.booklets import cancel_booklets
from ledger.calendar_rows import midnight
from ledger.claims import claim_passes
from ledger.correction_rows import CorrectionCause
from ledger.counters import read_counters, total
from ledger.disputes import correct_dispute, open_dispute
from ledger.follow_up import follow_up
from ledger.grants import standing_of
from ledger.money import operator_money
from ledger.month_figures import month_of
from ledger.monthly_returns import list_returns, next_month, return_csv
from ledger.overview import read_overview
from ledger.remittances import list_remittances
from ledger.replacements import replace_booklet
from ledger.reserve import read_reserve
from ledger.rows import CancelCause, Candidate
from payouts.declaration import write_declaration
from payouts.month_freezing import freeze_month
from programmes.grants import propose_due
from programmes.returns import passes_by_territory, sum_of, tables_of
from programmes.usage import usage

WHO = {"actor": "tests", "reason": "vu"}
SCANNED, CONSUMED, ISSUED = 27, 24, 100


@pytest.fixture
async def life(open_office):
    """24 passes are consumed: one of them disputed and taken back, others of booklets lost and replaced."""
    office = await open_office(territories=2)
    here = office.territories[0]
    await office.stock(10)
    await office.deliver(await office.first_grant(here), 5)
    one, two, three, *_ = office.batch.booklets

    async def take(booklet, *numbers):
        wanted = [Candidate(PassId(booklet, number), uuid.uuid4(), 1, 1, 1, 0, 1_000, office.now)
                  for number in numbers]  # fmt: skip
        how = {"accepted_at": office.now.replace(microsecond=0), "receipt_key_id": 1}
        told = await claim_passes(office.connection, wanted, [1] * len(wanted), **how)
        assert all(each.row for each in told)
        return wanted

    await take(one, *range(1, 11))
    await take(two, 1, 2)
    await office.close()
    [*_, last] = await take(two, 3, 4, 5, 6, 7)
    acceptance = await acceptance_of_attempt(office.connection, last.attempt_id, operator_id=1)
    office.now += timedelta(minutes=1)
    await undo(office.connection, acceptance, device_id=1, at=office.now, reason="erreur", forgotten_in=None)
    done = await replace_booklet(office.connection, two, cause=CancelCause.LOST, at=office.now, **WHO)
    await take(done.new_booklet, 1, 2)
    await take(three, *range(1, 7))
    await office.close()
    await cancel_booklets(office.connection, [three], cause=CancelCause.RECALLED, at=office.now, **WHO)
    account = await office.connection.fetchval(
        "INSERT INTO accounts (email, person_id, password_hash)"
        " VALUES ('m@example.org', 1, '$argon2id$x') RETURNING id"
    )
    who = {"at": office.now, **WHO}
    held = await open_dispute(office.connection, operator_id=1, number=1, line=1, opened_by=account, **who)
    await correct_dispute(office.connection, held.id, cause=CorrectionCause.FRAUD, resolved_by=account, **who)
    await take(office.batch.booklets[3], 1, 2, 3)
    return office


async def _returns(office):
    month = date(2021, 3, 1)
    while month.year == 2021:
        at = midnight(next_month(month)).astimezone(UTC) + timedelta(hours=2)
        await freeze_month(office.connection, office.programme_id, month_of(month), at=at, actor="tests")
        month = next_month(month)
    return await list_returns(office.connection, office.programme_id)


async def test_every_report_tells_the_same_consumed_passes(life):
    office, connection, programme_id = life, life.connection, life.programme_id
    here, now = office.territories[0], datetime(2021, 3, 2, tzinfo=UTC)
    counted = await read_counters(connection, now=now, programme_id=programme_id)
    assert total(counted).adds_up
    assert (total(counted).consumed.passes, total(counted).consumed.cents) == (CONSUMED, CONSUMED * 1_000)
    assert (total(counted).scanned.passes, total(counted).issued.passes) == (SCANNED, ISSUED)
    told = {"counters": {one.territory_id: one.counters.consumed.passes for one in counted}[here]}
    followed = await follow_up(connection, programme_id, now=now, weeks=4)
    told["dashboard"] = followed.whole.consumed_passes
    told["dashboard of the territory"] = next(
        one.consumed_passes for one in followed.territories if one.territory_id == here
    )
    told["dashboard by week"] = sum(followed.whole.weeks)
    standing = await standing_of(connection, programme_id, here, day=date(2021, 3, 2))
    told["threshold"] = standing.holdings.consumed
    overview = await read_overview(connection, now=now)
    assert overview.agrees
    told["first page"] = next(
        one.counters.consumed.passes for one in overview.programmes if one.id == programme_id
    )
    told["first page by operator"] = sum(one.consumed.passes for one in overview.operators)
    money = await operator_money(connection, 1, now=now)
    told["operator's own page"] = money.remitted.count + money.paid.count
    assert money.accepted.count == SCANNED - CONSUMED
    page, _ = await list_remittances(connection, 1, limit=10, offset=0)
    told["remittances"] = sum(one.line_count for one in page)
    # Another consumed pass of the 50 that are held reaches the threshold; those that are scanned do not.
    assert await propose_due(connection, at=office.now, programmes=frozenset({programme_id})) == []
    [reserve] = [one for one in (await read_reserve(connection, now=now)).programmes
                 if one.funds.id == programme_id]  # fmt: skip
    assert reserve.live_passes == total(counted).remaining.passes
    assert told == dict.fromkeys(told, CONSUMED)


async def test_every_frozen_report_tells_them_too_and_the_declaration_lists_each(life):
    office, connection, programme_id = life, life.connection, life.programme_id
    returns = await _returns(office)
    facts = [one.facts for one in returns]
    told = {
        "returns": sum_of(facts, "consumed_passes"),
        "territories": sum(passes_by_territory(facts).values()),
    }
    told |= {f"table by {name}": table.total for name, table in tables_of(facts).items()}
    told["usage"] = usage(facts, distributed_passes=1, beneficiaries=1).consumed_passes
    content = (await return_csv(connection, programme_id, date(2021, 3, 1))).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content), delimiter=";"))
    told["CSV"] = sum(int(row["pass"]) for row in rows if row["section"] == "territoire")
    target = io.BytesIO()
    declared = await write_declaration(connection, target, programme_id, 2021)
    told["declaration"] = declared.facts.passes
    with zipfile.ZipFile(target) as archive:
        listed = archive.read("pass-utilises.csv").decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(listed), delimiter=";"))
    told["declaration's list"] = len({(row["carnet"], row["pass"]) for row in lines})
    assert told == dict.fromkeys(told, CONSUMED)
    assert declared.facts.face_cents == sum(int(row["centimes"]) for row in lines) == CONSUMED * 1_000
    assert declared.facts.state_cents == declared.facts.face_cents // 2
