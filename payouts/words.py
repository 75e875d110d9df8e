"""What is shown of payouts and bank lines, in French: one sentence each, with what to do about it."""

from collections.abc import Sequence
from datetime import date

from ledger.match_rows import Allocation, Match, MatchKind, OpenLine
from ledger.payout_rows import AttemptState, BatchState, LeftOut
from payouts.matching import Explanation, Why

NARROW = "\N{NARROW NO-BREAK SPACE}"

LEFT_OUT = {
    LeftOut.NO_ACCOUNT: "n’a pas de compte bancaire : demandez-lui son RIB",
    LeftOut.NOT_APPROVED: "a un compte qui attend l’accord d’une seconde personne",
    LeftOut.COOLING_OFF: "a changé de compte : le nouveau n’est utilisable qu’à la fin du délai de sûreté",
    LeftOut.BLOCKED: "a un compte bloqué après un rejet ou un retour : faites-le corriger",
    LeftOut.HELD: "est suspendue : ce qui lui est dû attend la fin de la suspension",
    LeftOut.IN_SUSPENSE: "est peut-être déjà payé : une écriture de la banque qui le nomme reste à expliquer",
    LeftOut.OVER_MAXIMUM: "dépasse le maximum admis pour un virement",
    LeftOut.BATCH_FULL: "attend le lot suivant : celui-ci est plein",
}
BATCH_STATE = {
    BatchState.DRAFT: "préparé, à approuver par une seconde personne",
    BatchState.CANCELLED: "annulé avant approbation",
    BatchState.APPROVED: "approuvé, fichier à remettre à la banque",
    BatchState.SENT: "remis à la banque ; attendez sa réponse ou le relevé",
    BatchState.ACCEPTED: "accepté par la banque",
    BatchState.PARTIAL: "accepté en partie par la banque",
    BatchState.REJECTED: "rejeté par la banque",
    BatchState.RECONCILED: "rapproché : chaque virement a son issue",
}
ATTEMPT_STATE = {
    AttemptState.PREPARED: "préparé",
    AttemptState.SENT: "remis à la banque",
    AttemptState.BOOKED: "payé",
    AttemptState.RETURNED: "revenu",
    AttemptState.REJECTED: "rejeté",
    AttemptState.CANCELLED: "annulé",
}
# Each takes what the line moved (amount), whom it concerns (whom) and what is missing of them (short).
EXPLAINED = {
    Why.NAMED: "Virement de {amount} à {whom}, reconnu par sa référence.",
    Why.WHOLE_BATCH: "Débit unique de {amount} pour un lot : {whom}.",
    Why.CAME_BACK: "Retour de {amount} : {whom}. Le bordereau redevient dû et le compte est bloqué.",
    Why.REJECTED_YET_DEBITED: "Débit de {amount} pour un virement que la banque avait rejeté ({whom}) :"
    " attendez qu’elle le recrédite.",
    Why.EXECUTED_AGAIN: "Second débit de {amount} pour un virement déjà exécuté ({whom}) :"
    " demandez à la banque de le recréditer.",
    Why.UNDOES: "Recrédit de {amount} qui annule un débit en trop ({whom}).",
    Why.SUM_OF_A_BATCH: "Débit de {amount} : c’est la somme d’un lot remis à la banque ({whom})."
    " À confirmer.",
    Why.SAME_AMOUNT: "{amount} : même montant que {whom}. À confirmer.",
    Why.NAMED_IN_TEXT: "{amount} : le libellé nomme {whom}. À confirmer.",
    Why.CAME_BACK_SHORT: "Retour de {amount}, {short} de moins que le virement ({whom}). À confirmer si la"
    " banque a gardé ces {short} en frais : tout le virement redevient dû. Si le reste doit encore revenir,"
    " attendez-le.",
    Why.OTHER_AMOUNT: "{amount} : la référence est connue, le montant n’est pas celui attendu."
    " Attendez le compte rendu de la banque, ou interrogez-la.",
    Why.WAITS_FOR_DEBIT: "Retour de {amount} d’un virement dont le débit n’est pas encore sur un relevé :"
    " importez les relevés qui manquent.",
    Why.PARTS_DO_NOT_SUM: "{amount} : le détail donné par la banque dépasse le montant de l’écriture."
    " Interrogez la banque.",
    Why.BACK_ALREADY: "{amount} : ce virement est déjà revenu. Interrogez la banque.",
    Why.TAKEN_BACK: "{amount} : le rapprochement a été annulé. Dites ce que c’est.",
    Why.UNKNOWN_CREDIT: "Crédit de {amount} que rien n’explique : affectez-le à un programme s’il vient d’un"
    " commanditaire.",
    Why.UNKNOWN_DEBIT: "Débit de {amount} que rien n’explique : frais de la banque, ou à interroger.",
}
MATCHED = {
    MatchKind.PAYOUT: "Virement {id} de {amount} à {whom}, débité le {day}",
    MatchKind.RETURN: "Retour de {amount} le {day} du virement {id} à {whom}{reason}",
    MatchKind.OFFSET: "{amount} le {day} pour {id}, à compenser par l’écriture inverse",
    MatchKind.FEE: "Frais bancaires de {amount}, le {day}",
}
HOW = {
    "end_to_end_id": "reconnu par sa référence",
    "batch": "reconnu par son lot",
    "confirmed": "confirmé à la main",
}
NAMED_MAX = 3


def euros(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{whole:,}".replace(",", NARROW) + f",{rest:02d}\N{NO-BREAK SPACE}€"


def day(on: date) -> str:
    return on.strftime("%d/%m/%Y")


def line_sentence(line: OpenLine, explanation: Explanation) -> str:
    """What a line of the bank is, or why it is still in suspense."""
    allocations = explanation.allocations or explanation.proposals
    short = sum(one.payment.amount_cents - abs(one.amount_cents) for one in allocations if one.payment)
    return EXPLAINED[explanation.why].format(
        amount=euros(line.open_cents), whom=_whom(allocations), short=euros(short)
    )


def proposal_sentence(allocation: Allocation) -> str:
    assert allocation.payment is not None
    verb = "Retour du virement" if allocation.kind is MatchKind.RETURN else "Virement"
    return f"{verb} {allocation.payment.end_to_end_id} à {allocation.payment.holder}"


def match_sentence(match: Match) -> str:
    """What was explained, how, and that it was undone if it was."""
    told = MATCHED[match.kind].format(
        id=match.end_to_end_id,
        amount=euros(match.amount_cents),
        whom=match.holder,
        day=day(match.booked_on),
        reason=f" ({match.reason})" if match.reason else "",
    )
    undone = f" — annulé : {match.undo_reason}" if match.undone_at else ""
    return f"{told}, {HOW[match.how]}{undone}."


def left_out_sentence(name: str, number: int, cents: int, why: LeftOut) -> str:
    return f"{name}, bordereau {number}, {euros(cents)} : {LEFT_OUT[why]}."


def _whom(allocations: Sequence[Allocation]) -> str:
    named = [one.payment for one in allocations if one.payment is not None]
    told = ", ".join(f"{one.holder} ({one.end_to_end_id})" for one in named[:NAMED_MAX])
    more = len(named) - NAMED_MAX
    return f"{told} et {more} autre{'s' if more > 1 else ''}" if more > 0 else told or "—"
