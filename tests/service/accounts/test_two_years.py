"""Two years of acts that chance chooses, at the seconds where months, years and clocks turn: what the
dashboard shows, the monthly return, the books and the accounts rendered are the same, to the cent."""

import asyncio
import csv
import io
import os
import random
import zipfile
from collections import Counter
from datetime import UTC, date, timedelta
from itertools import islice

from keys.keyring import Keyring
from ledger.audit import audit
from ledger.books import balances
from ledger.calendar_rows import midnight
from ledger.correction_rows import DisputeOutcome
from ledger.counters import read_counters
from ledger.follow_up import follow_up
from ledger.frozen_renderings import freeze_rendering
from ledger.money import operator_money
from ledger.month_figures import month_of
from ledger.monthly_returns import list_returns
from ledger.overview import read_overview
from ledger.payout_register import programme_funds
from ledger.remittance_rows import PARIS
from ledger.rendering_rows import Period
from ledger.reserve import read_reserve
from loadtests.model_bank import Style
from loadtests.simulated_years import Years, instants_of
from payouts.declaration import write_declaration
from payouts.month_freezing import freeze_month
from payouts.rendering import render_to_file
from payouts.rendering_verify import verify_accounts
from programmes.returns import passes_by_territory, sum_of, tables_of

# So far ahead that what the seed posts at the real clock is before them whenever this runs.
MONTHS = [date(year, month, 1) for year in (2091, 2092) for month in range(1, 13)]
ACTS_AT_ONCE = 2
SEED = int(os.environ.get("POINCON_SEED", "1"))  # other years by hand
ACTS_PLANNED = ACTS_AT_ONCE * sum(1 for month in MONTHS for _ in instants_of(month))
YEARS = Period(MONTHS[0], date(2092, 12, 31))
ACTS = {
    "close": lambda years, who, cents: years.close(who),
    "pay": lambda years, who, cents: years.pay(Style.EACH),
    "pay in one debit": lambda years, who, cents: years.pay(Style.LUMP),
    "give back": lambda years, who, cents: years.give_back(),
    "undo": lambda years, who, cents: years.take_back_a_match(),
    "fund": lambda years, who, cents: years.fund(cents),
    "activate": lambda years, who, cents: years.activate(),
    "cancel": lambda years, who, cents: years.cancel(),
    "give": lambda years, who, cents: years.correct(who, cents),
    "take": lambda years, who, cents: years.correct(who, -cents),
    "claim": lambda years, who, cents: years.claim(),
    "dispute": lambda years, who, cents: years.dispute(who),
    "release": lambda years, who, cents: years.settle(DisputeOutcome.RELEASED),
    "refuse": lambda years, who, cents: years.settle(DisputeOutcome.CORRECTED),
}
MUST_BE_REACHED = {
    "closed", "paid", "returned", "undone", "funded", "activated", "cancelled", "corrected",
    "netted", "claimed", "disputed", "dispute released", "dispute corrected", "passes released",
}  # fmt: skip


def test_dashboard_monthly_return_books_and_renderings_are_the_same_over_two_years(fresh, tmp_path):
    reached = Counter()

    # Closings are drawn most often: nothing is paid, corrected or disputed that was not remitted.
    acts = [*ACTS, *["close"] * 6, "cancel", *["dispute"] * 3, *["refuse"] * 2]
    chance = random.Random(SEED)
    plan = [
        (chance.choice(acts), chance.randrange(3), chance.randint(1, 2_500), chance.randrange(4))
        for _ in range(ACTS_PLANNED)
    ]

    async def simulated(plan):
        async with fresh() as drill:
            years = Years(drill, await _account(drill.connection))
            before = await _dashboard(years)
            await _freeze(years, date(2090, 12, 1), before)  # what the seed did
            tables = []
            steps = iter(plan)
            for month in MONTHS:
                await _live(years, month, steps)
                tables.append(await _rendered_and_held(years, month, before, tmp_path))
            await _hold_two_years(years, tables, tmp_path)
            reached.update(drill.reached)

    with asyncio.Runner() as runner:
        runner.run(simulated(plan))
    print(sorted(reached.items()))
    assert reached.keys() >= MUST_BE_REACHED


async def _live(years, month, steps):
    for at in instants_of(month):
        drill = years.drill
        drill.now = max(drill.now, at)
        for act, place, cents, count in islice(steps, ACTS_AT_ONCE):
            who = drill.operators[place % len(drill.operators)]
            await years.accept(who, count)
            await ACTS[act](years, who, cents)


async def _rendered_and_held(years, month, before, tmp_path):
    """As soon as the month may be rendered, with nothing done since: dashboards tell the same instant."""
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    period = Period(month, last)
    years.drill.now = max(years.drill.now, period.until.astimezone(UTC))
    rendered, tables = await _rendered(years, period, tmp_path)
    settled = period.until.astimezone(UTC) + timedelta(hours=1)
    await freeze_rendering(years.drill.connection, rendered.facts, actor="tests", at=settled)
    returned = years.returned.get(month, Counter())
    assert _sums(tables) == {what: returned[what] for what in ("received", "remitted", "corrected", "paid")}
    shown = await _dashboard(years)
    await _freeze(years, month, shown)
    for what in ("received", "paid", "remitted", "accepted"):
        assert shown[what] - before[what] == years.total(what), what
    assert shown["owed"] == rendered.facts.unpaid_cents
    assert shown["held"] == shown["engaged"] + shown["free"]
    held = {account: sum(cents) - 2 * cents[2] for account, cents in rendered.facts.balances.items()}
    assert {one: cents for one, cents in held.items() if cents} == {
        one: cents for one, cents in (await balances(years.drill.connection)).items() if cents
    }
    return tables


async def _freeze(years, month, shown):
    """The month's return says what was done in it, and its balances what dashboards show."""
    drill, period = years.drill, month_of(month)
    at = period.until.astimezone(UTC) + timedelta(hours=1)
    frozen = await freeze_month(drill.connection, drill.programme_id, period, at=at, actor="tests")
    sums = frozen.facts["sums"]
    if month in MONTHS:
        done = years.returned.get(month, Counter())
        returned = {what: sums[f"{what}_cents"] for what in ("received", "corrected", "paid")}
        assert returned == {what: done[what] for what in returned}
        assert sums["consumed_cents"] == done["remitted"]
    assert (sums["free_cents"], sums["owed_cents"]) == (shown["free"], shown["owed"])
    assert sums["circulation_cents"] + sums["owed_cents"] == shown["engaged"]
    again = await freeze_month(drill.connection, drill.programme_id, period, at=at, actor="others")
    assert again == frozen


async def _hold_two_years(years, months, tmp_path):
    """The whole is the sum of its months, and the funder's own the whole of its programme."""
    drill = years.drill
    rendered, whole = await _rendered(years, YEARS, tmp_path)
    assert _sums(whole) == {what: years.total(what) for what in ("received", "remitted", "corrected", "paid")}
    for name in ("ecritures.csv", "virements.csv", "tresorerie.csv", "bordereaux.csv"):
        parts = [row for tables in months for row in tables[name]]
        if name == "bordereaux.csv":  # by operator, not by day
            parts.sort(key=lambda row: (row["siret"], int(row["bordereau"])))
        assert whole[name] == parts, name
    [funds] = await programme_funds(drill.connection, programme_id=drill.programme_id)
    path = tmp_path / "funder.zip"
    own = await render_to_file(drill.connection, path, YEARS, funder=funds.funder)
    assert verify_accounts(path).differences == []
    assert (own.facts.held_cents, own.facts.unpaid_cents) == (funds.held_cents, funds.owed_cents)
    await _hold_reports(years, funds)
    remittances = await years.remittances()
    assert sum(one.remittance.total_cents for one in remittances) == years.total("remitted")
    assert sum(one.remittance.payment.paid_cents for one in remittances) == years.total("paid")
    settled = YEARS.until.astimezone(UTC) + timedelta(hours=1)
    await freeze_rendering(drill.connection, rendered.facts, actor="tests", at=settled)
    found = await audit(drill.connection, keyring=Keyring.from_keys([]), opened_keys=None)
    assert found.is_clean, found.disagreements


async def _hold_reports(years, funds):
    """Returns summed, both declarations, dashboard, counters and reserve: the same, to the unit."""
    connection, programme_id = years.drill.connection, years.drill.programme_id
    now = YEARS.until.astimezone(UTC)
    told = await list_returns(connection, programme_id)
    assert [one.month for one in told[1:]] == MONTHS
    facts = [one.facts for one in told]
    lived = facts[1:]
    assert sum_of(lived, "consumed_cents") == years.total("remitted")
    assert sum_of(lived, "paid_cents") == years.total("paid")
    assert sum_of(lived, "received_cents") == years.total("received")
    declared = [
        await write_declaration(connection, io.BytesIO(), programme_id, year) for year in (2091, 2092)
    ]
    assert sum(one.facts.face_cents for one in declared) == years.total("remitted")
    assert sum(one.facts.passes for one in declared) == sum_of(lived, "consumed_passes")
    consumed = sum_of(facts, "consumed_passes")
    dashboard = await follow_up(connection, programme_id, now=now, weeks=16)
    assert dashboard.whole.consumed_passes == consumed
    counted = await read_counters(connection, now=now, programme_id=programme_id)
    assert sum(one.counters.consumed.passes for one in counted) == consumed
    assert all(table.total == consumed for table in tables_of(facts).values())
    assert sum(passes_by_territory(facts).values()) == consumed
    [reserve] = [one for one in (await read_reserve(connection, now=now)).programmes if one.funds == funds]
    assert reserve.is_covered
    remaining = sum(one.counters.remaining.cents + one.counters.expired.cents for one in counted)
    assert reserve.live_cents == remaining
    assert reserve.live_cents + reserve.waiting_cents == funds.circulation_cents
    last = told[-1].facts["sums"]
    assert (
        last["free_cents"]
        == funds.free_cents
        == sum_of(facts, "received_cents")
        + sum_of(facts, "released_cents")
        - sum_of(facts, "activated_cents")
        - sum_of(facts, "corrected_cents")
    )
    assert last["owed_cents"] == funds.owed_cents
    assert sum_of(facts, "paid_cents") == funds.paid_cents
    assert sum_of(facts, "received_cents") == funds.received_cents


async def _rendered(years, period, tmp_path):
    path = tmp_path / "reddition.zip"
    rendered = await render_to_file(years.drill.connection, path, period)
    assert verify_accounts(path).differences == []
    with zipfile.ZipFile(path) as archive:
        return rendered, {name: _table(archive, name) for name in archive.namelist() if name.endswith(".csv")}


def _table(archive, name):
    text = io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text, delimiter=";", strict=True))


def _sums(tables):
    """The monthly return, from the tables alone."""
    moved = Counter()
    for row in tables["ecritures.csv"]:
        if row["compte"] == "467300":
            moved[row["nature"]] += int(row["credit_centimes"]) - int(row["debit_centimes"])
        if row["compte"] == "467100" and row["nature"] == "Fonds reçus":
            moved["received"] += int(row["credit_centimes"])
    paid = sum(int(row["montant_centimes"]) for row in tables["virements.csv"])
    assert paid == -sum(moved[kind] for kind in ("Virement", "Virement revenu", "Contre-passation"))
    remitted = sum(int(row["total_centimes"]) for row in tables["bordereaux.csv"])
    assert remitted == moved["Bordereau de remise clos"]
    return {
        "received": moved["received"],
        "remitted": remitted,
        "corrected": moved["Correction"],
        "paid": paid,
    }


async def _dashboard(years):
    """What the funds page, the first page and the operators' own pages show now."""
    connection, now = years.drill.connection, years.drill.now
    funds = await programme_funds(connection)
    overview = await read_overview(connection, now=now)
    assert overview.agrees
    own = [await operator_money(connection, one, now=now) for one in years.drill.operators]
    accepted, consumed = (
        sum(getattr(one.counters, what).cents for one in overview.programmes)
        for what in ("scanned", "consumed")
    )
    assert accepted == sum(sum_.total_cents for one in own for sum_ in (one.accepted, one.remitted, one.paid))
    assert consumed == sum(sum_.total_cents for one in own for sum_ in (one.remitted, one.paid))
    return {
        "received": sum(one.received_cents for one in funds),
        "paid": sum(one.paid_cents for one in funds),
        "owed": sum(one.owed_cents for one in funds),
        "held": sum(one.held_cents for one in funds),
        "engaged": sum(one.engaged_cents for one in funds),
        "free": sum(one.free_cents for one in funds),
        "remitted": consumed,
        "accepted": accepted,
    }


async def _account(connection):
    return await connection.fetchval(
        "INSERT INTO accounts (email, person_id, password_hash)"
        " VALUES ('m@example.org', 1, '$argon2id$x') RETURNING id"
    )


def test_the_seconds_that_are_lived_hold_each_turn_of_the_year_and_of_the_clocks():
    lived = [at for month in MONTHS for at in instants_of(month)]
    assert lived == sorted(set(lived))
    told = {at.astimezone(PARIS).strftime("%m-%d %H:%M:%S %z") for at in lived}
    assert {"12-31 23:59:00 +0100", "12-31 23:59:59 +0100", "01-01 00:00:00 +0100"} <= told
    changes = {text[6:] for text in told if text.startswith(("03-2", "03-3", "10-2", "10-3"))}
    assert {"01:59:59 +0100", "03:00:00 +0200", "02:59:59 +0200", "02:00:00 +0100"} <= changes
    assert midnight(date(2091, 7, 1)).astimezone(UTC) in lived
