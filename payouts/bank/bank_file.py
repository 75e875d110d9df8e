"""A file from the bank: which format it is, and its rows. What is not read is refused by its name."""

import re
from dataclasses import dataclass
from typing import Final

from payouts.bank import camt
from payouts.bank.cfonb120 import FORMAT as CFONB120
from payouts.bank.cfonb120 import read_cfonb120
from payouts.bank.refused import FileRefusal, FileRefused, refuse_size
from payouts.bank.statement import Statement
from payouts.bank.status_report import GroupStatus, read_status_report
from payouts.bank.xml_file import Node, open_xml

_NAMESPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.[0-9]{3})\.001\.([0-9]{2})")
_VERSIONS_OF: Final = {
    "camt.052": range(2, 15),
    "camt.053": range(2, 15),
    "camt.054": range(2, 15),
    "pain.002": range(3, 16),
}
_CFONB120: Final = re.compile(rb"0[1457][0-9]{5}")
_CFONB240: Final = re.compile(rb"3[1-9][0-9]{14}")
_OTHER_FORMATS: Final = (
    (re.compile(rb"%PDF"), "a PDF"),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive or a spreadsheet: unpack it"),
    (re.compile(rb"\x1f\x8b"), "a gzip archive: unpack it"),
    (re.compile(rb"\{1:|:20:"), "a SWIFT MT statement (MT940)"),
    (re.compile(rb"OFXHEADER|<OFX"), "an OFX file"),
    (re.compile(rb"!Type:"), "a QIF file"),
    (re.compile(rb"0(?:302|602)"), "a CFONB 160 order"),
)


@dataclass(frozen=True, slots=True)
class BankFile:
    format: str
    statements: tuple[Statement, ...] = ()
    status_reports: tuple[GroupStatus, ...] = ()


def read_bank_file(file: bytes) -> BankFile:
    """Raises FileRefused, which names what is wrong and where."""
    refuse_size(file)
    start = file.removeprefix(b"\xef\xbb\xbf").lstrip()[:400]
    _refuse_other_formats(start)
    if _CFONB120.match(start):
        return BankFile(CFONB120, statements=read_cfonb120(file))
    if start.startswith(b"<") or file[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in start:
        return _read_xml(open_xml(file))
    raise FileRefused(
        FileRefusal.NOT_A_BANK_FILE,
        "the file is neither an ISO 20022 message nor a CFONB 120 statement",
    )


def _refuse_other_formats(start: bytes) -> None:
    if _CFONB240.match(start):
        raise _other("a CFONB 240 file (operations by type)")
    for shape, name in _OTHER_FORMATS:
        if shape.match(start):
            raise _other(name)


def _other(name: str) -> FileRefused:
    return FileRefused(
        FileRefusal.OTHER_FORMAT,
        f"this is {name}, which is not read here: ask the bank for camt.053, camt.054, pain.002 or CFONB 120",
    )


def _read_xml(document: Node) -> BankFile:
    told = _NAMESPACE.fullmatch(document.namespace)
    if told is None or document.name != "Document":
        named = f"{document.name[:60]} in {document.namespace[:100] or 'no namespace'}"
        raise FileRefused(FileRefusal.NOT_A_BANK_FILE, f"the file is XML, and no ISO 20022 message: {named}")
    message, version = told[1], told[2]
    format_name = f"{message}.001.{version}"
    if message not in _VERSIONS_OF:
        raise _other(f"a {format_name} message")
    if int(version) not in _VERSIONS_OF[message]:
        known = _VERSIONS_OF[message]
        raise FileRefused(
            FileRefusal.OTHER_VERSION,
            f"{format_name} is not known here: versions {known[0]:02} to {known[-1]:02} of {message} are",
        )
    if message == "pain.002":
        return BankFile(format_name, status_reports=(read_status_report(document, format_name=format_name),))
    statements = camt.read_statements(document, message=message, format_name=format_name)
    return BankFile(format_name, statements=statements)
