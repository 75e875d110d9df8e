"""The books as files: FEC to its article, a journal that hledger accepts, a CSV; whatever people wrote."""

import csv
import io
import re
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.book_rows import (
    BANK,
    FEES,
    SUSPENSE,
    Entry,
    EntryKind,
    Posting,
    circulation_of,
    funds_of,
    owed_to,
)
from payouts.books_export import FEC_COLUMNS, BookNames, CsvWriter, FecWriter, HledgerWriter

NAMES = BookNames({1: "Pass des Trois-Rivières"}, {7: ("99900001100018", "La Fabrique\tà clics | ; x")})
ACCOUNTS = (BANK, SUSPENSE, FEES, funds_of(1), circulation_of(1), owed_to(7, by_programme=1), funds_of(2))
NEW_YEAR = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # the year after, in Paris

anything = st.text(min_size=1, max_size=40)


@st.composite
def some_entries(draw):
    count = draw(st.integers(1, 8))
    made = []
    for number in range(1, count + 1):
        accounts = draw(st.lists(st.sampled_from(ACCOUNTS), min_size=2, max_size=4, unique=True))
        cents = draw(
            st.lists(
                st.integers(-(10**12), 10**12).filter(bool),
                min_size=len(accounts) - 1,
                max_size=len(accounts) - 1,
            ).filter(sum)
        )
        postings = tuple(map(Posting, accounts, [*cents, -sum(cents)]))
        kind = draw(st.sampled_from(EntryKind))
        made.append(
            Entry(number, NEW_YEAR, NEW_YEAR, kind, draw(anything), draw(anything), draw(anything), postings)
        )
    return made


def _written(writer, entries):
    return writer.head() + "".join(writer.entry(entry) for entry in entries)


@given(some_entries())
def test_the_fec_has_eighteen_fields_in_each_row_and_balances_by_entry(entries):
    head, *rows, end = _written(FecWriter(NAMES), entries).split("\r\n")
    assert head.split("\t") == list(FEC_COLUMNS)
    assert end == ""
    assert len(rows) == sum(len(entry.postings) for entry in entries)
    sums: dict[str, int] = {}
    for row in rows:
        fields = row.split("\t")
        assert len(fields) == 18
        assert fields[3] == fields[9] == fields[15] == "20270101"
        assert re.fullmatch(r"[0-9]{6}", fields[4])
        debit, credit = (_cents(field) for field in fields[11:13])
        assert (debit == 0) != (credit == 0)
        sums[fields[2]] = sums.get(fields[2], 0) + debit - credit
    assert sums == {str(entry.number): 0 for entry in entries}


def _cents(field):
    assert re.fullmatch(r"[0-9]+,[0-9]{2}", field)
    return int(field.replace(",", ""))


@given(some_entries())
def test_the_csv_gives_every_posting_back(entries):
    rows = list(csv.DictReader(io.StringIO(_written(CsvWriter(NAMES), entries)[1:]), delimiter=";"))
    told = [(int(row["ecriture"]), int(row["debit_centimes"]) - int(row["credit_centimes"])) for row in rows]
    assert told == [(entry.number, posting.amount_cents) for entry in entries for posting in entry.postings]
    assert not any((row["motif"] or "").startswith(("=", "+", "-", "@")) for row in rows)


def _hledger(journal, *arguments):
    command = ["hledger", "-f", "-", *arguments]
    return subprocess.run(command, input=journal, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("place", range(6))
def test_hledger_accepts_the_journal_strictly_and_finds_the_same_balances(place):
    entries = _entries_of(place)
    journal = _written(HledgerWriter(NAMES, ACCOUNTS), entries)
    checked = _hledger(journal, "check", "--strict")
    assert checked.returncode == 0, checked.stderr + journal
    told = _hledger(journal, "balance", "--flat", "--no-total", "-O", "csv", "--layout", "bare")
    found = {row["account"]: row["balance"] for row in csv.DictReader(io.StringIO(told.stdout))}
    bank = sum(p.amount_cents for entry in entries for p in entry.postings if p.account == BANK)
    assert round(float(found.get("actif:banque", 0)) * 100) == bank


def _entries_of(place):
    """What people write that hledger may take for its own."""
    words = ("x", "a ; b", "2026-01-01", "* ! (9) |", "é\n  autre  5 EUR", "=1 @ 2 {3}  []")[place]
    return [
        Entry(1, NEW_YEAR, NEW_YEAR, EntryKind.BANK_LINE, words, words, words,
              (Posting(BANK, 123_456), Posting(SUSPENSE, -123_456))),
        Entry(2, NEW_YEAR, NEW_YEAR, EntryKind.REMITTANCE, words, words, None,
              (Posting(circulation_of(1), 5), Posting(owed_to(7, by_programme=1), -5))),
    ]  # fmt: skip
