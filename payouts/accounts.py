"""Whether an account can be paid: its IBAN, BIC and holder as typed by a person. What is kept is ledger's."""

from dataclasses import dataclass

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from payouts.bank.letters import has_a_letter, letters_lost, to_epc
from payouts.bank.payment_batch import NAME_CHARACTERS_MAX, bare


class AccountRefused(Exception):
    """Nothing was changed; the text says, in French, what to correct."""


@dataclass(frozen=True, slots=True)
class CheckedAccount:
    """Only check_account() makes one."""

    holder: str
    iban: str
    bic: str | None


def check_account(*, holder: str, iban: str, bic: str | None) -> CheckedAccount:
    name = " ".join(holder.split())
    if not has_a_letter(to_epc(name)) or letters_lost(name):
        raise AccountRefused("Le nom du titulaire doit s’écrire en lettres latines, comme sur le RIB.")
    if len(to_epc(name)) > NAME_CHARACTERS_MAX:
        raise AccountRefused(f"Le nom du titulaire dépasse {NAME_CHARACTERS_MAX} caractères : abrégez-le.")
    try:
        if not IBAN(bare(iban), validate_bban=True).in_sepa_zone:
            raise AccountRefused("Ce compte n’est pas dans l’espace SEPA.")
    except SchwiftyException:
        raise AccountRefused("L’IBAN est faux : vérifiez-le sur le RIB, clé comprise.") from None
    try:
        checked_bic = str(BIC(bare(bic))) if bic and bic.strip() else None
    except SchwiftyException:
        raise AccountRefused("Le BIC est faux : 8 ou 11 caractères, comme sur le RIB.") from None
    return CheckedAccount(name, bare(iban), checked_bic)
