"""The demo in its eleventh month, and the rest of its year, played by its clock."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from demo.console_account import PREPARER
from demo.skipping import skip
from ledger.accounts import existing_account
from ledger.applications import list_applications
from ledger.book_rows import funds_of
from ledger.books import balance_of
from ledger.deliveries import list_deliveries
from ledger.funding import record_bank_line
from ledger.grants import standings
from ledger.joint_statements import (
    Become,
    Side,
    confirm_refund,
    decide_unused,
    draw_statement,
    sign_statement,
)
from ledger.monthly_returns import list_returns
from ledger.notice_rows import NoticeState
from ledger.notices import count_notices
from ledger.order_rows import OrderState
from ledger.orders import list_orders
from ledger.remittances import close_remittance
from ledger.site_details import places_on
from ledger.territory_measures import list_measures
from ledger.validity_ends import approve_block, ending_programmes, propose_block, record_stage
from payouts.declaration import declaration_to_file
from programmes.granting import passes_to_threshold, stock_warning
from programmes.grants import propose_after

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
PERSON = "person:demo"


class StoppedClock:
    """The demo's clock in a world whose own one stands still."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    @property
    def ahead(self) -> timedelta:
        return self._at - NOW

    def move_to(self, at: datetime) -> None:
        assert at >= self._at
        self._at = at


async def test_the_eleventh_month_has_one_territory_near_its_threshold_and_one_suspended_after_it_was_heard(
    demo, connection
):
    val, ville = await standings(connection, demo.programme_id, day=NOW.date())
    assert (ville.territory, ville.is_suspended, val.territory, val.is_suspended) == (
        *("Ville-Haute", False),
        *("Val-Rivière", True),
    )
    assert 0 < passes_to_threshold(ville.holdings, ville.rules.figures) <= 10
    assert stock_warning(ville.programme_granted, ville.rules.figures) == 80
    [measure] = await list_measures(connection, demo.programme_id)
    assert "Nadia Ferrand" in measure.hearing
    assert measure.heard_on < measure.decided_at.date()
    states = Counter(order.state for order in await list_orders(connection))
    assert states == {OrderState.PRODUCED: 3, OrderState.PROOF_DRAWN: 1}
    [waiting] = [one for one in await list_deliveries(connection) if not one.is_active]
    assert waiting.delivered_at is not None
    months = [one.month for one in await list_returns(connection, demo.programme_id)]
    assert (months[0], months[-1], len(months)) == (date(2026, 1, 1), date(2026, 10, 1), 10)
    notices = await count_notices(connection)
    assert notices[NoticeState.WAITING] > 0 < notices[NoticeState.SENT]
    assert notices[NoticeState.NO_ADDRESS] == 0
    [application, _] = await list_applications(connection)
    assert application.waits
    places = await places_on(connection, now=NOW)
    assert [place.details is not None for place in places] == [True] * 4


async def test_the_rest_of_the_year_is_played_by_the_clock_up_to_the_refund_and_the_declaration(
    demo, connection, audited, tmp_path
):
    clock, told = StoppedClock(NOW), []
    preparer = await existing_account(connection, PREPARER.email)
    funder = await existing_account(connection, "commanditaire@demo.example")
    closed = await close_remittance(
        connection, 1, at=NOW, actor=PERSON, certified_by=None, certification="fait"
    )
    [top_up] = await propose_after(connection, closed.remittance, at=NOW)
    assert (top_up.territory, top_up.passes) == ("Ville-Haute", 200)
    [ending] = await ending_programmes(connection, demo.programme_id)

    async def go(days: int) -> None:
        day = ending.last_day + timedelta(days=days)
        await skip(demo.dsn, clock, datetime.combine(day, time(9), PARIS), told.append)

    def by(account):
        return {"at": clock.now(), "actor": account.actor, "person_id": account.person_id}

    await go(-14)
    assert "01/01/2027 : états mensuels arrêtés : 1" in told
    assert "29/01/2027 : étapes de la fin de validité : 1" in told
    blocked = await propose_block(connection, ending, **by(preparer))
    assert blocked == await approve_block(connection, ending, **by(funder)) > 20
    await go(-6)
    await record_stage(connection, ending, "acknowledged", **by(funder))
    await go(45)
    told_at = {"at": clock.now(), "actor": preparer.actor}
    statement = await draw_statement(connection, ending, **told_at)
    for side, account in ((Side.TRUSTEE, preparer), (Side.FUNDER, funder)):
        await sign_statement(connection, statement, side, seen=statement.facts_sha256, **by(account))
    unused = statement.unused_cents
    how = {"reason": "solde rendu", **by(funder)}
    refund = await decide_unused(connection, statement, Become.REFUND, unused, **how)
    line = await record_bank_line(
        connection, reference="RBT", booked_on=clock.now().date(), amount_cents=-unused, label="", **told_at
    )
    await confirm_refund(connection, refund, line.id, **told_at)
    assert await balance_of(connection, funds_of(demo.programme_id)) == 0
    path = tmp_path / "declaration.zip"
    declared = await declaration_to_file(connection, path, demo.programme_id, 2026)
    returns = await list_returns(connection, demo.programme_id, last=date(2026, 12, 1))
    assert declared.facts.passes == sum(one.facts["sums"]["consumed_passes"] for one in returns) > 400
    await audited(connection)
