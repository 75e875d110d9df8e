"""How far the payment of a remittance is, in French: a word, and the class that colours it."""

from ledger.remittance_rows import RemittanceState

STATES: dict[str, tuple[str, str]] = {
    RemittanceState.CLOSED: ("à payer", "wait"),
    RemittanceState.IN_PAYMENT: ("virement en cours", "wait"),
    RemittanceState.PARTLY_PAID: ("payé en partie", "wait"),
    RemittanceState.PAID: ("payé", "on"),
    RemittanceState.RETURNED: ("revenu, dû à nouveau", "off"),
}
