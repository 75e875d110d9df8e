"""Notices in French: kinds, states, who is told. What a notice itself says is programmes/notices'."""

from collections.abc import Mapping

from ledger.application_rows import Stage
from ledger.notice_rows import Audience, CallState, NoticeKind, NoticeState

KINDS: Mapping[NoticeKind, str] = {
    NoticeKind.PAID: "Virement parti",
    NoticeKind.RETURNED: "Virement non abouti",
    NoticeKind.TRANSFER_CORRECTED: "Virement rectifié",
    NoticeKind.BANK_ACCOUNT_CHANGED: "Compte bancaire changé",
    NoticeKind.BOOKLET_BLOCKED: "Carnets bloqués",
    NoticeKind.TOP_UP_PROPOSED: "Abondement proposé",
    NoticeKind.EXPIRING: "Fin de validité",
    NoticeKind.UNQUALIFIED_SOON: "Fin de qualification",
    NoticeKind.APPLICATION_RECEIVED: "Candidature reçue",
    NoticeKind.APPLICATION_DECIDED: "Candidature décidée",
}
AUDIENCES: Mapping[Audience, str] = {
    Audience.OPERATOR: "la structure",
    Audience.FUNDER: "le commanditaire",
    Audience.TRUSTEE: "le mandataire",
    Audience.APPLICANT: "le candidat",
}
# The word, and how it is coloured.
STATES: Mapping[NoticeState, tuple[str, str]] = {
    NoticeState.WAITING: ("en attente", "wait"),
    NoticeState.SENDING: ("en cours d’envoi", "wait"),
    NoticeState.SENT: ("envoyé", "on"),
    NoticeState.UNCLEAR: ("incertain", "off"),
    NoticeState.REFUSED: ("refusé", "off"),
    NoticeState.GIVEN_UP: ("abandonné après plusieurs jours", "off"),
    NoticeState.NO_ADDRESS: ("sans adresse", "off"),
    NoticeState.DROPPED: ("classé", "wait"),
}
WHAT_TO_DO: Mapping[NoticeState, str] = {
    NoticeState.UNCLEAR: "Personne ne sait s’il est arrivé. Demandez au destinataire avant de le renvoyer.",
    NoticeState.REFUSED: "Le serveur du destinataire le refuse. Vérifiez l’adresse, puis renvoyez-le.",
    NoticeState.GIVEN_UP: "Le serveur n’a pas répondu à temps. Renvoyez-le quand il répond.",
    NoticeState.NO_ADDRESS: "Ajoutez une adresse à ce destinataire, puis renvoyez-le.",
}
CALL_STATES: Mapping[CallState, tuple[str, str]] = {
    CallState.WAITING: ("en attente", "wait"),
    CallState.TAKEN: ("reçu", "on"),
    CallState.GIVEN_UP: ("abandonné", "off"),
}
STAGES: Mapping[Stage, tuple[str, str]] = {
    Stage.RECEIVED: ("à examiner", "wait"),
    Stage.ACCEPTED: ("acceptée", "on"),
    Stage.REFUSED: ("refusée", "off"),
    Stage.APPEALED: ("recours à examiner", "wait"),
    Stage.APPEAL_REFUSED: ("refusée après recours", "off"),
}
