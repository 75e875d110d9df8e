"""Events in French: who, what, on what; what else they tell is event_details.py's. An action that is not
known here is shown as it is recorded."""

import re

from console.payout_words import bank_reference
from ledger.account_rows import Role
from ledger.calendar_rows import Calendar
from ledger.rows import CancelCause
from programmes.print.french import NBSP, thousands

CAUSES: dict[str, str] = {
    CancelCause.LOST: "perdu",
    CancelCause.STOLEN: "volé",
    CancelCause.RECALLED: "rappelé",
    CancelCause.REPLACED: "remplacé",
    CancelCause.VOID: "nul",
}
ACTIONS = {
    "account.add": "Compte de console ouvert",
    "account.code_refused": "Code de second facteur refusé",
    "account.disable": "Compte de console fermé",
    "account.end_session": "Session fermée à distance",
    "account.password": "Mot de passe renouvelé",
    "account.prove": "Identité confirmée",
    "account.recovery": "Code de secours utilisé",
    "account.recovery_codes": "Codes de secours renouvelés",
    "account.role": "Rôle du compte changé",
    "account.second_factor": "Second facteur ajouté",
    "account.second_factor_removed": "Second facteur retiré",
    "account.sign_in": "Connexion à la console",
    "account.sign_out": "Déconnexion de la console",
    "accounts.freeze": "Comptes d’une période arrêtés",
    "application.appeal": "Recours reçu",
    "application.decide": "Candidature décidée",
    "application.decide_appeal": "Recours décidé",
    "application.receive": "Candidature reçue",
    "bank.imported": "Fichier de banque importé",
    "bank.line": "Ligne de relevé inscrite",
    "bank.match": "Ligne de relevé rapprochée",
    "bank.undo": "Rapprochement défait",
    "bankaccount.approve": "Compte bancaire approuvé",
    "bankaccount.block": "Compte bancaire bloqué",
    "bankaccount.propose": "Compte bancaire proposé",
    "bankaccount.refuse": "Compte bancaire écarté",
    "batch.activate": "Lot activé",
    "batch.issue": "Lot émis",
    "booklet.cancel": "Carnet annulé",
    "booklet.hand_out": "Carnet remis à un bénéficiaire",
    "booklet.release": "Reste d’un carnet rendu aux fonds du programme",
    "booklet.replace": "Carnet remplacé",
    "booklet.transfer": "Carnets confiés ou déplacés",
    "booklet.undo_hand_out": "Remise annulée",
    "contact.add": "Adresse d’avis ajoutée",
    "contact.remove": "Adresse d’avis retirée",
    "correction.claim": "Correction réclamée par lettre",
    "correction.decide": "Correction décidée",
    "criteria.publish": "Critères publiés",
    "declaration.freeze": "Déclaration annuelle arrêtée",
    "delivery.dispatch": "Livraison expédiée",
    "delivery.receive": "Livraison arrivée",
    "device.enrol": "Téléphone enrôlé",
    "device.invite": "Lien d’enrôlement créé",
    "device.revoke": "Téléphone révoqué",
    "dispute.correct": "Litige résolu par une correction",
    "dispute.open": "Ligne de bordereau contestée",
    "dispute.release": "Litige levé",
    "grant.approve": "Dotation accordée",
    "grant.propose": "Dotation proposée",
    "grant.refuse": "Dotation refusée",
    "guard.raise": "Marques de garde effacées",
    "key.active": "Clé mise en service",
    "key.plan": "Clé annoncée",
    "key.retired": "Clé retirée",
    "key.revoked": "Clé révoquée",
    "notice.correct": "Avis rectifié",
    "notice.confirm": "Avis reçu, d’après son destinataire",
    "notice.drop": "Avis classé sans suite",
    "notice.resend": "Avis renvoyé",
    "operator.add": "Opérateur ajouté",
    "operator.disqualify": "Qualification close",
    "operator.hold": "Paiements retenus",
    "operator.qualify": "Opérateur qualifié",
    "operator.release": "Paiements repris",
    "operator.suspend": "Opérateur suspendu",
    "order.approve": "Bon à tirer approuvé",
    "order.cancel": "Commande annulée",
    "order.place": "Carnets commandés",
    "order.produce": "Fichier de l’imprimeur écrit",
    "order.proof": "Épreuve dessinée",
    "order.quote": "Devis accepté",
    "order.refuse": "Épreuve refusée",
    "payout.accepted": "Lot de virements accepté par la banque",
    "payout.approve": "Lot de virements approuvé",
    "payout.cancel": "Lot de virements annulé",
    "payout.partial": "Lot de virements accepté en partie",
    "payout.prepare": "Lot de virements préparé",
    "payout.reconciled": "Lot de virements rapproché",
    "payout.rejected": "Lot de virements rejeté par la banque",
    "payout.send": "Lot de virements remis à la banque",
    "payout.sent": "Lot de virements rouvert",
    "practice.print": "Carnets d’entraînement imprimés",
    "prescriber.add": "Prescripteur ajouté",
    "prescriber.count": "Stock compté",
    "prescriber.join": "Personne ajoutée : elle remet des carnets",
    "prescriber.leave": "Personne retirée : elle ne remet plus de carnets",
    "programme.add": "Programme ouvert",
    "programme.amend": "Validité modifiée par avenant",
    "programme.calendar": "Calendrier des clôtures changé",
    "programme.fund": "Financement du programme confirmé",
    "programme.refund": "Valeur inutilisée rendue au commanditaire",
    "questionnaire.load": "Questionnaire chargé",
    "remittance.repeat": "Bordereau de remise redemandé, sans nouvelle clôture",
    "return.freeze": "État mensuel arrêté",
    "scan.undo": "Encaissement annulé par l’opérateur",
    "service.mednum": "Service nommé selon le schéma national",
    "site.describe": "Lieu décrit",
    "territory.condition": "Condition cochée",
    "territory.reduce": "Dotation du territoire réduite",
    "territory.restitute": "Carnets repris à un territoire",
    "territory.resume": "Suspension du territoire levée",
    "territory.suspend": "Territoire suspendu",
    "territory.withdraw": "Condition décochée",
    "trustee.approve": "Compte du mandataire approuvé",
    "trustee.format": "Format des virements changé",
    "trustee.propose": "Compte du mandataire proposé",
    "validity.acknowledged": "Fin de validité prise en compte",
    "validity.alert": "Alerte de fin de validité",
    "validity.block_approved": "Blocage des carnets jamais remis, approuvé",
    "validity.block_proposed": "Blocage des carnets jamais remis, proposé",
    "validity.papers": "Pièces de l’état contradictoire arrêtées",
    "validity.released": "Valeur des pass expirés rendue aux fonds",
    "validity.sign": "État contradictoire signé",
    "validity.statement": "État contradictoire arrêté",
    "webhook.add": "Appel signé ajouté",
    "webhook.again": "Appel signé renvoyé",
    "webhook.end": "Appel signé arrêté",
}
# What a colon separates from its number or name, in actors and subjects.
KINDS = {
    "application": "candidature",
    "batch": "lot",
    "booklet": "carnet",
    "device": "téléphone",
    "operator": "opérateur",
    "payout": "lot de virements",
    "correction": "correction",
    "criteria": "critères",
    "notice": "avis",
    "webhook": "appel signé",
    "delivery": "livraison",
    "grant": "dotation",
    "order": "commande",
    "dispute": "litige",
    "bank_file": "fichier de banque",
    "trustee_account": "compte du mandataire",
    "prescriber": "prescripteur",
    "programme": "programme",
    "rendering": "reddition",
    "site": "lieu",
}
NAMED_KINDS = {
    "attempt": "scan",
    "bank_line": "écriture",
    "generation": "génération",
    "key": "clé",
    "remittance": "bordereau",  # operator, slash, number
}
ACTORS = {
    "applicant": "le candidat",
    "calendar": "calendrier de clôture",
    "demo": "démonstration",
    "enrolment": "lien d’enrôlement",
    "threshold": "le seuil de consommation",
    "validator": "le service",
}
CALENDARS: dict[str, str] = {
    Calendar.NONE: "quand la structure le veut",
    Calendar.MONTHLY: "chaque mois",
    Calendar.TWICE_A_MONTH: "deux fois par mois",
    Calendar.WEEKLY: "chaque semaine",
}
ROLES: dict[str, str] = {
    Role.PREPARER: "Mandataire, préparation",
    Role.APPROVER: "Mandataire, approbation",
    Role.FUNDER: "Commanditaire",
    Role.OPERATOR: "Gestion d’une structure",
    Role.AUDITOR: "Contrôle, lecture seule",
    Role.PRESCRIBER: "Remise de carnets",
    Role.TERRITORY: "Lecture d’un territoire",
}


def action_words(action: str) -> str:
    return ACTIONS.get(action, action)


def actor_words(actor: str) -> str:
    kind, _, name = actor.partition(":")
    if kind == "cli":
        return f"{name}, en ligne de commande"
    return ACTORS.get(actor) or subject_words(actor)


def subject_words(subject: str) -> str:
    kind, _, name = subject.partition(":")
    if kind == "account":
        return name
    if kind in KINDS and name.isdecimal():
        return f"{KINDS[kind]} n°{NBSP}{thousands(int(name))}"
    if kind == "territory" and (found := re.fullmatch(r"(\d+)/(\d+)", name)):
        return f"territoire n°{NBSP}{found[2]}, programme n°{NBSP}{found[1]}"
    if kind == "bank_line":
        name = bank_reference(name)
    if kind in NAMED_KINDS and name:
        return f"{NAMED_KINDS[kind]}{NBSP}{name}"
    return subject
