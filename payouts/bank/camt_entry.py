"""An entry (Ntry) of camt.052, 053 or 054 with its transactions, of any version. No statement."""

from collections.abc import Iterator
from typing import Final

from payouts.bank.day import iso_day
from payouts.bank.doubts import entry_remarks
from payouts.bank.money import cents_of
from payouts.bank.refused import FileRefusal
from payouts.bank.statement import Batch, Doubt, Entry, Money, Party, References, Remark, Transaction
from payouts.bank.xml_file import Node

_SIGN_OF: Final = {"CRDT": 1, "DBIT": -1}
_TRUTH_OF: Final = {"true": True, "1": True, "false": False, "0": False}
_COUNT_DIGITS_MAX: Final = 15


def money_at(node: Node, path: str) -> Money | None:
    """The amount without its sign, which stands beside it."""
    found = node.maybe(path)
    if found is None:
        return None
    currency = found.attribute("Ccy")
    if currency is None:
        raise found.refused("has no currency (Ccy)", FileRefusal.AMOUNT)
    return Money(cents_of(found.text() or "", currency), currency)


def amount_of(node: Node) -> Money:
    money = money_at(node, "Amt")
    if money is None:
        raise node.refused("has no Amt")
    return money


def sign_of(node: Node) -> int | None:
    told = node.text_at("CdtDbtInd")
    if told is not None and told not in _SIGN_OF:
        raise node.refused(f"has CdtDbtInd {told!r}: CRDT or DBIT is expected")
    return None if told is None else _SIGN_OF[told]


def code_at(node: Node, path: str) -> str | None:
    """Newer versions wrap a code into Cd or Prtry; older ones write it straight."""
    found = node.maybe(path)
    if found is None:
        return None
    return found.text_at("Cd") or found.text_at("Prtry") if len(found.element) else found.text()


def day_at(node: Node, path: str) -> str | None:
    return node.text_at(f"{path}/Dt") or node.text_at(f"{path}/DtTm")


def count_at(node: Node, path: str) -> int | None:
    text = node.text_at(path)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _COUNT_DIGITS_MAX):
        raise node.refused(f"has {path} {text[:40]!r}: a number is expected")
    return int(text)


def account_at(node: Node, path: str) -> str | None:
    return node.text_at(f"{path}/Id/IBAN") or node.text_at(f"{path}/Id/Othr/Id")


def read_entry(node: Node, account: str) -> Entry:
    money, sign = amount_of(node), sign_of(node)
    status = code_at(node, "Sts")
    if sign is None or status is None:
        raise node.refused("has no CdtDbtInd" if sign is None else "has no Sts")
    cents = sign * money.cents
    details = [detail for group in node.all("NtryDtls") for detail in group.all("TxDtls")]
    signs, doubt = _signs(details, cents=cents, money=money, sign=sign)
    transactions = tuple(
        _transaction(detail, sign=part, account=account) for detail, part in zip(details, signs, strict=True)
    )
    batches = tuple(_batch(batch) for batch in node.all("NtryDtls/Btch"))
    booked, value = day_at(node, "BookgDt"), day_at(node, "ValDt")
    return Entry(
        amount_cents=cents,
        currency=money.currency,
        booked_on=iso_day(booked) if booked else None,
        value_on=iso_day(value) if value else None,
        reference=node.text_at("AcctSvcrRef") or node.text_at("NtryRef"),
        is_reversal=_is_reversal(node),
        status=status,
        transactions=transactions,
        batches=batches,
        label=node.text_at("AddtlNtryInf"),
        remarks=(
            *doubt,
            *entry_remarks(cents=cents, currency=money.currency, transactions=transactions, batches=batches),
        ),
    )


def _is_reversal(node: Node) -> bool:
    told = node.text_at("RvslInd") or "false"
    if told not in _TRUTH_OF:
        raise node.refused(f"has RvslInd {told!r}: true or false is expected")
    return _TRUTH_OF[told]


def _signs(
    details: list[Node], *, cents: int, money: Money, sign: int
) -> tuple[list[int], tuple[Remark, ...]]:
    """The sign of each transaction: its own where these make up the entry, else that of the entry.

    Banks write CRDT on each transaction of a debited batch, as seen by who receives it. Only a net entry,
    whose parts go both ways, is explained by signs of their own.
    """
    own = [sign_of(detail) or sign for detail in details]
    amounts = [_money_of(detail) for detail in details]
    if all(part == sign for part in own):
        return own, ()
    sums = sum(part * amount.cents for part, amount in zip(own, amounts, strict=True) if amount)
    if all(amount and amount.currency == money.currency for amount in amounts) and sums == cents:
        return own, ()
    other = sum(part != sign for part in own)
    remark = Remark(
        Doubt.DIRECTION_DIFFERS,
        f"{other} transactions say the contrary of their entry; they are read in the direction of the entry",
    )
    return [sign] * len(details), (remark,)


def _money_of(detail: Node) -> Money | None:
    return money_at(detail, "Amt") or money_at(detail, "AmtDtls/TxAmt/Amt")


def _transaction(detail: Node, *, sign: int, account: str) -> Transaction:
    money = _money_of(detail)
    reasons = [text for info in detail.all("RtrInf/AddtlInf") if (text := info.text())]
    return Transaction(
        amount_cents=None if money is None else sign * money.cents,
        currency=None if money is None else money.currency,
        references=_references(detail),
        reason=code_at(detail, "RtrInf/Rsn"),
        reason_text=" ".join(reasons) or None,
        counterparty=_counterparty(detail, sign=sign, account=account),
        remittance="\n".join(_remittance(detail)) or None,
    )


def _references(detail: Node) -> References:
    return References(
        message_id=detail.text_at("Refs/MsgId"),
        payment_information_id=detail.text_at("Refs/PmtInfId"),
        instruction_id=detail.text_at("Refs/InstrId"),
        end_to_end_id=detail.text_at("Refs/EndToEndId"),
        transaction_id=detail.text_at("Refs/TxId"),
        servicer_reference=detail.text_at("Refs/AcctSvcrRef"),
    )


def _counterparty(detail: Node, *, sign: int, account: str) -> Party:
    """Who is at the other end. A returned payment keeps its first roles, and may name us in both."""
    roles = ("Cdtr", "Dbtr") if sign < 0 else ("Dbtr", "Cdtr")
    parties = [_party(detail, role) for role in roles]
    others = [party for party in parties if party != Party() and party.account != account]
    return others[0] if others else Party()


def _party(detail: Node, role: str) -> Party:
    parties = detail.maybe("RltdPties")
    if parties is None:
        return Party()
    names = (f"{role}/Nm", f"{role}/Pty/Nm", f"{role}/Agt/FinInstnId/Nm")
    name = next((found for path in names if (found := parties.text_at(path))), None)
    return Party(name=name, account=account_at(parties, f"{role}Acct"))


def _remittance(detail: Node) -> Iterator[str]:
    for path in ("RmtInf/Ustrd", "RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/AddtlRmtInf"):
        for line in detail.all(path):
            if text := line.text():
                yield text


def _batch(node: Node) -> Batch:
    return Batch(
        message_id=node.text_at("MsgId"),
        payment_information_id=node.text_at("PmtInfId"),
        transaction_count=count_at(node, "NbOfTxs"),
        total=money_at(node, "TtlAmt"),
    )
