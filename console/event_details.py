"""What events tell beside who, what and why, in French. A name that is not known is shown as recorded."""

from datetime import date
from typing import Any

from console.event_words import CALENDARS, CAUSES, ROLES
from console.grant_words import CONDITIONS
from console.notice_words import STATES
from console.payout_words import bank_reference
from programmes.print.french import NBSP, exact_euros, long_day, thousands

DETAILS = {
    "account": "compte",
    "address": "adresse",
    "after": "après",
    "amount_cents": "montant",
    "before": "avant",
    "booklet_count": "carnets",
    "booklets": "carnets",
    "call": "envoi",
    "cause": "cause",
    "changed": "règles changées",
    "condition": "condition",
    "counted": "comptés",
    "decision": "décision",
    "delivery": "livraison",
    "ends_on": "dernier jour",
    "expected": "attendus",
    "first_booklet": "premier carnet",
    "first_pass": "premier pass",
    "format": "format",
    "grant": "dotation",
    "heard_on": "entendu le",
    "holder": "titulaire",
    "iban": "IBAN",
    "iban_end": "fin de l’IBAN",
    "last_booklet": "dernier carnet",
    "last_pass": "dernier pass",
    "left": "codes restants",
    "line": "ligne",
    "matches": "virements",
    "message_id": "message",
    "month": "mois",
    "name": "nom",
    "new_booklet": "nouveau carnet",
    "operator": "structure",
    "passes": "pass",
    "person": "personne n°",
    "prescriber": "prescripteur n°",
    "programme": "programme",
    "proof": "épreuve",
    "purpose": "usage",
    "received_by": "reçue par",
    "reference": "écriture",
    "remittance": "bordereau",
    "role": "rôle",
    "role_old": "rôle d’avant",
    "sessions": "sessions",
    "sha256": "SHA-256",
    "territory": "territoire",
    "threshold": "seuil n°",
    "told": "personnes prévenues",
    "total_cents": "total",
    "transfers": "virements",
    "url": "adresse appelée",
    "version": "version",
    "withdrawn": "avis retirés",
    "year": "année",
}
# What an amendment changes, by the names of ledger/rule_rows.py.
RULES = {
    "closing_calendar": "clôture des bordereaux",
    "claim_window_days": "délai pour remettre",
    "convention": "convention",
    "delivery_working_days": "délai de livraison",
    "first_grant_passes": "amorçage",
    "grace_days": "tolérance",
    "grant_deadline": "date limite des dotations",
    "last_day_of_use": "dernier jour d’usage",
    "mandate_ends_on": "fin du mandat",
    "mandate_starts_on": "début du mandat",
    "payment_delay_days": "délai de paiement",
    "pic_share_percent": "part des publics PIC",
    "publics": "publics visés",
    "service_ids": "services couverts",
    "stock_cap_passes": "plafond du stock",
    "territory_ids": "territoires couverts",
    "threshold_percent": "seuil",
    "top_up_passes": "abondement",
}
PURPOSES = {"pass": "pass", "practice": "entraînement", "receipt": "reçus"}
DECISIONS = {"accepted": "acceptée", "refused": "refusée"}
WORDS: dict[str, dict[str, str]] = {
    "after": CALENDARS,
    "before": CALENDARS | {state.value: word for state, (word, _) in STATES.items()},
    "cause": CAUSES,
    "condition": {one.value: label for one, (label, _) in CONDITIONS.items()},
    "decision": DECISIONS,
    "purpose": PURPOSES,
    "role": ROLES,
    "role_old": ROLES,
}
DIGEST_SHOWN = 12


def detail_words(detail: dict[str, Any]) -> str:
    return ", ".join(f"{DETAILS.get(key, key)}{NBSP}: {_value(key, value)}" for key, value in detail.items())


def _value(key: str, value: object) -> str:
    if isinstance(value, str):
        return _text(key, value)
    if key == "changed" and isinstance(value, list):
        return " ; ".join(RULES.get(str(one), str(one)) for one in value)
    if not isinstance(value, int):
        return str(value)
    return exact_euros(value) if key.endswith("_cents") else thousands(value)


def _day(value: str) -> str:
    try:
        return long_day(date.fromisoformat(value))
    except ValueError:
        return value


def _text(key: str, value: str) -> str:
    if key in WORDS:
        return WORDS[key].get(value, value)
    if key in {"heard_on", "ends_on"}:
        return _day(value)
    if key == "reference":
        return bank_reference(value)
    return f"{value[:DIGEST_SHOWN]}…" if key == "sha256" else value
