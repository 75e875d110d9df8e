"""Hand-outs by prescriber as a territory reads them: no month's small cell can be told from what is shown."""

from datetime import date

from ledger.handout_rows import HandedOutInMonth
from programmes.handed_out import handed_out_table
from programmes.suppression import by_name

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


def test_a_small_month_of_one_prescriber_is_withheld_with_another_one():
    months = [
        HandedOutInMonth(MAY, "Mairie", 40),
        HandedOutInMonth(MAY, "CCAS", 20),
        HandedOutInMonth(JUNE, "Mairie", 30),
        HandedOutInMonth(JUNE, "CCAS", 2),
    ]
    table = handed_out_table(["CCAS", "Mairie"], months)
    assert by_name(table) == {"CCAS": 20, "Mairie": 40}
    assert (table.total, table.withheld) == (92, 32)


def test_of_one_prescriber_there_is_no_table_but_the_total():
    assert handed_out_table(["CCAS"], [HandedOutInMonth(MAY, "CCAS", 3)]) is None
    assert handed_out_table(["CCAS", "Mairie"], []).total == 0
