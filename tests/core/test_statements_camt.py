"""camt.052, 053 and 054 made for the purpose: returns, lumps, reversals, pending entries, sums that lie."""

from datetime import date

import pytest

from payouts.bank.bank_file import read_bank_file
from payouts.bank.refused import FRENCH_OF, FileRefusal, FileRefused
from payouts.bank.statement import FRENCH_OF as FRENCH_DOUBTS
from payouts.bank.statement import Doubt, Party, Statement

OURS = "FR7630006000011234567890189"
THEIRS = "FR1420041010050500013M02606"


def camt(inside: str, *, version: str = "08") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-21T20:00:00+01:00</CreDtTm></GrpHdr>"
        "<Stmt><Id>S1</Id><CreDtTm>2026-11-21T20:00:00+01:00</CreDtTm>"
        f"<Acct><Id><IBAN>{OURS}</IBAN></Id><Ccy>EUR</Ccy></Acct>{inside}</Stmt>"
        "</BkToCstmrStmt></Document>"
    ).encode()


def balance(kind: str, amount: str, sign: str = "CRDT", day: str = "2026-11-21") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>'
    )


def entry(amount: str, sign: str, details: str = "", *, more: str = "", status: str = "<Cd>BOOK</Cd>") -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{more}<Sts>{status}</Sts>'
        "<BookgDt><Dt>2026-11-21</Dt></BookgDt><ValDt><DtTm>2026-11-21T23:30:00Z</DtTm></ValDt>"
        f"<BkTxCd/><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def transaction(amount: str, sign: str, end_to_end_id: str, *, refs: str = "", more: str = "") -> str:
    return (
        f"<TxDtls><Refs>{refs}<EndToEndId>{end_to_end_id}</EndToEndId></Refs>"
        f'<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{more}</TxDtls>'
    )


def only(file: bytes) -> Statement:
    (statement,) = read_bank_file(file).statements
    return statement


def doubts(statement: Statement) -> list[Doubt]:
    return [remark.doubt for remark in statement.all_remarks]


PARTIES = (
    f"<RltdPties><Dbtr><Pty><Nm>Mandataire</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{OURS}</IBAN></Id></DbtrAcct>"
    f"<Cdtr><Pty><Nm>Atelier</Nm></Pty></Cdtr><CdtrAcct><Id><IBAN>{THEIRS}</IBAN></Id></CdtrAcct></RltdPties>"
)
RETURNED = transaction(
    "120.00",
    "CRDT",
    "BR-0001-1",
    refs="<MsgId>PN-1</MsgId><PmtInfId>PN-1</PmtInfId>",
    more=f"{PARTIES}<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>COMPTE</AddtlInf><AddtlInf>CLOS</AddtlInf></RtrInf>",
)


def test_a_return_names_the_payment_that_came_back_and_why() -> None:
    (found,) = only(camt(entry("120.00", "CRDT", RETURNED))).entries
    (part,) = found.transactions
    assert (found.amount_cents, part.amount_cents) == (12_000, 12_000)
    assert (part.reason, part.reason_text) == ("AC04", "COMPTE CLOS")
    assert part.end_to_end_id == "BR-0001-1"
    assert (part.references.message_id, part.references.payment_information_id) == ("PN-1", "PN-1")
    # We are the debtor of what came back: the counterparty is still the operator.
    assert part.counterparty == Party("Atelier", THEIRS)
    assert found.booked_on == date(2026, 11, 21)


def test_an_instant_falls_on_its_day_in_paris() -> None:
    (found,) = only(camt(entry("1.00", "CRDT"))).entries
    assert found.value_on == date(2026, 11, 22)


def test_a_lump_keeps_its_parts_and_they_sum() -> None:
    parts = "".join(transaction(amount, "CRDT", f"BR-{amount}") for amount in ("1.10", "2.20", "3.30"))
    batch = '<Btch><PmtInfId>PN-1</PmtInfId><NbOfTxs>3</NbOfTxs><TtlAmt Ccy="EUR">6.60</TtlAmt></Btch>'
    statement = only(camt(entry("6.60", "CRDT", batch + parts)))
    assert [part.amount_cents for part in statement.entries[0].transactions] == [110, 220, 330]
    assert statement.entries[0].batches[0].payment_information_id == "PN-1"
    assert not doubts(statement)


def test_one_debit_for_a_batch_needs_no_details() -> None:
    batch = "<Btch><MsgId>PN-1</MsgId><NbOfTxs>5000</NbOfTxs></Btch>"
    statement = only(camt(entry("50000.00", "DBIT", batch)))
    assert statement.entries[0].batches[0].transaction_count == 5000
    assert not statement.entries[0].transactions
    assert not doubts(statement)


def test_parts_that_do_not_make_the_entry_are_shown() -> None:
    statement = only(camt(entry("6.60", "CRDT", transaction("6.59", "CRDT", "BR-1"))))
    assert doubts(statement) == [Doubt.TRANSACTIONS_DO_NOT_SUM]
    assert "6.60 EUR, its transactions make 6.59" in statement.all_remarks[0].message


def test_a_net_entry_keeps_the_direction_of_each_part() -> None:
    parts = transaction("10.00", "DBIT", "BR-1") + transaction("4.00", "CRDT", "BR-2")
    statement = only(camt(entry("6.00", "DBIT", parts)))
    assert [part.amount_cents for part in statement.entries[0].transactions] == [-1000, 400]
    assert not doubts(statement)


def test_parts_that_contradict_their_entry_are_read_its_way_and_shown() -> None:
    statement = only(camt(entry("10.00", "DBIT", transaction("10.00", "CRDT", "BR-1"))))
    assert [part.amount_cents for part in statement.entries[0].transactions] == [-1000]
    assert doubts(statement) == [Doubt.DIRECTION_DIFFERS]


def test_a_part_without_amount_is_worth_its_entry_only_when_alone() -> None:
    bare = "<TxDtls><Refs><EndToEndId>BR-1</EndToEndId></Refs></TxDtls>"
    (alone,) = only(camt(entry("7.00", "DBIT", bare))).entries
    (pair,) = only(camt(entry("7.00", "DBIT", bare + bare.replace("BR-1", "BR-2")))).entries
    assert alone.transactions[0].amount_cents is None
    assert alone.cents_of(alone.transactions[0]) == -700
    assert pair.cents_of(pair.transactions[0]) is None


def test_a_reversal_and_an_announced_entry_are_told_apart_and_only_booked_ones_count() -> None:
    inside = (
        balance("OPBD", "100.00")
        + balance("CLBD", "130.00")
        + entry("30.00", "CRDT", more="<RvslInd>true</RvslInd>")
        + entry("500.00", "DBIT", status="<Cd>PDNG</Cd>")
    )
    statement = only(camt(inside))
    assert [(each.is_reversal, each.status) for each in statement.entries] == [
        (True, "BOOK"),
        (False, "PDNG"),
    ]
    assert not doubts(statement)


def test_an_overdrawn_balance_is_negative_and_the_sum_is_checked() -> None:
    right = balance("OPBD", "10.00", "DBIT") + balance("CLBD", "2.00") + entry("12.00", "CRDT")
    assert (only(camt(right)).opening_cents, doubts(only(camt(right)))) == (-1000, [])
    assert doubts(only(camt(right.replace(">2.00", ">3.00")))) == [Doubt.ENTRIES_DO_NOT_SUM]


def test_a_summary_that_counts_more_entries_than_there_are_is_shown() -> None:
    summary = (
        "<TxsSummry><TtlNtries><NbOfNtries>{}</NbOfNtries></TtlNtries>"
        "<TtlDbtNtries><Sum>{}</Sum></TtlDbtNtries></TxsSummry>"
    )
    assert not doubts(only(camt(summary.format(1, "5.0") + entry("5.00", "DBIT"))))
    assert (
        doubts(only(camt(summary.format(2, "5.01") + entry("5.00", "DBIT")))) == [Doubt.SUMMARY_DIFFERS] * 2
    )


@pytest.mark.parametrize("version", ["02", "03", "04", "05", "06", "07", "09", "10", "11", "12", "13", "14"])
def test_a_status_and_a_party_are_found_in_every_version(version: str) -> None:
    old = version < "08"
    party = "<Nm>Atelier</Nm>" if old else "<Pty><Nm>Atelier</Nm></Pty>"
    part = transaction("1.00", "DBIT", "BR-1", more=f"<RltdPties><Cdtr>{party}</Cdtr></RltdPties>")
    status = "BOOK" if old else "<Cd>BOOK</Cd>"
    (found,) = only(camt(entry("1.00", "DBIT", part, status=status), version=version)).entries
    assert (found.status, found.transactions[0].counterparty.name) == ("BOOK", "Atelier")


@pytest.mark.parametrize(
    ("was", "becomes", "refusal"),
    [
        ("camt.053.001.08", "camt.053.001.01", FileRefusal.OTHER_VERSION),
        ("camt.053.001.08", "camt.053.001.15", FileRefusal.OTHER_VERSION),
        ("camt.053.001.08", "camt.056.001.08", FileRefusal.OTHER_FORMAT),
        ("camt.053.001.08", "pain.001.001.09", FileRefusal.OTHER_FORMAT),
        ("urn:iso", "urn:osi", FileRefusal.NOT_A_BANK_FILE),
        ("<MsgId>M1</MsgId>", "", FileRefusal.STRUCTURE),
        ("<Id>S1</Id>", "", FileRefusal.STRUCTURE),
        (f"<IBAN>{OURS}</IBAN>", "", FileRefusal.STRUCTURE),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "", FileRefusal.STRUCTURE),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "<CdtDbtInd>DEBIT</CdtDbtInd>", FileRefusal.STRUCTURE),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "<CdtDbtInd>DBIT</CdtDbtInd>" * 2, FileRefusal.STRUCTURE),
        ("<Sts><Cd>BOOK</Cd></Sts>", "", FileRefusal.STRUCTURE),
        ('<Amt Ccy="EUR">5.00</Amt>', "", FileRefusal.STRUCTURE),
        ('<Amt Ccy="EUR">5.00</Amt>', "<Amt>5.00</Amt>", FileRefusal.AMOUNT),
        ('<Amt Ccy="EUR">5.00</Amt>', '<Amt Ccy="EUR">-5.00</Amt>', FileRefusal.AMOUNT),
        ('<Amt Ccy="EUR">5.00</Amt>', '<Amt Ccy="EUR">5.001</Amt>', FileRefusal.AMOUNT),
        ('<Amt Ccy="EUR">5.00</Amt>', '<Amt Ccy="EUR">5<b/>.00</Amt>', FileRefusal.STRUCTURE),
        ("<BookgDt><Dt>2026-11-21", "<BookgDt><Dt>2026-11-31", FileRefusal.DATE),
        ("<RvslInd>false", "<RvslInd>maybe", FileRefusal.STRUCTURE),
        ("<NbOfTxs>1", "<NbOfTxs>one", FileRefusal.STRUCTURE),
    ],
)
def test_a_file_out_of_shape_is_refused_whole(was: str, becomes: str, refusal: FileRefusal) -> None:
    details = "<Btch><NbOfTxs>1</NbOfTxs></Btch>"
    file = camt(entry("5.00", "DBIT", details, more="<RvslInd>false</RvslInd>")).decode()
    assert was in file
    with pytest.raises(FileRefused) as refused:
        read_bank_file(file.replace(was, becomes).encode())
    assert refused.value.refusal is refusal


def test_a_comment_does_not_cut_an_amount() -> None:
    file = camt(entry("120.00", "CRDT")).replace(b">120.00<", b">12<!-- no -->0.0<?x y?>0<")
    assert only(file).entries[0].amount_cents == 12_000


@pytest.mark.parametrize("codec", ["utf-8-sig", "iso-8859-1", "iso-8859-15", "windows-1252"])
def test_letters_are_read_in_the_encoding_that_is_declared(codec: str) -> None:
    part = transaction("1.00", "DBIT", "BR-1", more="<RltdPties><Cdtr><Nm>Été</Nm></Cdtr></RltdPties>")
    text = camt(entry("1.00", "DBIT", part)).decode()
    file = text.replace("UTF-8", codec.removesuffix("-sig")).encode(codec)
    assert only(file).entries[0].transactions[0].counterparty.name == "Été"


def test_every_refusal_and_every_doubt_has_its_french_sentence() -> None:
    assert set(FRENCH_OF) == set(FileRefusal)
    assert set(FRENCH_DOUBTS) == set(Doubt)
