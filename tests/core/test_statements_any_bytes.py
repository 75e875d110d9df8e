"""Whatever the bytes, a file is read or refused by name: no other exception leaves the readers."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from payouts.bank.bank_file import read_bank_file
from payouts.bank.cfonb_line import amount_text
from payouts.bank.refused import FileRefused

CAMT = (
    b'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
    b"<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S</Id><Acct><Id><IBAN>FR76</IBAN></Id></Acct>"
    b'<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    b'<Dt><Dt>2026-11-21</Dt></Dt></Bal><Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
    b"<Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2026-11-21T10:00:00+01:00</DtTm></BookgDt><NtryDtls><Btch><NbOfTxs>1</NbOfTxs>"
    b"</Btch><TxDtls><Refs><EndToEndId>E</EndToEndId></Refs></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt>"
    b"</Document>"
)
HEAD = "30006    00001EUR2 12345678901  211126"
MONEY = amount_text(1234)
CFONB = "\n".join(
    f"{kind}{HEAD[: 46 - 8] if kind == '05' else HEAD}".ljust(90) + MONEY.ljust(30)
    for kind in ("01", "04", "05", "07")
).encode()


def read(file: bytes) -> None:
    with contextlib.suppress(FileRefused):
        read_bank_file(file)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(file: bytes) -> None:
    read(file)


@settings(max_examples=400)
@given(
    st.sampled_from([CAMT, CFONB]),
    st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 40), st.binary(max_size=12)), max_size=4),
)
def test_a_file_with_pieces_changed_is_read_or_refused(
    file: bytes, changes: list[tuple[int, int, bytes]]
) -> None:
    for at, length, piece in changes:
        file = file[: at % len(file)] + piece + file[at % len(file) + length :] if file else piece
    read(file)


@given(st.sampled_from([CAMT, CFONB]), st.integers(0, 1200))
def test_a_file_cut_anywhere_is_refused_unless_only_its_end_is_blank(file: bytes, at: int) -> None:
    read(file[: at % len(file)])


def test_the_files_before_any_change_are_read() -> None:
    assert read_bank_file(CAMT).statements[0].opening_cents == 100
    assert read_bank_file(CFONB).statements[0].entries[0].amount_cents == 1234
