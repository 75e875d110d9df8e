"""pain.002, versions 3 to 15: what the bank says of a file of payments sent to it. No statement."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from payouts.bank.camt_entry import code_at, count_at, money_at
from payouts.bank.money import cents_of
from payouts.bank.statement import Doubt, Party, Remark
from payouts.bank.xml_file import Node


@dataclass(frozen=True, slots=True)
class Reason:
    code: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """A status of None means: as the payment information around it."""

    end_to_end_id: str | None
    instruction_id: str | None
    status: str | None
    reasons: tuple[Reason, ...]
    amount_cents: int | None
    currency: str | None
    creditor: Party


@dataclass(frozen=True, slots=True)
class PaymentInformationStatus:
    payment_information_id: str
    status: str | None
    reasons: tuple[Reason, ...]
    transactions: tuple[TransactionStatus, ...]


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """The answer to one file of payments, named by the message id it was sent with."""

    format: str
    message_id: str
    original_message_id: str
    original_message_name: str
    status: str | None
    reasons: tuple[Reason, ...]
    transaction_count: int | None
    control_sum_cents: int | None
    payment_informations: tuple[PaymentInformationStatus, ...]
    remarks: tuple[Remark, ...]


def read_status_report(document: Node, *, format_name: str) -> GroupStatus:
    body = document.one("CstmrPmtStsRpt")
    group = body.one("OrgnlGrpInfAndSts")
    control_sum = group.text_at("OrgnlCtrlSum")
    informations = tuple(_payment_information(node) for node in body.all("OrgnlPmtInfAndSts"))
    return GroupStatus(
        format=format_name,
        message_id=body.one("GrpHdr").required("MsgId"),
        original_message_id=group.required("OrgnlMsgId"),
        original_message_name=group.required("OrgnlMsgNmId"),
        status=group.text_at("GrpSts"),
        reasons=_reasons(group),
        transaction_count=count_at(group, "OrgnlNbOfTxs"),
        control_sum_cents=None if control_sum is None else cents_of(control_sum, "EUR"),
        payment_informations=informations,
        remarks=tuple(_remarks(body, informations)),
    )


def _payment_information(node: Node) -> PaymentInformationStatus:
    return PaymentInformationStatus(
        payment_information_id=node.required("OrgnlPmtInfId"),
        status=node.text_at("PmtInfSts"),
        reasons=_reasons(node),
        transactions=tuple(_transaction(transaction) for transaction in node.all("TxInfAndSts")),
    )


def _transaction(node: Node) -> TransactionStatus:
    original = node.maybe("OrgnlTxRef")
    money = original and (money_at(original, "Amt/InstdAmt") or money_at(original, "Amt/EqvtAmt/Amt"))
    creditor = original and Party(
        name=original.text_at("Cdtr/Nm") or original.text_at("Cdtr/Pty/Nm"),
        account=original.text_at("CdtrAcct/Id/IBAN") or original.text_at("CdtrAcct/Id/Othr/Id"),
    )
    return TransactionStatus(
        end_to_end_id=node.text_at("OrgnlEndToEndId"),
        instruction_id=node.text_at("OrgnlInstrId"),
        status=node.text_at("TxSts"),
        reasons=_reasons(node),
        amount_cents=money.cents if money else None,
        currency=money.currency if money else None,
        creditor=creditor or Party(),
    )


def _reasons(node: Node) -> tuple[Reason, ...]:
    """All of them: a bank may give several, and the last may be the one that helps."""
    return tuple(
        Reason(
            code=code_at(info, "Rsn"),
            text=" ".join(text for line in info.all("AddtlInf") if (text := line.text())) or None,
        )
        for info in node.all("StsRsnInf")
    )


def _remarks(body: Node, informations: tuple[PaymentInformationStatus, ...]) -> Iterator[Remark]:
    """Counts per status, stated beside a list: a rejection counted and not listed must not go unseen."""
    every = [transaction for information in informations for transaction in information.transactions]
    yield from _count_remarks(body.one("OrgnlGrpInfAndSts"), every)
    for node, information in zip(body.all("OrgnlPmtInfAndSts"), informations, strict=True):
        yield from _count_remarks(node, list(information.transactions))


def _count_remarks(node: Node, transactions: list[TransactionStatus]) -> Iterator[Remark]:
    listed = Counter(transaction.status for transaction in transactions)
    for counted in node.all("NbOfTxsPerSts"):
        status, count = counted.required("DtldSts"), count_at(counted, "DtldNbOfTxs")
        # Banks list the exceptions: what went well may be counted only.
        if count != listed[status] and (listed[status] or status == "RJCT"):
            yield Remark(
                Doubt.COUNT_DIFFERS,
                f"{node.name} counts {count} transactions as {status}, {listed[status]} are listed",
            )


def every_reason(reasons: tuple[Reason, ...]) -> str:
    """On one line, for a person."""
    return ", ".join(" ".join(filter(None, (reason.code, reason.text))) for reason in reasons)
