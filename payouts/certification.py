"""What an operator certifies when it closes a remittance. The text is kept with it word for word."""

from programmes.print.french import NBSP, siret


def certification_text(*, operator: str, operator_siret: str, person: str) -> str:
    """The same before and after the closing, whatever is accepted in between: it tells no count."""
    return (
        f"{person}, pour {operator} (SIRET{NBSP}{siret(operator_siret)}), certifie que chaque pass de ce"
        " bordereau a été remis par une personne accompagnée, que l’accompagnement correspondant lui a été"
        " rendu, et que ces pass ne sont présentés au contre-paiement dans aucun autre bordereau."
    )
