"""What a person reads for each refusal, in French and English."""

from typing import Literal, TypeAlias

from validator.verdict import Refusal

Language: TypeAlias = Literal["fr", "en"]

MESSAGE_OF: dict[Refusal, dict[Language, str]] = {
    Refusal.UNREADABLE: {
        "fr": "Ce code n’est pas lisible. Reprenez la photo, ou saisissez les 16 caractères imprimés.",
        "en": "This code can't be read. Take the picture again, or type the 16 printed characters.",
    },
    Refusal.UNKNOWN_FORMAT: {
        "fr": "Ce pass est d’un modèle plus récent. Mettez l’application à jour.",
        "en": "This pass is of a newer format. Update the application.",
    },
    Refusal.UNKNOWN_KEY: {
        "fr": "La signature de ce pass n’est pas connue ici. Ne l’acceptez pas et prévenez le mandataire.",
        "en": "The signature of this pass is not known here. Do not take it, and tell the trustee.",
    },
    Refusal.FORGED: {
        "fr": "Ce code n’est pas authentique. S’il a été saisi à la main, vérifiez chaque caractère.",
        "en": "This code is not genuine. If it was typed, check each character.",
    },
    Refusal.REVOKED_KEY: {
        "fr": "La série de ce pass a été retirée. Prévenez le mandataire.",
        "en": "The series of this pass was withdrawn. Tell the trustee.",
    },
    Refusal.UNKNOWN_PASS: {
        "fr": "Ce pass n’a jamais été émis. Ne l’acceptez pas et prévenez le mandataire.",
        "en": "This pass was never issued. Do not take it, and tell the trustee.",
    },
    Refusal.NOT_ACTIVE: {
        "fr": "Ce carnet n’est pas encore activé. Gardez le pass et réessayez plus tard.",
        "en": "This booklet is not active yet. Keep the pass and try again later.",
    },
    Refusal.EXPIRED: {
        "fr": "Ce pass n’est plus valable : sa date est passée.",
        "en": "This pass is no longer valid: its date has passed.",
    },
    Refusal.CANCELLED: {
        "fr": "Ce carnet a été annulé (perdu, volé, rappelé ou remplacé).",
        "en": "This booklet was cancelled (lost, stolen, recalled or replaced).",
    },
    Refusal.OPERATOR_NOT_QUALIFIED: {
        "fr": "Votre structure n’est pas qualifiée pour ce programme à cette date.",
        "en": "Your organisation is not qualified for this programme on this date.",
    },
    Refusal.SERVICE_NOT_COVERED: {
        "fr": "Ce service n’est pas couvert par le pass. Choisissez un autre service.",
        "en": "This service is not covered by the pass. Choose another service.",
    },
    Refusal.TERRITORY_NOT_COVERED: {
        "fr": "Ce pass n’est pas utilisable sur ce territoire.",
        "en": "This pass can't be used in this territory.",
    },
    Refusal.OWN_PRESCRIPTION: {
        "fr": "Vous avez remis ce carnet : une autre personne doit encaisser ses pass.",
        "en": "You handed this booklet out: somebody else must take its passes.",
    },
    Refusal.ALREADY_ACCEPTED: {
        "fr": "Ce pass a déjà été encaissé.",
        "en": "This pass was already taken.",
    },
    Refusal.TOO_LATE: {
        "fr": "Ce scan est arrivé trop tard pour être encaissé. Le mandataire l’a reçu et décidera.",
        "en": "This scan arrived too late to be taken. The trustee has it and will decide.",
    },
}
PRACTICE_MESSAGE: dict[Language, str] = {
    "fr": "C’est un pass d’entraînement : il ne vaut rien et n’est jamais encaissé.",
    "en": "This is a practice pass: it is worth nothing and is never taken.",
}
ATTEMPT_REUSED = "this attempt_id was accepted for another pass or device; a new scan takes a new id"


def language_of(accept_language: str) -> Language:
    """French, unless English comes first in the Accept-Language header."""
    return "en" if accept_language.strip().lower().startswith("en") else "fr"
