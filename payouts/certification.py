"""What an operator certifies when it closes a remittance, and what a calendar's closing says instead of it.

The text is kept with the remittance word for word.
"""

from datetime import date

from programmes.print.french import NBSP, long_day, siret


def certification_text(*, operator: str, operator_siret: str, person: str) -> str:
    """The same before and after the closing, whatever is accepted in between: it tells no count."""
    return (
        f"{person}, pour {operator} (SIRET{NBSP}{siret(operator_siret)}), certifie que chaque pass de ce"
        " bordereau a été remis par une personne accompagnée, que l’accompagnement correspondant lui a été"
        " rendu, et que ces pass ne sont présentés au contre-paiement dans aucun autre bordereau."
    )


def calendar_certification(*, operator: str, operator_siret: str, day: date) -> str:
    """Nobody certified anything at the closing, and the text says so."""
    return (
        f"Bordereau clos par le calendrier de clôture du programme, à l’échéance du {long_day(day)}, pour"
        f" {operator} (SIRET{NBSP}{siret(operator_siret)}). Il contient les pass encaissés avant ce jour,"
        " heure de Paris. Personne ne l’a certifié à la clôture : que l’accompagnement a été rendu est"
        " déclaré à chaque encaissement, par le médiateur qui le saisit."
    )
