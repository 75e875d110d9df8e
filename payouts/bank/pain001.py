"""The transfers sent to the bank: pain.001.001.09 (or 03), written and read back. Rules: payment_batch.py.

Python has libraries for this; those tried write every transfer twice when asked twice, or take a wrong IBAN.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final

from lxml import etree

from payouts.bank.iso_schema import schema_error
from payouts.bank.money import cents_of, decimal_of
from payouts.bank.payment_batch import (
    TRANSFER_CENTS_MAX,
    BatchRefused,
    PaymentBatch,
    Town,
    Transfer,
    as_written,
    problems_of,
)
from payouts.bank.refused import FileRefusal, FileRefused
from payouts.bank.xml_file import Node, open_xml

_URN: Final = "urn:iso:std:iso:20022:tech:xsd:"
_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_NO_BIC: Final = "NOTPROVIDED"


class Version(StrEnum):
    """03 is what a few banks still ask for."""

    V03 = "pain.001.001.03"
    V09 = "pain.001.001.09"


def write_transfers(
    batch: PaymentBatch, *, version: Version = Version.V09, cents_max: int = TRANSFER_CENTS_MAX
) -> bytes:
    """The same batch gives the same bytes. Raises BatchRefused with every problem that it has."""
    if problems := problems_of(batch, cents_max=cents_max):
        raise BatchRefused(problems)
    written = as_written(batch)
    root = etree.Element(f"{{{_URN}{version}}}Document", nsmap={None: _URN + version})
    _message(_Writer(root), written, version)
    file = _DECLARATION + bytes(etree.tostring(root, encoding="UTF-8", pretty_print=True))
    # Money leaves on the strength of these bytes: they are read again, as the bank will. No assert, which
    # an option of the interpreter switches off.
    if read_transfers(file) != written:
        raise AssertionError(f"the file of {batch.message_id} does not say what the batch says")
    return file


class _Writer:
    """Adds children to one element, in the order of the calls; None adds nothing."""

    def __init__(self, element: Any) -> None:
        self.element = element
        self.namespace = str(element.tag).rpartition("}")[0] + "}"

    def child(self, path: str) -> "_Writer":
        element = self.element
        for name in path.split("/"):
            element = etree.SubElement(element, self.namespace + name)
        return _Writer(element)

    def text(self, path: str, text: str | None, **attributes: str) -> None:
        if text is not None:
            element = self.child(path).element
            element.text = text
            element.attrib.update(attributes)


def _message(document: _Writer, batch: PaymentBatch, version: Version) -> None:
    body = document.child("CstmrCdtTrfInitn")
    header = body.child("GrpHdr")
    header.text("MsgId", batch.message_id)
    header.text("CreDtTm", batch.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    _totals(header, batch)
    header.text("InitgPty/Nm", batch.debtor_name)

    payment = body.child("PmtInf")
    payment.text("PmtInfId", batch.message_id)
    payment.text("PmtMtd", "TRF")
    payment.text("BtchBookg", "true")
    _totals(payment, batch)
    payment.text("PmtTpInf/SvcLvl/Cd", "SEPA")
    payment.text(
        "ReqdExctnDt" if version is Version.V03 else "ReqdExctnDt/Dt", batch.requested_on.isoformat()
    )
    _party(payment, "Dbtr", batch.debtor_name, batch.debtor_town)
    payment.text("DbtrAcct/Id/IBAN", batch.debtor_iban)
    if batch.debtor_bic is None:
        payment.text("DbtrAgt/FinInstnId/Othr/Id", _NO_BIC)
    else:
        payment.text(f"DbtrAgt/FinInstnId/{_bic_name(version)}", batch.debtor_bic)
    payment.text("ChrgBr", "SLEV")
    for transfer in batch.transfers:
        _transfer(payment.child("CdtTrfTxInf"), transfer, version)


def _totals(parent: _Writer, batch: PaymentBatch) -> None:
    parent.text("NbOfTxs", str(len(batch.transfers)))
    parent.text("CtrlSum", decimal_of(batch.total_cents))


def _transfer(writer: _Writer, transfer: Transfer, version: Version) -> None:
    ids = writer.child("PmtId")
    ids.text("InstrId", transfer.end_to_end_id)
    ids.text("EndToEndId", transfer.end_to_end_id)
    writer.text("Amt/InstdAmt", decimal_of(transfer.amount_cents), Ccy="EUR")
    if transfer.creditor_bic is not None:
        writer.text(f"CdtrAgt/FinInstnId/{_bic_name(version)}", transfer.creditor_bic)
    _party(writer, "Cdtr", transfer.creditor_name, transfer.creditor_town)
    writer.text("CdtrAcct/Id/IBAN", transfer.creditor_iban)
    writer.text("RmtInf/Ustrd", transfer.remittance or None)


def _party(parent: _Writer, role: str, name: str, town: Town | None) -> None:
    party = parent.child(role)
    party.text("Nm", name)
    if town is not None:
        address = party.child("PstlAdr")
        address.text("TwnNm", town.name)
        address.text("Ctry", town.country)


def _bic_name(version: Version) -> str:
    return "BIC" if version is Version.V03 else "BICFI"


def read_transfers(file: bytes) -> PaymentBatch:
    """A batch as it stands in a file of our own shape; raises FileRefused for any other."""
    document = open_xml(file)
    version = next((known for known in Version if document.namespace == _URN + known), None)
    if version is None:
        raise FileRefused(FileRefusal.OTHER_VERSION, f"{document.namespace!r} is no pain.001 written here")
    if error := schema_error(version, document.element):
        raise FileRefused(FileRefusal.STRUCTURE, f"the file does not follow the schema of {version}: {error}")
    body = document.one("CstmrCdtTrfInitn")
    header, payment = body.one("GrpHdr"), body.one("PmtInf")
    if payment.required("PmtInfId") != header.required("MsgId"):
        raise payment.refused("has another PmtInfId than the message id")
    batch = PaymentBatch(
        message_id=header.required("MsgId"),
        created_at=datetime.fromisoformat(header.required("CreDtTm")).astimezone(UTC),
        debtor_name=payment.required("Dbtr/Nm"),
        debtor_iban=payment.required("DbtrAcct/Id/IBAN"),
        debtor_bic=payment.text_at(f"DbtrAgt/FinInstnId/{_bic_name(version)}"),
        debtor_town=_town_at(payment, "Dbtr"),
        requested_on=_requested_on(payment, version),
        transfers=tuple(_read_transfer(node, version) for node in payment.all("CdtTrfTxInf")),
    )
    for node in (header, payment):
        _refuse_totals(node, batch)
    return batch


def _requested_on(payment: Node, version: Version) -> date:
    path = "ReqdExctnDt" if version is Version.V03 else "ReqdExctnDt/Dt"
    return date.fromisoformat(payment.required(path))


def _read_transfer(node: Node, version: Version) -> Transfer:
    amount = node.one("Amt/InstdAmt")
    if amount.attribute("Ccy") != "EUR":
        raise amount.refused("is not in euros", FileRefusal.AMOUNT)
    return Transfer(
        end_to_end_id=node.required("PmtId/EndToEndId"),
        amount_cents=cents_of(amount.text() or "", "EUR"),
        creditor_name=node.required("Cdtr/Nm"),
        creditor_iban=node.required("CdtrAcct/Id/IBAN"),
        creditor_bic=node.text_at(f"CdtrAgt/FinInstnId/{_bic_name(version)}"),
        creditor_town=_town_at(node, "Cdtr"),
        remittance="\n".join(_remittance(node)),
    )


def _remittance(node: Node) -> Iterator[str]:
    for line in node.all("RmtInf/Ustrd"):
        yield line.text() or ""


def _town_at(node: Node, role: str) -> Town | None:
    address = node.maybe(f"{role}/PstlAdr")
    if address is None:
        return None
    return Town(name=address.required("TwnNm"), country=address.required("Ctry"))


def _refuse_totals(node: Node, batch: PaymentBatch) -> None:
    stated = node.required("NbOfTxs"), cents_of(node.required("CtrlSum"), "EUR")
    if stated != (str(len(batch.transfers)), batch.total_cents):
        raise node.refused(
            f"says {stated[0]} transfers of {stated[1]} cents in all, which its list contradicts"
        )
