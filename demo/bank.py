"""The demo's bank: what it books, told in camt.053 statements that follow each other. All of it made up.

Cents are signed as the trustee's account sees them: positive came in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lxml import etree
from lxml.builder import ElementMaker

from payouts.bank.letters import to_epc
from payouts.bank.money import decimal_of

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
RETURNED_ACCOUNT_CLOSED = "AC04"

E = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})


@dataclass(frozen=True)
class Movement:
    booked_on: date
    amount_cents: int
    party: str
    text: str
    end_to_end_id: str | None = None
    batch: tuple[str, int] | None = None  # one debit for a whole file: its message id, its count
    returned_for: str | None = None


class Bank:
    def __init__(self, iban: str, *, opened_on: date) -> None:
        self._iban = iban
        self._balance_cents = 0
        self._closed_on = opened_on
        self._statements = 0

    def statement(self, closed_on: date, movements: Sequence[Movement]) -> bytes:
        """The next one: it opens where the last one closed."""
        self._statements += 1
        opening_cents, opened_on = self._balance_cents, self._closed_on
        self._balance_cents += sum(one.amount_cents for one in movements)
        self._closed_on = closed_on
        name = f"RLV-{self._statements:04d}"
        created = E.CreDtTm(f"{closed_on}T20:00:00Z")
        told = E.Document(
            E.BkToCstmrStmt(
                E.GrpHdr(E.MsgId(name), created),
                E.Stmt(
                    E.Id(name),
                    E.ElctrncSeqNb(str(self._statements)),
                    E.CreDtTm(created.text),
                    E.Acct(E.Id(E.IBAN(self._iban)), E.Ccy("EUR")),
                    _balance("OPBD", opening_cents, opened_on),
                    _balance("CLBD", self._balance_cents, closed_on),
                    *(_entry(one, f"{name}-{place:02d}") for place, one in enumerate(movements, start=1)),
                ),
            )
        )
        written: bytes = etree.tostring(told, encoding="UTF-8", xml_declaration=True, pretty_print=True)
        return written


def _balance(kind: str, cents: int, on: date) -> etree._Element:
    return E.Bal(E.Tp(E.CdOrPrtry(E.Cd(kind))), _amount(cents), _sign(cents), E.Dt(E.Dt(on.isoformat())))


def _entry(one: Movement, reference: str) -> etree._Element:
    day = one.booked_on.isoformat()
    return E.Ntry(
        _amount(one.amount_cents),
        _sign(one.amount_cents),
        E.Sts(E.Cd("BOOK")),
        E.BookgDt(E.Dt(day)),
        E.ValDt(E.Dt(day)),
        E.AcctSvcrRef(reference),
        E.BkTxCd(E.Prtry(E.Cd("VIR"))),
        E.NtryDtls(_whole_file(one.batch) if one.batch else _transaction(one)),
        E.AddtlNtryInf(_written(one.text)),
    )


def _whole_file(batch: tuple[str, int]) -> etree._Element:
    message_id, count = batch
    return E.Btch(E.PmtInfId(message_id), E.NbOfTxs(str(count)))


def _transaction(one: Movement) -> etree._Element:
    # A payment that came back keeps its first roles: we are still its debtor.
    is_ours = one.amount_cents < 0 or one.returned_for is not None
    parts = [_amount(one.amount_cents), _sign(one.amount_cents)]
    if one.end_to_end_id:
        parts.insert(0, E.Refs(E.EndToEndId(one.end_to_end_id)))
    parts.append(E.RltdPties(E("Cdtr" if is_ours else "Dbtr", E.Pty(E.Nm(_written(one.party))))))
    parts.append(E.RmtInf(E.Ustrd(_written(one.text))))
    if one.returned_for:
        parts.append(E.RtrInf(E.Rsn(E.Cd(one.returned_for))))
    return E.TxDtls(*parts)


def _written(text: str) -> str:
    """As banks write: capitals, without accents."""
    return to_epc(text).upper()


def _amount(cents: int) -> etree._Element:
    return E.Amt(decimal_of(abs(cents)), Ccy="EUR")


def _sign(cents: int) -> etree._Element:
    return E.CdtDbtInd("DBIT" if cents < 0 else "CRDT")
