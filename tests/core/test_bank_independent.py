"""Our files and readers beside an independent program, mock-bank (MIT), which shares no code with us."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from mockbank import messages, validate

from payouts.bank.bank_file import read_bank_file
from payouts.bank.pain001 import Version, write_transfers
from payouts.bank.payment_batch import PaymentBatch, Town, Transfer

NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
DAY = date(2026, 11, 23)
DEBTOR = "FR7630006000011234567890189"
TRANSFERS = tuple(
    Transfer(
        end_to_end_id=f"BR-{number:04}-1",
        amount_cents=12_000 + number,
        creditor_name="Médiathèque #APTIC d’Orléans",
        creditor_iban="FR1420041010050500013M02606",
        creditor_bic=bic,
        creditor_town=Town("Orléans", "FR"),
        remittance=f"Bordereau n° {number}",
    )
    for number, bic in ((1, None), (2, "PSSTFRPPXXX"), (3, None))
)
BATCH = PaymentBatch(
    message_id="PN-2026-11-23-1",
    created_at=NOON,
    debtor_name="Mandataire du Pass numérique",
    debtor_iban=DEBTOR,
    debtor_bic="AGRIFRPP",
    requested_on=DAY,
    transfers=TRANSFERS,
)


@pytest.mark.parametrize("version", Version)
def test_a_bank_reads_in_our_file_what_we_meant(version: Version) -> None:
    file = messages.read_pain001(write_transfers(BATCH, version=version))
    assert (file.message, file.msg_id, file.nb_of_txs) == (version, BATCH.message_id, 3)
    (block,) = file.batches
    assert block.debtor_account == DEBTOR
    assert block.requested_execution_date == DAY
    assert block.ctrl_sum * 100 == file.ctrl_sum * 100 == BATCH.total_cents
    assert [
        (paid.end_to_end_id, paid.amount, paid.currency, paid.creditor_account, paid.creditor_bic)
        for paid in file.payments
    ] == [
        (sent.end_to_end_id, sent.amount_cents, "EUR", sent.creditor_iban, sent.creditor_bic)
        for sent in TRANSFERS
    ]
    assert {paid.creditor_name for paid in file.payments} == {"Mediatheque APTIC d'Orleans"}
    assert file.payments[0].remittance == ["Bordereau no 1"]


@pytest.mark.parametrize("version", Version)
def test_a_bank_finds_nothing_wrong_with_our_file(version: Version) -> None:
    findings = validate.validate(write_transfers(BATCH, version=version), today=DAY)
    assert not validate.errors(findings), [validate.render(finding) for finding in findings]


def test_every_rejection_of_another_program_is_read() -> None:
    file = messages.read_pain001(write_transfers(BATCH))
    decided = [
        SimpleNamespace(
            batch=file.batches[0],
            payment=payment,
            outcome="accepted" if payment is file.payments[1] else "rejected",
            reason="AC04",
            reason_text="compte clos",
        )
        for payment in file.payments
    ]
    decision = SimpleNamespace(payment_file=file, payments=decided, status="PART", rejected_outright=False)
    (report,) = read_bank_file(messages.write_pain002(decision, "B-1", NOON)).status_reports
    assert (report.original_message_id, report.status, report.transaction_count) == (
        BATCH.message_id,
        "PART",
        3,
    )
    assert report.control_sum_cents == BATCH.total_cents
    (information,) = report.payment_informations
    assert information.payment_information_id == BATCH.message_id
    assert [(each.end_to_end_id, each.status) for each in information.transactions] == [
        ("BR-0001-1", "RJCT"),
        ("BR-0002-1", "ACCP"),
        ("BR-0003-1", "RJCT"),
    ]
    assert information.transactions[0].reasons[0].code == "AC04"
    assert not report.remarks


def booked(number: int, **change: Any) -> dict[str, Any]:
    sent = TRANSFERS[number]
    return {
        "id": number,
        "amount": sent.amount_cents,
        "currency": "EUR",
        "msg_id": BATCH.message_id,
        "pmt_inf_id": BATCH.message_id,
        "instruction_id": sent.end_to_end_id,
        "end_to_end_id": sent.end_to_end_id,
        "creditor_name": "ATELIER",
        "creditor_iban": sent.creditor_iban,
        "creditor_bic": None,
        **change,
    }


ACCOUNT = {"iban": DEBTOR, "currency": "EUR", "name": "Mandataire", "bic": None}


def test_statements_and_notices_of_another_program_are_read_to_the_cent() -> None:
    rows = [booked(0), booked(1), booked(0, credit=True, return_reason="AC04")]
    closing = 50_000 - TRANSFERS[1].amount_cents
    (statement,) = read_bank_file(
        messages.write_camt053(ACCOUNT, DAY, 7, 50_000, closing, rows, "S-7", NOON, UTC)
    ).statements
    (notice,) = read_bank_file(messages.write_camt054(ACCOUNT, rows, DAY, "N-1", NOON)).statements
    assert (statement.account, statement.opening_cents, statement.closing_cents) == (DEBTOR, 50_000, closing)
    assert statement.entries == notice.entries
    assert [
        (entry.amount_cents, entry.transactions[0].end_to_end_id, entry.transactions[0].reason)
        for entry in statement.entries
    ] == [(-12_001, "BR-0001-1", None), (-12_002, "BR-0002-1", None), (12_001, "BR-0001-1", "AC04")]
    assert statement.entries[2].transactions[0].references.payment_information_id == BATCH.message_id
    assert not statement.all_remarks
