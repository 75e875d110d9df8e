"""Files that nobody here wrote, against the values that other programs read in them.

camt: genkgo/camt (MIT), whose results lie beside each file as JSON. CFONB 120: silarhi/cfonb-parser (MIT),
whose own tests state the values repeated here.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from payouts.bank.bank_file import read_bank_file
from payouts.bank.refused import FileRefusal, FileRefused
from payouts.bank.statement import Doubt, Statement

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "statements"
CAMT = [
    "camt052.v2",
    "camt053.v2.all-balance-types",
    "camt053.v2.minimal",
    "camt053.v2.minimal.ultimate",
    "camt053.v2.multi.statement",
    "camt053.v2.with-party-ids",
    "camt053.v4",
    "camt054.v2",
    "camt054.v4",
    "camt054.v8",
]
# The other program kept the second statement only.
LOST_BY_THE_OTHER = {"camt053.v2.multi.statement": (885,)}


def sample(name: str) -> bytes:
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"the banks' sample files are not on this machine: {path} is missing")
    return path.read_bytes()


def statements(name: str) -> tuple[Statement, ...]:
    return read_bank_file(sample(name)).statements


def objects(found: Any, name: str) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        if found.get("__CLASS__", "").endswith(f"\\{name}"):
            yield found
        found = list(found.values())
    if isinstance(found, list):
        for inside in found:
            yield from objects(inside, name)


def money(found: dict[str, Any]) -> tuple[int, str]:
    return int(found["getAmount"]), found["getCurrency"]["getCode"]


@pytest.mark.parametrize("name", CAMT)
def test_entries_are_those_another_program_read(name: str) -> None:
    expected = Counter(
        (*money(entry["getAmount"]), entry["getAccountServicerReference"], entry["getStatus"],
         entry["getReversalIndicator"], entry["getBookingDate"]["0"][:10], entry["getValueDate"]["0"][:10])
        for entry in objects(json.loads(sample(f"genkgo-camt/{name}.json")), "Entry")
    )  # fmt: skip
    obtained = Counter(
        (entry.amount_cents, entry.currency, entry.reference, entry.status, entry.is_reversal,
         str(entry.booked_on), str(entry.value_on))
        for statement in statements(f"genkgo-camt/{name}.xml")
        for entry in statement.entries
    )  # fmt: skip
    more = obtained - expected
    assert not expected - obtained
    assert tuple(amount for amount, *_ in more.elements()) == LOST_BY_THE_OTHER.get(name, ())


@pytest.mark.parametrize("name", CAMT)
def test_transactions_are_those_another_program_read(name: str) -> None:
    details = list(objects(json.loads(sample(f"genkgo-camt/{name}.json")), "EntryTransactionDetail"))
    expected = [
        (
            detail["getAmount"] and money(detail["getAmount"]),
            detail["getReference"] and detail["getReference"]["getEndToEndId"],
        )
        for detail in details
    ]
    transactions = [
        transaction
        for statement in statements(f"genkgo-camt/{name}.xml")
        for entry in statement.entries
        for transaction in entry.transactions
    ]
    obtained = [
        (
            None if transaction.amount_cents is None else (transaction.amount_cents, transaction.currency),
            transaction.end_to_end_id,
        )
        for transaction in transactions
    ]
    lost = len(LOST_BY_THE_OTHER.get(name, ()))
    assert obtained[lost:] == expected


@pytest.mark.parametrize("name", CAMT)
def test_accounts_and_balances_are_those_another_program_read(name: str) -> None:
    told = json.loads(sample(f"genkgo-camt/{name}.json"))
    balances = [(balance["getType"], money(balance["getAmount"])) for balance in objects(told, "Balance")]
    last = statements(f"genkgo-camt/{name}.xml")[-1]
    assert [(balance.cents, balance.currency) for balance in last.balances] == [sum_ for _, sum_ in balances]
    accounts = [account["getIdentification"] for kind in ("IbanAccount", "OtherAccount")
                for account in objects(told, kind)]  # fmt: skip
    assert last.account in accounts
    first_of = dict(reversed(balances))
    assert last.opening_cents == (first_of["opening"][0] if "opening" in first_of else None)
    assert last.closing_cents == (first_of["closing"][0] if "closing" in first_of else None)


def test_every_statement_of_a_file_is_read() -> None:
    first, second = statements("genkgo-camt/camt053.v2.multi.statement.xml")
    assert (first.opening_cents, first.closing_cents) == (1815, 2700)
    assert (second.opening_cents, second.closing_cents) == (2700, 2000)
    assert not first.all_remarks + second.all_remarks


def test_a_file_invalid_on_purpose_is_refused_with_its_line() -> None:
    with pytest.raises(FileRefused, match="line 3: BkToCstmrStmt has no Stmt") as refused:
        read_bank_file(sample("genkgo-camt/camt053.v2.wrong.xml"))
    assert refused.value.refusal is FileRefusal.STRUCTURE


def test_a_file_that_lies_is_read_and_each_lie_shown() -> None:
    (statement,) = statements("genkgo-camt/camt054.v8.xml")
    (entry,) = statement.entries
    assert len(entry.transactions) == 3
    assert {remark.doubt: remark.message for remark in entry.remarks} == {
        Doubt.DIRECTION_DIFFERS: "3 transactions say the contrary of their entry; they are read in the "
        "direction of the entry",
        Doubt.TRANSACTION_IN_ANOTHER_CURRENCY: "the entry is in SEK, transactions in it are in CHF",
        Doubt.COUNT_DIFFERS: "the batch says 2 transactions, 3 are there",
        Doubt.BATCH_TOTAL_DIFFERS: "the batch says 6.30 CHF, its transactions make 9.50",
        Doubt.END_TO_END_ID_TWICE: "UXC06170000006PI00001EE00002 is there 2 times in one entry",
    }


def test_balances_in_four_currencies_are_shown_and_not_summed() -> None:
    (statement,) = statements("genkgo-camt/camt053.v4.xml")
    assert [(balance.kind, balance.cents, balance.currency) for balance in statement.balances] == [
        ("OPBD", 1815, "EUR"),
        ("CLBD", -2700, "SEK"),
        ("OPAV", 3500, "CHF"),
        ("CLAV", -2700, "JPY"),
    ]
    assert Doubt.BALANCE_IN_ANOTHER_CURRENCY in {remark.doubt for remark in statement.remarks}


ACCOUNT = "FR7610278022040002042760330"
CFONB = [
    ("FR7610278022040001234560307", 1669565, 1667286, [(-2279, "2020-04-07", "PRLV SEPA ONLINE SAS")]),
    (ACCOUNT, 1667286, 1165275, [(-2011, "2020-04-08", "PRLV SEPA FREE MOBILE"),
                                 (-500000, "2020-04-08", "VIR JOHNDOE / FOOBAR")]),
    (ACCOUNT, 1165275, 1165275, []),
    (ACCOUNT, 1165275, 1153500, [(-11775, "2020-04-10", "FACTURE SGT20022040001692")]),
    (ACCOUNT, 1153500, 1153500, []),
    (ACCOUNT, 1153500, 1148475, [(-5025, "2020-04-14", "PRLV SEPA OVH SAS")]),
    (ACCOUNT, 1148475, 1148475, []),
    (ACCOUNT, 58435302, 58435302, []),
]  # fmt: skip


def told(found: tuple[Statement, ...]) -> list[tuple[Any, ...]]:
    return [
        (
            statement.account,
            statement.opening_cents,
            statement.closing_cents,
            [(entry.amount_cents, str(entry.booked_on), entry.label) for entry in statement.entries],
        )
        for statement in found
    ]


@pytest.mark.parametrize("name", ["complex-test", "non-strict-test"])
@pytest.mark.parametrize("with_line_ends", [True, False])
def test_cfonb_statements_are_those_another_program_read(name: str, with_line_ends: bool) -> None:
    file = sample(f"silarhi-cfonb/{name}.txt")
    found = read_bank_file(file if with_line_ends else file.replace(b"\n", b"")).statements
    assert told(found) == CFONB


def test_what_is_said_of_a_cfonb_movement_is_kept() -> None:
    found = statements("silarhi-cfonb/complex-test.txt")
    assert [found[at].entries[0].transactions[0].remittance for at in (0, 3, 5)] == [
        "DEDIBOX 3706114",
        "DONT TVA 11 39EUR",
        "PAYMENT ORDER 124359169\nERS INF ORDER 124359169",
    ]
    assert str(found[3].entries[0].value_on) == "2020-04-01"
    assert {remark.doubt for statement in found for remark in statement.all_remarks} == {Doubt.OTHER_BANK}


def test_cfonb_columns_that_should_be_blank_are_not_read() -> None:
    found = statements("silarhi-cfonb/test-unused-parts.txt")
    assert [(statement.opening_cents, statement.closing_cents) for statement in found] == [
        (1862, 1862), *[(0, 0)] * 6, (1987572, 1987572),
    ]  # fmt: skip
    (simple,) = statements("silarhi-cfonb/simple-test.txt")
    assert (simple.opening_cents, simple.closing_cents) == (1669565, 1669565)
    assert (str(simple.opening_on), str(simple.closing_on)) == ("2020-04-03", "2020-04-06")


def test_cfonb_240_is_refused_by_its_name() -> None:
    with pytest.raises(FileRefused, match="CFONB 240") as refused:
        read_bank_file(sample("silarhi-cfonb/cfonb.240-complex-test.txt"))
    assert refused.value.refusal is FileRefusal.OTHER_FORMAT
