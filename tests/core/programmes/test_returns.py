"""A month's facts from its figures: sums by name, tables that add up, two papers with the same bytes."""

from datetime import UTC, date, datetime

from ledger.book_rows import AccountKind, EntryKind
from ledger.month_figures import month_of
from ledger.period_rows import MonthFigures, MonthMoved, Slice
from payouts.monthly_return import draw_return, return_csv
from programmes.returns import OTHERS, UNKNOWN, passes_by_territory, return_facts, sum_of, tables_of
from programmes.suppression import by_name
from programmes.usage import usage

AT = datetime(2026, 12, 1, 1, tzinfo=UTC)


def figures(**changes):
    """Val-Rivière: 40 passes at one operator, 3 at another; services are known, publics are not."""
    slices = (
        Slice("territory", "Val-Rivière", "", "", 43, 14),
        Slice("operator", "Val-Rivière", "Fabrique", "", 40, 12),
        Slice("operator", "Val-Rivière", "Atelier", "", 3, 2),
        Slice("site", "Val-Rivière", "Fabrique", "Gare", 40, 12),
        Slice("site", "Val-Rivière", "Atelier", "Parc", 3, 2),
        Slice("service", "Val-Rivière", "Bases", "", 43, 14),
        Slice("public", "Val-Rivière", "", "", 43, 14),
    )
    told = {
        "programme_id": 1,
        "programme": "Pass numérique",
        "funder": "Métropole",
        "period": month_of(date(2026, 11, 5)),
        "last_entry": 12,
        "moved": (
            MonthMoved(AccountKind.OPERATOR, EntryKind.REMITTANCE, -43_000, 0),
            MonthMoved(AccountKind.OPERATOR, EntryKind.PAYOUT, 10_000, -2_000),
            MonthMoved(AccountKind.OPERATOR, EntryKind.RETURN, -1_000, 0),
            MonthMoved(AccountKind.FUNDS, EntryKind.FUNDING, -100_000, 0),
            MonthMoved(AccountKind.FUNDS, EntryKind.REFUND, 5_000, 0),
        ),
        "balances": {AccountKind.FUNDS: 52_000, AccountKind.OPERATOR: 34_000},
        "consumed_passes": 43,
        "consumed_cents": 43_000,
        "slices": slices,
    }
    return MonthFigures(**(told | changes))


def test_every_sum_has_its_name_and_sign():
    sums = return_facts(figures())["sums"]
    assert sums["received_cents"] == 95_000
    assert (sums["consumed_passes"], sums["consumed_cents"]) == (43, 43_000)
    assert sums["paid_cents"] == 9_000
    assert sums["of_earlier_cents"] == 2_000
    assert (sums["free_cents"], sums["circulation_cents"], sums["owed_cents"]) == (52_000, 0, 34_000)


def test_a_small_operator_hides_with_another_and_its_places_with_it():
    tables = tables_of([return_facts(figures())])
    assert by_name(tables["operator"]) == {UNKNOWN: 0, "Fabrique": None, "Atelier": None}
    assert tables["operator"].withheld == 43
    assert by_name(tables["service"]) == {UNKNOWN: 0, "Bases": 43}
    assert by_name(tables["public"]) == {UNKNOWN: 43, OTHERS: 0}


def test_months_add_up_and_a_month_without_anything_adds_nothing():
    facts = [return_facts(figures()), return_facts(figures()), return_facts(figures(
        moved=(), slices=(), consumed_passes=0, consumed_cents=0
    ))]  # fmt: skip
    assert sum_of(facts, "consumed_passes") == 86
    assert passes_by_territory(facts) == {"Val-Rivière": 86}
    assert all(table.total == 86 for table in tables_of(facts, territory="Val-Rivière").values())
    assert tables_of(facts, territory="Ailleurs") == {}
    told = usage(facts, distributed_passes=100, beneficiaries=10)
    assert (told.consumed_passes, told.rate_tenths) == (86, 860)


def test_the_same_facts_give_the_same_papers_and_withheld_cells_are_in_neither():
    facts = return_facts(figures())
    content = return_csv(facts)
    assert content == return_csv(return_facts(figures()))
    assert "structure;Val-Rivière;Atelier;;s;" in content.decode("utf-8-sig")
    pdf = draw_return(facts, content, at=AT)
    assert pdf == draw_return(facts, content, at=AT)
    assert b"PDF/A" in pdf or b"pdfaid" in pdf
