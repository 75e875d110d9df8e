"""The file of transfers: written, validated, read back, refused with all that is wrong."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schwifty import IBAN

from payouts.bank import payment_batch
from payouts.bank.day import PARIS
from payouts.bank.letters import has_a_letter, letters_lost, to_epc
from payouts.bank.pain001 import Version, read_transfers, write_transfers
from payouts.bank.payment_batch import (
    FRENCH_OF,
    TRANSFER_CENTS_MAX,
    BatchRefusal,
    BatchRefused,
    PaymentBatch,
    Town,
    Transfer,
    as_written,
    problems_of,
)
from payouts.bank.refused import FileRefusal, FileRefused

NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
# What the bank took as a duplicate yesterday must be the same bytes after a change of library.
KNOWN = "390a305f79d4d1b19c7fedc03bb772b5baa673d3c9cfe32efecc7eb5702ff62d"
DEBTOR = "FR7630006000011234567890189"
CREDITOR = "FR1420041010050500013M02606"


def a_transfer(number: int = 1, **change: Any) -> Transfer:
    facts: dict[str, Any] = {
        "end_to_end_id": f"BR-{number:04}-1",
        "amount_cents": 12_000,
        "creditor_name": "Médiathèque #APTIC d’Orléans",
        "creditor_iban": CREDITOR,
        "remittance": f"Bordereau n° {number} – 12 passes",
    }
    return Transfer(**facts | change)


def a_batch(*transfers: Transfer, **change: Any) -> PaymentBatch:
    facts: dict[str, Any] = {
        "message_id": "PN-2026-11-21-1",
        "created_at": NOON,
        "debtor_name": "Mandataire du Pass numérique",
        "debtor_iban": DEBTOR,
        "debtor_bic": "AGRIFRPP",
        "requested_on": date(2026, 11, 23),
        "transfers": transfers,
    }
    return PaymentBatch(**facts | change)


def refusals(batch: PaymentBatch) -> list[tuple[BatchRefusal, int | None]]:
    with pytest.raises(BatchRefused) as refused:
        write_transfers(batch)
    return [(problem.refusal, problem.transfer) for problem in refused.value.problems]


@pytest.mark.parametrize("version", Version)
def test_a_batch_is_read_back_as_it_was_written(version: Version) -> None:
    batch = a_batch(
        a_transfer(1), a_transfer(2, creditor_bic="PSSTFRPPXXX", creditor_town=Town("Orléans", "FR"))
    )
    assert read_transfers(write_transfers(batch, version=version)) == as_written(batch)


def test_the_same_batch_gives_the_same_bytes() -> None:
    batch = a_batch(*map(a_transfer, range(20)))
    assert write_transfers(batch) == write_transfers(batch)


def test_the_bytes_of_a_known_batch_never_change() -> None:
    file = write_transfers(a_batch(a_transfer(1), a_transfer(2)))
    assert hashlib.sha256(file).hexdigest() == KNOWN


def test_the_bank_reads_basic_letters_totals_and_no_free_address() -> None:
    file = write_transfers(
        a_batch(a_transfer(1, creditor_town=Town("Orléans", "FR")), a_transfer(2))
    ).decode()
    assert "<Nm>Mediatheque APTIC d'Orleans</Nm>" in file
    assert "<Ustrd>Bordereau no 1 - 12 passes</Ustrd>" in file
    assert file.count("<NbOfTxs>2</NbOfTxs>") == file.count("<CtrlSum>240.00</CtrlSum>") == 2
    assert file.isascii()
    assert "AdrLine" not in file
    assert "<TwnNm>Orleans</TwnNm>" in file


def test_a_debtor_without_bic_is_written_as_the_schema_wants() -> None:
    file = write_transfers(a_batch(a_transfer(), debtor_bic=None))
    assert b"<Id>NOTPROVIDED</Id>" in file
    assert read_transfers(file).debtor_bic is None


def test_an_instant_of_another_zone_is_written_in_utc_to_the_second() -> None:
    batch = a_batch(a_transfer(), created_at=NOON.astimezone(PARIS) + timedelta(microseconds=9))
    assert b"<CreDtTm>2026-11-21T11:00:00Z</CreDtTm>" in write_transfers(batch)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"amount_cents": 0}, BatchRefusal.NOT_POSITIVE),
        ({"amount_cents": -1}, BatchRefusal.NOT_POSITIVE),
        ({"amount_cents": TRANSFER_CENTS_MAX + 1}, BatchRefusal.OVER_MAXIMUM),
        ({"creditor_iban": "FR1420041010050500013M02607"}, BatchRefusal.WRONG_IBAN),
        ({"creditor_iban": ""}, BatchRefusal.WRONG_IBAN),
        ({"creditor_iban": "SA4420000001234567891234"}, BatchRefusal.OUTSIDE_SEPA),
        ({"creditor_iban": DEBTOR}, BatchRefusal.PAYS_ITSELF),
        ({"creditor_bic": "PSSTFRP"}, BatchRefusal.WRONG_BIC),
        ({"creditor_name": ""}, BatchRefusal.NAME_EMPTY),
        ({"creditor_name": "#☺ –"}, BatchRefusal.NAME_EMPTY),
        ({"creditor_name": "Café Ромашка"}, BatchRefusal.NAME_NOT_LATIN),
        ({"creditor_name": "œ" * 36}, BatchRefusal.NAME_TOO_LONG),
        ({"remittance": "€" * 47}, BatchRefusal.REMITTANCE_TOO_LONG),
        ({"end_to_end_id": "B" * 36}, BatchRefusal.REFERENCE_TOO_LONG),
        ({"end_to_end_id": "BR//1"}, BatchRefusal.WRONG_REFERENCE),
        ({"end_to_end_id": ""}, BatchRefusal.WRONG_REFERENCE),
        ({"creditor_town": Town("", "FR")}, BatchRefusal.HALF_AN_ADDRESS),
        ({"creditor_town": Town("Lyon", "")}, BatchRefusal.HALF_AN_ADDRESS),
    ],
)
def test_a_transfer_no_bank_should_get_is_refused(change: dict[str, Any], refusal: BatchRefusal) -> None:
    assert refusals(a_batch(a_transfer(1), a_transfer(2, **change))) == [(refusal, 1)]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"transfers": ()}, BatchRefusal.EMPTY),
        ({"currency": "CHF"}, BatchRefusal.NOT_EUROS),
        ({"message_id": "M" * 36}, BatchRefusal.REFERENCE_TOO_LONG),
        ({"message_id": "/M"}, BatchRefusal.WRONG_REFERENCE),
        ({"debtor_iban": "FR76"}, BatchRefusal.WRONG_IBAN),
        ({"debtor_bic": "NO"}, BatchRefusal.WRONG_BIC),
        ({"debtor_name": "#"}, BatchRefusal.NAME_EMPTY),
        ({"requested_on": date(2026, 11, 20)}, BatchRefusal.TOO_EARLY),
        ({"created_at": datetime(2026, 11, 21)}, BatchRefusal.NOT_AN_INSTANT),  # noqa: DTZ001
    ],
)
def test_a_batch_that_cannot_be_sent_is_refused(change: dict[str, Any], refusal: BatchRefusal) -> None:
    assert refusals(replace(a_batch(a_transfer()), **change)) == [(refusal, None)]


def test_too_many_transfers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payment_batch, "TRANSFERS_MAX", 2)
    assert refusals(a_batch(*map(a_transfer, range(3)))) == [(BatchRefusal.TOO_MANY_TRANSFERS, None)]


def test_a_wrong_rib_key_is_refused_though_the_iban_key_fits() -> None:
    bban = "20041010050500013M02607"
    wrong = IBAN.from_bban("FR", bban, allow_invalid=True).compact
    assert IBAN(wrong)
    assert refusals(a_batch(a_transfer(creditor_iban=wrong))) == [(BatchRefusal.WRONG_IBAN, 0)]


def test_all_that_is_wrong_is_told_at_once() -> None:
    batch = a_batch(
        a_transfer(1, amount_cents=0), a_transfer(2, creditor_iban="FR00"), a_transfer(1), message_id=""
    )
    assert refusals(batch) == [
        (BatchRefusal.WRONG_REFERENCE, None),
        (BatchRefusal.NOT_POSITIVE, 0),
        (BatchRefusal.END_TO_END_ID_TWICE, 0),
        (BatchRefusal.WRONG_IBAN, 1),
        (BatchRefusal.END_TO_END_ID_TWICE, 2),
    ]


def test_a_message_names_the_transfer_and_the_cause() -> None:
    (problem,) = problems_of(a_batch(a_transfer(7, amount_cents=0)))
    assert problem.message == "transfer 1 ('BR-0007-1'): 0.00 euros is no amount to pay"


def test_every_refusal_has_its_french_sentence() -> None:
    assert set(FRENCH_OF) == set(BatchRefusal)


def test_the_maximum_of_a_transfer_is_a_setting() -> None:
    batch = a_batch(a_transfer(amount_cents=200))
    assert write_transfers(batch, cents_max=200)
    with pytest.raises(BatchRefused):
        write_transfers(batch, cents_max=199)


NAMES = st.text(min_size=1, max_size=20).filter(
    lambda name: has_a_letter(to_epc(name)) and not letters_lost(name)
)
IBANS = st.builds(
    lambda bank, account: (
        IBAN.generate("FR", bank_code=bank, account_code=account, branch_code="00001").compact
    ),
    st.sampled_from(["30006", "20041", "10278"]),
    st.from_regex(r"[0-9]{11}", fullmatch=True),
)
TRANSFERS = st.builds(
    Transfer,
    end_to_end_id=st.from_regex(r"BR-[A-Z0-9]{1,20}-[0-9]", fullmatch=True),
    amount_cents=st.integers(1, TRANSFER_CENTS_MAX),
    creditor_name=NAMES,
    creditor_iban=IBANS,
    remittance=st.text(max_size=30),
    creditor_town=st.none() | st.just(Town("Saint-Étienne", "FR")),
)


@settings(max_examples=40)
@given(
    st.lists(TRANSFERS, min_size=1, max_size=5, unique_by=lambda t: t.end_to_end_id), st.sampled_from(Version)
)
def test_any_batch_is_refused_or_read_back_equal(transfers: list[Transfer], version: Version) -> None:
    batch = a_batch(*transfers)
    if problems_of(batch):
        return
    read = read_transfers(write_transfers(batch, version=version))
    assert read == as_written(batch)
    assert read.total_cents == sum(transfer.amount_cents for transfer in transfers)


FILE = write_transfers(a_batch(a_transfer(1), a_transfer(2)))


@pytest.mark.parametrize(
    ("was", "becomes", "refusal"),
    [
        (b"<CtrlSum>240.00", b"<CtrlSum>240.01", FileRefusal.STRUCTURE),
        (b"<NbOfTxs>2", b"<NbOfTxs>3", FileRefusal.STRUCTURE),
        (b'"EUR">120.00', b'"EUR">120.01', FileRefusal.STRUCTURE),
        (b'"EUR">120.00', b'"CHF">120.00', FileRefusal.AMOUNT),
        (b"<PmtMtd>TRF</PmtMtd>", b"", FileRefusal.STRUCTURE),
        (b"001.09", b"001.08", FileRefusal.OTHER_VERSION),
        (b"<PmtInfId>PN", b"<PmtInfId>PM", FileRefusal.STRUCTURE),
    ],
)
def test_a_file_that_was_touched_is_not_read_back(was: bytes, becomes: bytes, refusal: FileRefusal) -> None:
    assert was in FILE
    with pytest.raises(FileRefused) as refused:
        read_transfers(FILE.replace(was, becomes, 1))
    assert refused.value.refusal is refusal
