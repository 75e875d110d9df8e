"""What the console says of batches, transfers, statements and corrections, in French. What lines of the bank
are is said by payouts/words.py."""

from collections.abc import Sequence
from datetime import datetime

from ledger.correction_rows import CorrectionCause
from ledger.match_rows import MatchKind
from ledger.payout_register import Ending
from ledger.payout_rows import Attempt, AttemptState, BatchState, OperatorAccount, PayoutBatch
from payouts.bank.chain import Gap
from payouts.words import day, euros
from programmes.print.french import instant

# Word and colour of a state.
BATCH_SIGN = {
    BatchState.DRAFT: ("à approuver", "wait"),
    BatchState.CANCELLED: ("annulé", "off"),
    BatchState.APPROVED: ("fichier à remettre", "wait"),
    BatchState.SENT: ("à la banque", "wait"),
    BatchState.ACCEPTED: ("accepté", "on"),
    BatchState.PARTIAL: ("accepté en partie", "off"),
    BatchState.REJECTED: ("rejeté", "off"),
    BatchState.RECONCILED: ("rapproché", "on"),
}
ATTEMPT_SIGN = {
    AttemptState.PREPARED: ("préparé", "wait"),
    AttemptState.SENT: ("à la banque", "wait"),
    AttemptState.BOOKED: ("payé", "on"),
    AttemptState.RETURNED: ("revenu", "off"),
    AttemptState.REJECTED: ("rejeté", "off"),
    AttemptState.CANCELLED: ("annulé", "off"),
}
# Codes of ISO 20022 that French banks give for a transfer that fails.
REASONS = {
    "AC01": "IBAN inexact",
    "AC04": "compte clos",
    "AC06": "compte bloqué",
    "AG01": "opération interdite sur ce compte",
    "AG02": "opération non admise",
    "AM04": "provision insuffisante",
    "AM05": "doublon",
    "BE01": "nom et IBAN ne concordent pas",
    "BE04": "adresse du bénéficiaire manquante ou inexacte",
    "CUST": "à la demande du client",
    "FF01": "format du fichier refusé",
    "FOCR": "à la suite d’une demande de rappel",
    "MD07": "titulaire décédé",
    "MS02": "motif non précisé par le bénéficiaire",
    "MS03": "motif non précisé par la banque",
    "NOAS": "pas de réponse du bénéficiaire",
    "RC01": "BIC inexact",
    "RR04": "raison réglementaire",
    "TECH": "problème technique",
}
CAUSES = {
    CorrectionCause.OVERPAID: "trop-perçu",
    CorrectionCause.FRAUD: "fraude",
    CorrectionCause.ERROR: "erreur",
    CorrectionCause.GOODWILL: "geste commercial",
}
# Answers of the European scheme.
PAYEE = {
    "MTCH": "le nom concorde",
    "CMTC": "le nom concorde presque",
    "NMTC": "le nom ne concorde pas",
    "NOAP": "la banque ne sait pas le vérifier",
}
DUE_AGAIN = "Le bordereau est de nouveau dû, et le compte est bloqué jusqu’à sa correction."


def attempt_sentence(attempt: Attempt, batch: PayoutBatch, endings: Sequence[Ending]) -> str:
    match attempt.state:
        case AttemptState.PREPARED if batch.state is BatchState.DRAFT:
            return "Préparé : rien ne part avant l’approbation."
        case AttemptState.PREPARED:
            return "Inscrit au fichier, qui n’est pas encore remis à la banque."
        case AttemptState.SENT:
            return "Remis à la banque : attendez sa réponse ou le relevé, sans le refaire."
        case AttemptState.BOOKED:
            return f"Payé : débité {_on(endings, MatchKind.PAYOUT)}."
        case AttemptState.RETURNED:
            return f"Revenu {_on(endings, MatchKind.RETURN)}{_why(attempt)}. {DUE_AGAIN}"
        case AttemptState.REJECTED:
            return f"Rejeté par la banque{_why(attempt)}. {DUE_AGAIN}"
        case AttemptState.CANCELLED:
            return "Annulé avec son lot, avant toute approbation."


def reason_words(reason: str) -> str:
    """The bank's own code, and what it means where we know."""
    code, _, rest = reason.partition(" ")
    return f"{REASONS[code]} ({code}){' ' + rest if rest else ''}" if code in REASONS else reason


def gap_sentence(gap: Gap) -> str:
    earlier = f" du {day(gap.closed_on)}" if gap.closed_on else ""
    later = f" du {day(gap.opened_on)}" if gap.opened_on else ""
    return (
        f"Le relevé{earlier} finit à {_signed(gap.closing_cents)} et le suivant{later} commence à"
        f" {_signed(gap.opening_cents)} : il manque {_signed(gap.missing_cents)} de mouvements. Demandez à la"
        " banque les relevés entre les deux."
    )


def account_sign(account: OperatorAccount) -> tuple[str, str]:
    if account.blocked_at is not None:
        return "bloqué", "off"
    if account.refused_at is not None:
        return "écarté", "off"
    return ("approuvé", "on") if account.approved_at else ("à approuver", "wait")


def blocked_sentence(account: OperatorAccount) -> str:
    """blocked_why is told by our own code: `BR-1-2-1 came back: AC04`, or by a person."""
    why = account.blocked_why or ""
    for told, verb in ((" came back: ", "est revenu"), (" was rejected: ", "a été rejeté")):
        transfer, found, reason = why.partition(told)
        if found:
            known = reason_words(reason) if reason != "no reason given" else "motif non donné"
            return f"Le virement {transfer} {verb} : {known}. Proposez un compte corrigé."
    return f"Bloqué : {why}. Proposez un compte corrigé."


def payee_words(account: OperatorAccount) -> str:
    """What the operator's bank says of the holder's name: Verification of Payee."""
    if account.vop_result is None:
        return "pas encore demandé à la banque de la structure"
    told = PAYEE.get(str(account.vop_result.get("result")), "réponse inconnue de la banque")
    name = account.vop_result.get("name")
    return f"{told}, au nom de « {name} »" if name else told


def told_of(account: OperatorAccount, *, now: datetime) -> str:
    """Whether it is paid on, and from when."""
    if account.blocked_at is not None:
        return blocked_sentence(account)
    if account.refused_at is not None:
        return "Écarté : rien n’y est versé."
    if account.usable_from is None:
        return "Attend l’accord d’une seconde personne : rien n’y est versé."
    if now < account.usable_from:
        return (
            f"Délai de sûreté : utilisable à partir du {instant(account.usable_from)}. D’ici là, l’ancien"
            " compte reste payé s’il y en a un."
        )
    return f"Utilisable depuis le {instant(account.usable_from)}."


def _on(endings: Sequence[Ending], kind: MatchKind) -> str:
    told = next((one for one in reversed(endings) if one.kind is kind), None)
    if told is None:
        return "au relevé"
    return f"au relevé du {day(told.booked_on)}, écriture {bank_reference(told.line_reference)}"


def bank_reference(line_reference: str) -> str:
    """The bank's own: ours begins with the day and the cents, which the line tells anyway."""
    return line_reference.split(" ", 2)[-1]


def _why(attempt: Attempt) -> str:
    return f" : {reason_words(attempt.reason)}" if attempt.reason else ""


def _signed(cents: int) -> str:
    return f"{'−' if cents < 0 else ''}{euros(cents)}"
