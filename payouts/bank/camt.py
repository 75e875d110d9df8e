"""camt.052, 053 and 054 of ISO 20022, versions 2 to 14, as statements. Entries: camt_entry.py."""

from collections.abc import Iterator, Sequence
from typing import Final

from payouts.bank.camt_entry import account_at, amount_of, code_at, count_at, day_at, read_entry, sign_of
from payouts.bank.day import iso_day
from payouts.bank.doubts import statement_remarks
from payouts.bank.money import cents_of, decimal_of
from payouts.bank.statement import BOOKED, Balance, Doubt, Entry, Remark, Statement
from payouts.bank.xml_file import Node

CONTAINERS: Final = {
    "camt.052": ("BkToCstmrAcctRpt", "Rpt"),
    "camt.053": ("BkToCstmrStmt", "Stmt"),
    "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
# The first that is there holds: booked before previously closed.
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)


def read_statements(document: Node, *, message: str, format_name: str) -> tuple[Statement, ...]:
    body_name, container = CONTAINERS[message]
    body = document.one(body_name)
    body.one("GrpHdr").required("MsgId")
    statements = tuple(_statement(node, format_name) for node in body.all(container))
    if not statements:
        raise body.refused(f"has no {container}: it tells of no account")
    return statements


def _statement(node: Node, format_name: str) -> Statement:
    account = account_at(node, "Acct")
    if account is None:
        raise node.refused("names no account (Acct/Id)")
    balances = tuple(_balance(balance) for balance in node.all("Bal"))
    opening, closing = _first_of(balances, _OPENING), _first_of(balances, _CLOSING)
    entries = tuple(read_entry(entry, account) for entry in node.all("Ntry"))
    currency = node.text_at("Acct/Ccy") or _currency_told(balances, entries)
    return Statement(
        format=format_name,
        account=account,
        currency=currency,
        opening_cents=opening.cents if opening else None,
        closing_cents=closing.cents if closing else None,
        entries=entries,
        identification=node.required("Id"),
        sequence=node.text_at("ElctrncSeqNb") or node.text_at("LglSeqNb"),
        opening_on=opening.on if opening else None,
        closing_on=closing.on if closing else None,
        balances=balances,
        remarks=(
            *statement_remarks(currency=currency, opening=opening, closing=closing, entries=entries),
            *_summary_remarks(node, currency, entries),
        ),
    )


def _balance(node: Node) -> Balance:
    kind = code_at(node, "Tp/CdOrPrtry")
    sign = sign_of(node)
    if kind is None or sign is None:
        raise node.refused("has no kind (Tp)" if kind is None else "has no CdtDbtInd")
    money, day = amount_of(node), day_at(node, "Dt")
    return Balance(
        kind=kind, cents=sign * money.cents, currency=money.currency, on=iso_day(day) if day else None
    )


def _first_of(balances: Sequence[Balance], kinds: Sequence[str]) -> Balance | None:
    return next((balance for kind in kinds for balance in balances if balance.kind == kind), None)


def _currency_told(balances: Sequence[Balance], entries: Sequence[Entry]) -> str | None:
    opening = _first_of(balances, (*_OPENING, *_CLOSING))
    told = [opening.currency] if opening else [entry.currency for entry in entries]
    return told[0] if told else None


def _summary_remarks(node: Node, currency: str | None, entries: Sequence[Entry]) -> Iterator[Remark]:
    summary = node.maybe("TxsSummry")
    if summary is None or currency is None or any(entry.currency != currency for entry in entries):
        return
    for name, sign in (("TtlNtries", 0), ("TtlCdtNtries", 1), ("TtlDbtNtries", -1)):
        # Some banks count what is announced too: a summary that fits either way is no doubt.
        ways = [
            [entry for entry in told if sign * entry.amount_cents >= 0]
            for told in (entries, [entry for entry in entries if entry.status == BOOKED])
        ]
        stated = count_at(summary, f"{name}/NbOfNtries")
        if stated is not None and stated not in {len(way) for way in ways}:
            yield Remark(Doubt.SUMMARY_DIFFERS, f"{name} says {stated} entries, {len(ways[0])} are there")
        total = summary.text_at(f"{name}/Sum")
        sums = [sum(abs(entry.amount_cents) for entry in way) for way in ways]
        if total is not None and cents_of(total, currency) not in sums:
            yield Remark(
                Doubt.SUMMARY_DIFFERS,
                f"{name} says {total} {currency}, entries make {decimal_of(sums[0], currency)}",
            )
