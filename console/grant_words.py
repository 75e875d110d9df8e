"""Programmes, territories and orders in French: conditions, grants, what hinders them, measures, states."""

from datetime import date

from ledger.grant_rows import Condition, Grant, GrantKind, GrantState, MeasureKind
from ledger.order_rows import OrderState
from programmes.granting import Hindrance, is_late
from programmes.print.french import thousands

CONDITIONS = {
    Condition.CONVENTION_SIGNED: ("Convention signée", "Référence de la convention"),
    Condition.PROJECT_LEAD: ("Chef de projet nommé", "Nom et fonction"),
    Condition.NETWORK_OPINION: (
        "Avis favorable sur le réseau de prescripteurs et d’opérateurs",
        "Qui donne l’avis, et quand",
    ),
    Condition.TRAINING_OPINION: (
        "Avis favorable sur la formation des prescripteurs",
        "Qui donne l’avis, et quand",
    ),
}
KINDS = {GrantKind.FIRST: "amorçage", GrantKind.TOP_UP: "abondement"}
GRANT_SIGNS = {
    GrantState.PROPOSED: ("à décider", "wait"),
    GrantState.APPROVED: ("accordé", "on"),
    GrantState.REFUSED: ("refusé", "off"),
}
HINDRANCES = {
    Hindrance.NOT_COVERED: "Le programme ne couvre plus ce territoire : un avenant le dit.",
    Hindrance.ALREADY_GRANTED: "Une dotation est déjà proposée ou accordée pour ce seuil.",
    Hindrance.CONDITIONS_MISSING: "Des conditions ne sont pas encore cochées.",
    Hindrance.NOTHING_GRANTED: "Ce territoire n’a pas encore eu son amorçage.",
    Hindrance.THRESHOLD_NOT_REACHED: "Le seuil de consommation n’est pas atteint.",
    Hindrance.SUSPENDED: "Ce territoire est suspendu : rien ne lui est accordé ni livré.",
    Hindrance.DEADLINE_PASSED: "La date limite des dotations est passée.",
    Hindrance.STOCK_EXHAUSTED: "Le plafond du stock, commun à tous les territoires, serait dépassé.",
}
MEASURES = {MeasureKind.SUSPENSION: "suspension", MeasureKind.REDUCTION: "réduction"}
ORDER_SIGNS = {
    OrderState.ORDERED: ("à chiffrer", "wait"),
    OrderState.QUOTED: ("épreuve à faire", "wait"),
    OrderState.PROOF_DRAWN: ("à approuver", "wait"),
    OrderState.PROOF_REFUSED: ("épreuve à refaire", "off"),
    OrderState.PROOF_APPROVED: ("à imprimer", "wait"),
    OrderState.ISSUED: ("fichier en cours", "wait"),
    OrderState.PRODUCED: ("imprimé", "on"),
    OrderState.CANCELLED: ("annulé", "off"),
}


def grant_sentence(grant: Grant) -> str:
    """Why it was proposed."""
    if grant.kind is GrantKind.FIRST:
        return "Conditions remplies."
    return (
        f"Seuil n° {grant.threshold_number} : {thousands(grant.consumed_passes)} pass consommés"
        f" sur {thousands(grant.held_passes)} détenus."
    )


def delivery_sign(grant: Grant, today: date) -> tuple[str, str]:
    """How far the delivery of a grant has come, and its colour."""
    if grant.is_delivered:
        return ("livré en retard", "off") if is_late(grant, today) else ("livré", "on")
    return ("en retard", "off") if is_late(grant, today) else ("à livrer", "wait")
