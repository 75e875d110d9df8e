"""pain.002: what the bank says of a file of payments. No rejection may be left out."""

import pytest

from payouts.bank.bank_file import read_bank_file
from payouts.bank.refused import FileRefused
from payouts.bank.statement import Doubt
from payouts.bank.status_report import GroupStatus, Reason


def report(informations: str, *, group: str = "", version: str = "10") -> bytes:
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>B1</MsgId><CreDtTm>2026-11-23T08:00:00Z</CreDtTm></GrpHdr>"
        "<OrgnlGrpInfAndSts><OrgnlMsgId>PN-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
        f"<OrgnlNbOfTxs>4</OrgnlNbOfTxs><OrgnlCtrlSum>480.00</OrgnlCtrlSum>{group}</OrgnlGrpInfAndSts>"
        f"{informations}</CstmrPmtStsRpt></Document>"
    ).encode()


def rejected(number: int, *codes: str) -> str:
    reasons = "".join(
        f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn><AddtlInf>motif</AddtlInf><AddtlInf>{code}</AddtlInf></StsRsnInf>"
        for code in codes
    )
    original = '<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">120.00</InstdAmt></Amt></OrgnlTxRef>'
    return (
        f"<TxInfAndSts><OrgnlInstrId>I-{number}</OrgnlInstrId><OrgnlEndToEndId>BR-{number}-1</OrgnlEndToEndId>"
        f"<TxSts>RJCT</TxSts>{reasons}{original}</TxInfAndSts>"
    )


def information(inside: str, name: str = "PN-1") -> str:
    return f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{name}</OrgnlPmtInfId>{inside}</OrgnlPmtInfAndSts>"


def only(file: bytes) -> GroupStatus:
    (found,) = read_bank_file(file).status_reports
    return found


FOUR = information("".join(rejected(number, "AC04") for number in (1, 2))) + information(
    rejected(3, "AC01", "AM05") + rejected(4), "PN-2"
)


@pytest.mark.parametrize("version", ["03", "05", "09", "10", "12", "15"])
def test_every_rejection_is_read_with_every_reason(version: str) -> None:
    found = only(report(FOUR, group="<GrpSts>PART</GrpSts>", version=version))
    assert (found.original_message_id, found.status) == ("PN-1", "PART")
    assert (found.transaction_count, found.control_sum_cents) == (4, 48_000)
    every = [each for information in found.payment_informations for each in information.transactions]
    assert [each.end_to_end_id for each in every] == ["BR-1-1", "BR-2-1", "BR-3-1", "BR-4-1"]
    assert [each.status for each in every] == ["RJCT"] * 4
    assert every[0].reasons == (Reason("AC04", "motif AC04"),)
    assert [reason.code for reason in every[2].reasons] == ["AC01", "AM05"]
    assert every[3].reasons == ()
    assert every[0].amount_cents == 12_000
    assert not found.remarks


def test_a_file_rejected_outright_has_its_reason_and_no_list() -> None:
    reason = "<StsRsnInf><Rsn><Prtry>DUPL</Prtry></Rsn></StsRsnInf>"
    found = only(report("", group=f"<GrpSts>RJCT</GrpSts>{reason}"))
    assert (found.status, found.reasons, found.payment_informations) == ("RJCT", (Reason("DUPL", None),), ())


def test_a_rejection_counted_and_not_listed_is_shown() -> None:
    counts = "<NbOfTxsPerSts><DtldNbOfTxs>{}</DtldNbOfTxs><DtldSts>{}</DtldSts></NbOfTxsPerSts>"
    group = "<GrpSts>PART</GrpSts>" + counts.format(5, "RJCT") + counts.format(90, "ACCP")
    (remark,) = only(report(FOUR, group=group)).remarks
    assert remark.doubt is Doubt.COUNT_DIFFERS
    assert remark.message == "OrgnlGrpInfAndSts counts 5 transactions as RJCT, 4 are listed"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("<OrgnlMsgId>PN-1</OrgnlMsgId>", ""),
        ("<OrgnlPmtInfId>PN-2</OrgnlPmtInfId>", ""),
        ("001.10", "001.02"),
        ("480.00", "480.001"),
    ],
)
def test_a_report_out_of_shape_is_refused(was: str, becomes: str) -> None:
    file = report(FOUR).decode()
    assert was in file
    with pytest.raises(FileRefused):
        read_bank_file(file.replace(was, becomes).encode())
