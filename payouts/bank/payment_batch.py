"""A batch of transfers to be written, and everything that stands against writing it. No XML.

Amounts are cents and positive: what leaves the debtor's account.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from payouts.bank.day import PARIS
from payouts.bank.letters import has_a_letter, is_reference, letters_lost, to_epc
from payouts.bank.money import decimal_of

REFERENCE_CHARACTERS_MAX: Final = 35
NAME_CHARACTERS_MAX: Final = 70
REMITTANCE_CHARACTERS_MAX: Final = 140
TOWN_CHARACTERS_MAX: Final = 35
TRANSFERS_MAX: Final = 10_000
# Far above what an operator earns in a month: two zeros too many are stopped here.
TRANSFER_CENTS_MAX: Final = 100_000_000


class BatchRefusal(StrEnum):
    """Why a batch is not written. All that hold are told."""

    EMPTY = "empty"
    TOO_MANY_TRANSFERS = "too_many_transfers"
    NOT_EUROS = "not_euros"
    WRONG_REFERENCE = "wrong_reference"
    REFERENCE_TOO_LONG = "reference_too_long"
    END_TO_END_ID_TWICE = "end_to_end_id_twice"
    NOT_POSITIVE = "not_positive"
    OVER_MAXIMUM = "over_maximum"
    WRONG_IBAN = "wrong_iban"
    OUTSIDE_SEPA = "outside_sepa"
    WRONG_BIC = "wrong_bic"
    PAYS_ITSELF = "pays_itself"
    NAME_EMPTY = "name_empty"
    NAME_NOT_LATIN = "name_not_latin"
    NAME_TOO_LONG = "name_too_long"
    REMITTANCE_TOO_LONG = "remittance_too_long"
    HALF_AN_ADDRESS = "half_an_address"
    TOO_EARLY = "too_early"
    NOT_AN_INSTANT = "not_an_instant"


FRENCH_OF: Final = {
    BatchRefusal.EMPTY: "Le lot ne contient aucun virement.",
    BatchRefusal.TOO_MANY_TRANSFERS: "Le lot contient trop de virements : faites-en deux.",
    BatchRefusal.NOT_EUROS: "Un virement SEPA est en euros.",
    BatchRefusal.WRONG_REFERENCE: "La référence contient un caractère que les banques ne rendent pas.",
    BatchRefusal.REFERENCE_TOO_LONG: "La référence dépasse 35 caractères.",
    BatchRefusal.END_TO_END_ID_TWICE: "Deux virements portent la même référence de bout en bout.",
    BatchRefusal.NOT_POSITIVE: "Le montant doit être supérieur à zéro.",
    BatchRefusal.OVER_MAXIMUM: "Le montant dépasse le maximum admis pour un virement.",
    BatchRefusal.WRONG_IBAN: "L’IBAN est faux : vérifiez-le sur le RIB, clé comprise.",
    BatchRefusal.OUTSIDE_SEPA: "Ce compte n’est pas dans l’espace SEPA.",
    BatchRefusal.WRONG_BIC: "Le BIC est faux.",
    BatchRefusal.PAYS_ITSELF: "Le compte à créditer est celui qui paie.",
    BatchRefusal.NAME_EMPTY: "Le nom ne contient aucune lettre latine.",
    BatchRefusal.NAME_NOT_LATIN: "Le nom contient des lettres que les banques n’écrivent pas.",
    BatchRefusal.NAME_TOO_LONG: "Le nom dépasse 70 caractères : abrégez-le comme la banque le connaît.",
    BatchRefusal.REMITTANCE_TOO_LONG: "Le motif dépasse 140 caractères.",
    BatchRefusal.HALF_AN_ADDRESS: "Une adresse donne la ville et le pays, ou rien.",
    BatchRefusal.TOO_EARLY: "La date d’exécution précède la création du fichier.",
    BatchRefusal.NOT_AN_INSTANT: "L’instant de création doit porter son fuseau horaire.",
}


@dataclass(frozen=True, slots=True)
class Town:
    """All the address that is sent: free address lines are refused by banks since November 2026."""

    name: str
    country: str


@dataclass(frozen=True, slots=True)
class Transfer:
    end_to_end_id: str
    amount_cents: int
    creditor_name: str
    creditor_iban: str
    remittance: str
    creditor_bic: str | None = None
    creditor_town: Town | None = None


@dataclass(frozen=True, slots=True)
class PaymentBatch:
    """One message with one payment information, under one reference: one debit on the account."""

    message_id: str
    created_at: datetime
    debtor_name: str
    debtor_iban: str
    debtor_bic: str | None
    requested_on: date
    transfers: tuple[Transfer, ...]
    currency: str = "EUR"
    debtor_town: Town | None = None

    @property
    def total_cents(self) -> int:
        return sum(transfer.amount_cents for transfer in self.transfers)


@dataclass(frozen=True, slots=True)
class Problem:
    """The transfer is the index in the batch, None for what concerns the whole."""

    refusal: BatchRefusal
    transfer: int | None
    message: str


class BatchRefused(Exception):
    """Nothing was written. Every problem is here, so that all can be mended at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


Reasons = Iterator[tuple[BatchRefusal, str]]


def problems_of(batch: PaymentBatch, *, cents_max: int = TRANSFER_CENTS_MAX) -> tuple[Problem, ...]:
    found = [Problem(refusal, None, message) for refusal, message in _batch_problems(batch)]
    ids = Counter(transfer.end_to_end_id for transfer in batch.transfers)
    for index, transfer in enumerate(batch.transfers):
        reasons = list(_transfer_problems(transfer, cents_max=cents_max))
        if ids[transfer.end_to_end_id] > 1:
            reasons.append(
                (BatchRefusal.END_TO_END_ID_TWICE, "its end-to-end id is that of another transfer")
            )
        if bare(transfer.creditor_iban) == bare(batch.debtor_iban):
            reasons.append((BatchRefusal.PAYS_ITSELF, "its account is the debtor's"))
        found += [
            Problem(refusal, index, f"transfer {index + 1} ({transfer.end_to_end_id!r}): {message}")
            for refusal, message in reasons
        ]
    return tuple(found)


def _batch_problems(batch: PaymentBatch) -> Reasons:
    if not batch.transfers:
        yield BatchRefusal.EMPTY, "the batch holds no transfer"
    if len(batch.transfers) > TRANSFERS_MAX:
        yield BatchRefusal.TOO_MANY_TRANSFERS, f"the batch holds more than {TRANSFERS_MAX} transfers"
    if batch.currency != "EUR":
        yield BatchRefusal.NOT_EUROS, f"the batch is in {batch.currency}: a SEPA transfer is in euros"
    if batch.created_at.utcoffset() is None:
        yield BatchRefusal.NOT_AN_INSTANT, "created_at has no time zone"
    elif batch.requested_on < batch.created_at.astimezone(PARIS).date():
        yield BatchRefusal.TOO_EARLY, f"{batch.requested_on} is before the file is made"
    yield from _reference_problems("the message id", batch.message_id)
    yield from _party_problems("the debtor", batch.debtor_name, batch.debtor_town)
    yield from _account_problems("the debtor", batch.debtor_iban, batch.debtor_bic)


def _transfer_problems(transfer: Transfer, *, cents_max: int) -> Reasons:
    # A float would pass every comparison below and lose a cent where it is written.
    assert type(transfer.amount_cents) is int
    if transfer.amount_cents <= 0:
        yield BatchRefusal.NOT_POSITIVE, f"{decimal_of(transfer.amount_cents)} euros is no amount to pay"
    if transfer.amount_cents > cents_max:
        yield (
            BatchRefusal.OVER_MAXIMUM,
            f"{decimal_of(transfer.amount_cents)} euros is over the maximum of {decimal_of(cents_max)}",
        )
    yield from _reference_problems("its end-to-end id", transfer.end_to_end_id)
    yield from _party_problems("the creditor", transfer.creditor_name, transfer.creditor_town)
    yield from _account_problems("the creditor", transfer.creditor_iban, transfer.creditor_bic)
    if len(to_epc(transfer.remittance)) > REMITTANCE_CHARACTERS_MAX:
        yield (
            BatchRefusal.REMITTANCE_TOO_LONG,
            f"its remittance text is over {REMITTANCE_CHARACTERS_MAX} characters once transliterated",
        )


def _reference_problems(whose: str, reference: str) -> Reasons:
    if not is_reference(reference):
        shape = (
            "basic letters, figures and /-?:().,'+, no slash at an end nor two in a row, no space to spare"
        )
        yield BatchRefusal.WRONG_REFERENCE, f"{whose} {reference!r} is not of this shape: {shape}"
    if len(reference) > REFERENCE_CHARACTERS_MAX:
        yield (
            BatchRefusal.REFERENCE_TOO_LONG,
            f"{whose} has {len(reference)} characters: {REFERENCE_CHARACTERS_MAX} are allowed",
        )


def _party_problems(who: str, name: str, town: Town | None) -> Reasons:
    written = to_epc(name)
    if lost := letters_lost(name):
        yield BatchRefusal.NAME_NOT_LATIN, f"{who}'s name holds letters no bank writes: {lost}"
    if not has_a_letter(written):
        yield BatchRefusal.NAME_EMPTY, f"{who}'s name {name!r} is empty once transliterated"
    if len(written) > NAME_CHARACTERS_MAX:
        yield (
            BatchRefusal.NAME_TOO_LONG,
            f"{who}'s name has {len(written)} characters: {NAME_CHARACTERS_MAX} are allowed",
        )
    if town is not None and not (
        has_a_letter(to_epc(town.name))
        and len(to_epc(town.name)) <= TOWN_CHARACTERS_MAX
        and len(town.country) == 2
        and town.country.isascii()
        and town.country.isupper()
    ):
        yield BatchRefusal.HALF_AN_ADDRESS, f"{who}'s town needs a name and a country of two letters"


def _account_problems(who: str, iban: str, bic: str | None) -> Reasons:
    try:
        # The key of a French RIB is inside the IBAN: two keys catch what one lets pass.
        if not IBAN(iban, validate_bban=True).in_sepa_zone:
            yield BatchRefusal.OUTSIDE_SEPA, f"{who}'s account {iban} is not in the SEPA"
    except SchwiftyException as error:
        yield BatchRefusal.WRONG_IBAN, f"{who}'s IBAN {iban!r} is wrong: {error}"
    try:
        if bic is not None:
            BIC(bic)
    except SchwiftyException as error:
        yield BatchRefusal.WRONG_BIC, f"{who}'s BIC {bic!r} is wrong: {error}"


def bare(code: str) -> str:
    return "".join(code.split()).upper()


def as_written(batch: PaymentBatch) -> PaymentBatch:
    """The batch as the bank will read it: whole seconds of UTC, basic letters, codes without spaces."""
    return replace(
        batch,
        created_at=batch.created_at.astimezone(UTC).replace(microsecond=0),
        debtor_name=to_epc(batch.debtor_name),
        debtor_iban=bare(batch.debtor_iban),
        debtor_bic=batch.debtor_bic and bare(batch.debtor_bic),
        debtor_town=_town(batch.debtor_town),
        transfers=tuple(
            replace(
                transfer,
                creditor_name=to_epc(transfer.creditor_name),
                creditor_iban=bare(transfer.creditor_iban),
                creditor_bic=transfer.creditor_bic and bare(transfer.creditor_bic),
                creditor_town=_town(transfer.creditor_town),
                remittance=to_epc(transfer.remittance),
            )
            for transfer in batch.transfers
        ),
    )


def _town(town: Town | None) -> Town | None:
    return None if town is None else replace(town, name=to_epc(town.name))
