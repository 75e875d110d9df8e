"""`poincon statements read`: the JSON other programs rely on, the print for a person, the exit status."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from command.main import poincon
from payouts.bank.refused import FILE_BYTES_MAX

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId></GrpHdr><Stmt><Id>S1</Id>
<Acct><Id><IBAN>FR7630006000011234567890189</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">200.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-11-20</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">80.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-11-21</Dt></Dt></Bal>
<Ntry><Amt Ccy="EUR">120.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-21</Dt></BookgDt><AcctSvcrRef>BANK-1</AcctSvcrRef>
<NtryDtls><TxDtls><Refs><EndToEndId>BR-0001-1</EndToEndId></Refs><Amt Ccy="EUR">120.00</Amt>
<CdtDbtInd>DBIT</CdtDbtInd></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>
"""
PAIN002 = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
<GrpHdr><MsgId>B1</MsgId></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>PN-1</OrgnlMsgId>
<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>PN-1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>BR-2</OrgnlEndToEndId>
<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts>
</CstmrPmtStsRpt></Document>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "day.xml").write_text(CAMT)
    (tmp_path / "later.xml").write_text(CAMT.replace("2026-11-", "2026-12-"))
    (tmp_path / "answer.xml").write_text(PAIN002)
    (tmp_path / "note.txt").write_text("bonjour")
    (tmp_path / "page.pdf").write_bytes(b"%PDF-1.7")
    return tmp_path


def run(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(poincon, ["statements", "read", *map(str, arguments)], input=stdin)


def test_the_json_holds_what_was_agreed(folder: Path) -> None:
    ended = run(folder / "day.xml", "--json")
    assert ended.exit_code == 0
    (statement,) = json.loads(ended.stdout)["statements"]
    assert {name: statement[name] for name in ("account", "currency", "opening_cents", "closing_cents")} == {
        "account": "FR7630006000011234567890189",
        "currency": "EUR",
        "opening_cents": 20_000,
        "closing_cents": 8_000,
    }
    (entry,) = statement["entries"]
    assert (entry["amount_cents"], entry["booked_on"], entry["reference"]) == (
        -12_000,
        "2026-11-21",
        "BANK-1",
    )
    (part,) = entry["transactions"]
    assert (part["amount_cents"], part["end_to_end_id"], part["reason"]) == (-12_000, "BR-0001-1", None)


def test_the_answer_to_a_file_of_payments_is_printed_as_json_too(folder: Path) -> None:
    (report,) = json.loads(run(folder / "answer.xml", "--json").stdout)["status_reports"]
    assert (report["original_message_id"], report["status"]) == ("PN-1", "PART")
    (part,) = report["payment_informations"][0]["transactions"]
    assert (part["end_to_end_id"], part["status"], part["reasons"][0]["code"]) == ("BR-2", "RJCT", "AC04")


def test_a_person_reads_accounts_entries_and_answers(folder: Path) -> None:
    ended = run(folder / "day.xml", folder / "answer.xml")
    assert ended.exit_code == 0
    assert "account FR7630006000011234567890189 EUR: opening 200.00, closing 80.00" in ended.stdout
    assert "-120.00 EUR BOOK BANK-1" in ended.stdout
    assert "answer to PN-1: PART" in ended.stdout
    assert "BR-2: RJCT AC04" in ended.stdout


def test_what_would_move_the_cursor_of_a_terminal_is_not_printed(folder: Path) -> None:
    # 0x9B begins a command on some terminals, and XML allows it.
    (folder / "day.xml").write_text(CAMT.replace("BANK-1", "BANK\x9b2J"))
    assert "BOOK BANK?2J" in run(folder / "day.xml").stdout


def test_a_hole_between_two_files_is_told(folder: Path) -> None:
    ended = run(folder / "later.xml", folder / "day.xml", "--json")
    (gap,) = json.loads(ended.stdout)["gaps"]
    assert (gap["closing_cents"], gap["opening_cents"], gap["missing_cents"]) == (8_000, 20_000, 12_000)
    assert "120.00 EUR of movements are missing" in run(folder / "later.xml", folder / "day.xml").stdout


@pytest.mark.parametrize(
    ("name", "cause"), [("note.txt", "neither an ISO 20022 message"), ("page.pdf", "a PDF")]
)
def test_a_file_refused_is_named_with_its_cause_and_the_others_are_read(
    folder: Path, name: str, cause: str
) -> None:
    ended = run(folder / name, folder / "day.xml", "--json")
    assert ended.exit_code == 1
    assert len(json.loads(ended.stdout)["statements"]) == 1
    assert f"{folder / name}: " in ended.stderr
    assert cause in ended.stderr


def test_a_file_comes_by_standard_input_too() -> None:
    assert len(json.loads(run("-", "--json", stdin=CAMT.encode()).stdout)["statements"]) == 1


def test_a_file_over_the_maximum_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "big.xml").open("wb") as file:
        file.write(b"<")
        file.truncate(FILE_BYTES_MAX + 1)
    assert "more than 16 MiB" in run(tmp_path / "big.xml").stderr


@pytest.mark.parametrize("arguments", [[], ["missing.xml"], ["--yaml"]])
def test_wrong_usage_is_told_apart(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2
