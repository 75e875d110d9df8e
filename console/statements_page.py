"""Files of the bank: brought in, each with a readable result, and the list of statements with its chain."""

from dataclasses import dataclass

import structlog
from aiohttp import web

from console.form import FieldRefused
from console.payout_words import gap_sentence
from console.upload import UploadedFile
from console.visit import Visit
from ledger.bank_accounts import trustee_account
from ledger.payout_rows import TrusteeAccount
from ledger.statements import LIST_MAX, known_statements
from payouts.bank.bank_file import BankFile
from payouts.bank.refused import FRENCH_OF, FileRefused
from payouts.importing import Imported, ImportRefused, foreign_currency, import_file, statement_gaps
from payouts.words import line_sentence
from programmes.print.french import exact_euros

FIELD = "fichiers"
STATEMENTS_SHOWN_MAX = 100
SENTENCES_SHOWN_MAX = 20
CHOOSE = "Choisissez au moins un fichier de la banque."
NO_TRUSTEE = "Le compte qui paie n’est pas encore approuvé : sans lui, aucun relevé ne peut être reconnu."
UNDATED = "Une écriture de ce fichier n’a pas de date : demandez à la banque un relevé complet."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one file: imported, or refused with its reason."""

    name: str
    imported: Imported | None
    refused: str = ""
    detail: str = ""  # the reader's own words, in English, for whoever asks the bank
    suspense: tuple[str, ...] = ()


async def show_statements(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def import_statements(visit: Visit) -> web.StreamResponse:
    """Each file stands for itself: one that is refused leaves the others imported."""
    if not visit.files:
        return await _page(visit, wrong=FieldRefused(FIELD, CHOOSE))
    return await _page(visit, results=[await _import(visit, one) for one in visit.files])


async def _import(visit: Visit, file: UploadedFile) -> Result:
    try:
        read = await visit.console.statements.read(file.content)
        if told := _foreign(read, await trustee_account(visit.connection)):
            return Result(file.name, None, told)
        imported = await import_file(
            visit.connection,
            file.content,
            name=file.name,
            actor=visit.account.actor,
            now=visit.now,
            read=read,
        )
    except FileRefused as error:
        log.warning("bank_file_refused", name=file.name, why=error.message)
        return Result(file.name, None, FRENCH_OF[error.refusal], error.message)
    except ImportRefused as error:
        return Result(file.name, None, UNDATED, str(error))
    waiting = imported.reconciled.in_suspense[:SENTENCES_SHOWN_MAX]
    return Result(
        file.name, imported, suspense=tuple(line_sentence(one.line, one.explanation) for one in waiting)
    )


def _foreign(read: BankFile, trustee: TrusteeAccount | None) -> str:
    """Why these are not statements of ours; import_file() holds the same."""
    if trustee is None:
        return NO_TRUSTEE
    for statement in read.statements:
        if statement.account != trustee.iban:
            return f"C’est le relevé d’un autre compte ({statement.account}) que le nôtre ({trustee.iban})."
        if currency := foreign_currency(statement):
            return f"Ce relevé contient des montants en {currency} : le compte est en euros."
    return ""


async def _page(
    visit: Visit, *, results: list[Result] | None = None, wrong: FieldRefused | None = None
) -> web.StreamResponse:
    statements = await known_statements(visit.connection)
    chain = statement_gaps(await known_statements(visit.connection, booked_only=True))
    return visit.show(
        "statements.html",
        wrong=wrong,
        results=results or [],
        status=422 if results and not any(one.imported for one in results) else 200,
        gaps=[gap_sentence(gap) for gap in chain],
        statements=statements[:STATEMENTS_SHOWN_MAX],
        statement_count=len(statements),
        is_cut=len(statements) == LIST_MAX,
        signed=lambda cents: "—" if cents is None else exact_euros(cents),
        trustee=await trustee_account(visit.connection),
    )
