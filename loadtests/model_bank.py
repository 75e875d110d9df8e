"""A bank for tests: executes every new message, and does on demand all that real banks do to a transfer.

It rejects, returns in full or short, alone or in a lump, debits a file at once or transfer by transfer,
executes it again, and writes camt.053 and pain.002. Amounts are cents, signed as the account sees them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from xml.sax.saxutils import escape

from payouts.bank.money import decimal_of
from payouts.bank.pain001 import read_transfers
from payouts.bank.payment_batch import Transfer

CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
PAIN = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"


class Style(StrEnum):
    """How a debit or a return is told."""

    EACH = "each"  # an entry per transfer, with its end-to-end id
    LUMP = "lump"  # one entry, with the file's id only; a return lists its parts
    BARE = "bare"  # an entry per transfer, with an amount and a name


@dataclass
class Order:
    message_id: str
    transfer: Transfer
    rejected: bool = False
    executed: int = 0  # how often
    came_back: int = 0

    @property
    def is_pending(self) -> bool:
        return not self.rejected and not self.executed

    @property
    def is_out(self) -> bool:
        """Money that the creditor holds."""
        return self.executed > self.came_back


@dataclass
class ModelBank:
    iban: str
    balance_cents: int
    today: date
    orders: dict[str, list[Order]] = field(default_factory=dict)  # by message id
    statements: list[bytes] = field(default_factory=list)
    moved_cents: int = 0  # on all statements
    _entries: list[tuple[int, str]] = field(default_factory=list)
    _numbers: int = 0

    def receive(self, file: bytes) -> bytes:
        """Execute it later, once; answer a repeat as banks do."""
        batch = read_transfers(file)
        if batch.message_id in self.orders:
            return self._report(batch.message_id, "RJCT", "AM05", ())
        self.orders[batch.message_id] = [Order(batch.message_id, one) for one in batch.transfers]
        return self._report(batch.message_id, "ACCP", None, ())

    def every(self) -> Iterable[Order]:
        return (order for orders in self.orders.values() for order in orders)

    def reject(self, orders: Sequence[Order]) -> bytes:
        """orders: of one message."""
        for order in orders:
            assert order.is_pending
            order.rejected = True
        whole = all(order.rejected for order in self.orders[orders[0].message_id])
        return self._report(orders[0].message_id, "RJCT" if whole else "PART", "AC04", orders)

    def debit(self, message_id: str, style: Style, *, with_rejected: bool = False) -> None:
        """with_rejected: the file is debited whole, and what was rejected is credited back on its own."""
        pending = [order for order in self.orders[message_id] if order.is_pending]
        refused = [order for order in self.orders[message_id] if order.rejected and not order.came_back]
        for order in pending:
            order.executed += 1
        if style is Style.LUMP:
            moved = pending + (refused if with_rejected else [])
            cents = -sum(order.transfer.amount_cents for order in moved)
            self._book(cents, _batch_details(message_id, len(moved)))
            for order in moved[len(pending) :]:
                order.came_back, order.executed = 1, 1
                self._book(order.transfer.amount_cents, _details([order], 1))
            return
        for order in pending:
            self._book(-order.transfer.amount_cents, _details([order], -1, bare=style is Style.BARE))

    def execute_again(self, message_id: str) -> None:
        for order in self.orders[message_id]:
            if order.is_out:
                order.executed += 1
                self._book(-order.transfer.amount_cents, _details([order], -1))

    def give_back(self, orders: Sequence[Order], style: Style, *, fee_cents: int = 0) -> None:
        for order in orders:
            assert order.is_out
            order.came_back += 1
        groups = [orders] if style is Style.LUMP else [[order] for order in orders]
        for group in groups:
            cents = sum(order.transfer.amount_cents - fee_cents for order in group)
            details = _details(group, 1, bare=style is Style.BARE, reason="AC04", fee_cents=fee_cents)
            self._book(cents, details)

    def credit(self, cents: int, name: str) -> None:
        self._book(cents, f"<NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>{escape(name)}</Nm></Pty></Dbtr>"
                          "</RltdPties></TxDtls></NtryDtls>")  # fmt: skip

    @property
    def has_news(self) -> bool:
        return bool(self._entries)

    def close_day(self) -> bytes:
        """The statement of the day; the next one opens where it closes."""
        opening = self.balance_cents
        cents = sum(cents for cents, _ in self._entries)
        self.balance_cents += cents
        self.moved_cents += cents
        day = self.today.isoformat()
        body = "".join(entry for _, entry in self._entries)
        statement = (
            f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{CAMT}"><BkToCstmrStmt><GrpHdr>'
            f"<MsgId>ST{day}</MsgId><CreDtTm>{day}T20:00:00Z</CreDtTm></GrpHdr><Stmt><Id>ST{day}</Id>"
            f"<CreDtTm>{day}T20:00:00Z</CreDtTm><Acct><Id><IBAN>{self.iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
            f"{_balance('OPBD', opening, day)}{_balance('CLBD', self.balance_cents, day)}{body}"
            "</Stmt></BkToCstmrStmt></Document>"
        ).encode()
        self._entries.clear()
        self.today += timedelta(days=1)
        self.statements.append(statement)
        return statement

    def _book(self, cents: int, details: str) -> None:
        self._numbers += 1
        day = self.today.isoformat()
        entry = (
            f"<Ntry>{_amount(cents)}<CdtDbtInd>{_sign(cents)}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
            f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
            f"<AcctSvcrRef>REF{self._numbers:08d}</AcctSvcrRef><BkTxCd><Prtry><Cd>VIR</Cd></Prtry></BkTxCd>"
            f"{details}</Ntry>"
        )
        self._entries.append((cents, entry))

    def _report(self, message_id: str, status: str, reason: str | None, orders: Sequence[Order]) -> bytes:
        told = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
        named = "".join(
            f"<TxInfAndSts><OrgnlEndToEndId>{order.transfer.end_to_end_id}</OrgnlEndToEndId>"
            f"<TxSts>RJCT</TxSts>{told}</TxInfAndSts>"
            for order in orders
        )
        information = (
            f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message_id}</OrgnlPmtInfId>{named}</OrgnlPmtInfAndSts>"
        )
        self._numbers += 1
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{PAIN}"><CstmrPmtStsRpt><GrpHdr>'
            f"<MsgId>RP{self._numbers}</MsgId><CreDtTm>{self.today}T10:00:00Z</CreDtTm></GrpHdr>"
            f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
            f"<GrpSts>{status}</GrpSts>{'' if named else told}</OrgnlGrpInfAndSts>"
            f"{information if named else ''}</CstmrPmtStsRpt></Document>"
        ).encode()


def _sign(cents: int) -> str:
    return "CRDT" if cents > 0 else "DBIT"


def _amount(cents: int) -> str:
    return f'<Amt Ccy="EUR">{decimal_of(abs(cents))}</Amt>'


def _balance(kind: str, cents: int, day: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(cents)}"
        f"<CdtDbtInd>{'DBIT' if cents < 0 else 'CRDT'}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _batch_details(message_id: str, count: int) -> str:
    return f"<NtryDtls><Btch><PmtInfId>{message_id}</PmtInfId><NbOfTxs>{count}</NbOfTxs></Btch></NtryDtls>"


def _details(
    orders: Sequence[Order], sign: int, *, bare: bool = False, reason: str | None = None, fee_cents: int = 0
) -> str:
    parts = []
    for order in orders:
        transfer = order.transfer
        refs = "" if bare else f"<Refs><EndToEndId>{transfer.end_to_end_id}</EndToEndId></Refs>"
        name = escape(transfer.creditor_name)
        told = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
        parts.append(
            f"<TxDtls>{refs}{_amount(transfer.amount_cents - fee_cents)}<CdtDbtInd>{_sign(sign)}</CdtDbtInd>"
            f"<RltdPties><Cdtr><Pty><Nm>{name}</Nm></Pty></Cdtr></RltdPties>{told}</TxDtls>"
        )
    return f"<NtryDtls>{''.join(parts)}</NtryDtls>"
