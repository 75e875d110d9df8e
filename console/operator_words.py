"""What an operator reads of its own money: transfers, what was held back and why, its bank account."""

from console.payout_words import CAUSES, reason_words
from ledger.correction_rows import Correction, Dispute, DisputeOutcome
from ledger.operator_transfers import OperatorTransfer
from ledger.payout_rows import AttemptState, LeftOut
from programmes.print.french import exact_euros, long_day

ON_THE_ACCOUNT = "sur le compte qui finit par"
ACCOUNT_TROUBLE = {
    LeftOut.NO_ACCOUNT: "Le mandataire n’a pas votre compte bancaire : envoyez-lui un RIB, sans quoi rien ne"
    " peut vous être payé.",
    LeftOut.NOT_APPROVED: "Votre compte bancaire attend l’accord d’une seconde personne du mandataire : les"
    " virements attendent aussi.",
    LeftOut.COOLING_OFF: "Votre nouveau compte bancaire attend la fin de son délai de sûreté : les virements"
    " attendent aussi.",
    LeftOut.BLOCKED: "Votre compte bancaire est bloqué : un virement n’y est pas arrivé. Envoyez un RIB"
    " corrigé au mandataire.",
}


def transfer_sentence(one: OperatorTransfer) -> str:
    amount, account = exact_euros(one.amount_cents), f"{ON_THE_ACCOUNT} {one.iban_end}"
    match one.state:
        case AttemptState.BOOKED if one.paid_on:
            return f"{amount} payés le {long_day(one.paid_on)}, {account}."
        case AttemptState.RETURNED if one.returned_on:
            return (
                f"{amount} revenus le {long_day(one.returned_on)}{_why(one)} : ils restent dus, et un nouveau"
                " virement partira une fois le compte bancaire corrigé."
            )
        case AttemptState.REJECTED:
            return (
                f"{amount} rejetés par la banque{_why(one)} : ils restent dus, et un nouveau virement partira"
                " une fois la cause corrigée."
            )
        case _:
            return f"{amount} à la banque, demandés pour le {long_day(one.requested_on)}, {account}."


def correction_sentence(one: Correction) -> str:
    verb = "ajoutés" if one.amount_cents > 0 else "retenus"
    return f"{exact_euros(abs(one.amount_cents))} {verb} ({CAUSES[one.cause]}) : « {one.reason} »"


def waiting_sentence(one: Correction) -> str:
    """Of a correction that the next remittance takes along."""
    verb = "seront ajoutés" if one.amount_cents > 0 else "seront retenus"
    return (
        f"{exact_euros(abs(one.amount_cents))} {verb} ({CAUSES[one.cause]}) dans un prochain bordereau :"
        f" « {one.reason} »"
    )


def dispute_sentence(one: Dispute) -> str:
    held = f"Ligne {one.line}, {exact_euros(one.amount_cents)}"
    if one.outcome is DisputeOutcome.RELEASED:
        return f"{held} : le litige est levé, la ligne est payée à part. « {one.resolution} »"
    if one.outcome is DisputeOutcome.CORRECTED:
        return f"{held} : ne sera pas payée. « {one.resolution} »"
    return f"{held} retenus depuis le {long_day(one.opened_at.date())} : « {one.reason} »"


def _why(one: OperatorTransfer) -> str:
    return f" ({reason_words(one.reason)})" if one.reason else ""
