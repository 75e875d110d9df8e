"""Why a page can't be shown, told in French."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.account_rows import Role


@dataclass(frozen=True)
class Refusal:
    status: int
    title: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


class PageRefused(Exception):
    """Raised by a handler, answered as a page."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.title)
        self.refusal = refusal


NOT_OURS = Refusal(
    403,
    "Demande refusée",
    "Cette demande ne vient pas d’une page de la console. Ouvrez la console et recommencez depuis ses pages.",
)
STALE_FORM = Refusal(
    403,
    "Formulaire périmé",
    "Votre session a changé depuis l’ouverture de ce formulaire. Rechargez la page et recommencez.",
)
FORM_UNREADABLE = Refusal(
    400,
    "Formulaire illisible",
    "Le navigateur a envoyé un formulaire que nous ne lisons pas. Revenez à la page et recommencez.",
)
FORM_TOO_LONG = Refusal(
    413, "Formulaire trop long", "Raccourcissez ce que vous avez écrit, puis recommencez."
)
FILES_TOO_LONG = Refusal(
    413,
    "Fichiers trop volumineux",
    "Envoyez vingt fichiers au plus à la fois, et 32 Mo au plus en tout : un relevé par jour suffit.",
)
TOO_SLOW = Refusal(
    408, "Envoi interrompu", "L’envoi a duré plus d’une minute. Rien n’est enregistré : recommencez."
)
ADDRESS_UNREADABLE = Refusal(400, "Adresse illisible", "Revenez à la console et suivez ses liens.")
NO_PAGE = Refusal(404, "Page introuvable", "Cette adresse ne mène à rien dans la console.")
NO_PROGRAMME = Refusal(404, "Programme introuvable", "Aucun programme ne porte ce numéro.")
NO_TERRITORY = Refusal(404, "Territoire introuvable", "Ce programme n’a pas de territoire de ce numéro.")
NO_GRANT = Refusal(404, "Dotation introuvable", "Aucune dotation ne porte ce numéro.")
NO_ORDER = Refusal(404, "Commande introuvable", "Aucune commande ne porte ce numéro.")
NO_PROOF = Refusal(404, "Bon à tirer introuvable", "Cette commande n’a pas de bon à tirer de ce numéro.")
NO_DELIVERY = Refusal(404, "Livraison introuvable", "Aucune livraison ne porte ce numéro.")
NO_REMITTANCE = Refusal(404, "Bordereau introuvable", "Aucun bordereau ne porte ce numéro.")
NO_OPERATOR = Refusal(404, "Structure introuvable", "Aucune structure ne porte ce numéro.")
NO_PAYOUT = Refusal(404, "Lot introuvable", "Aucun lot de virements ne porte ce numéro.")
NO_LINE = Refusal(404, "Écriture introuvable", "Aucune écriture de la banque ne porte ce numéro.")
NO_CORRECTION = Refusal(404, "Correction introuvable", "Aucune correction en attente ne porte ce numéro.")
NO_DISPUTE = Refusal(404, "Litige introuvable", "Aucun litige en cours ne porte ce numéro.")
NO_ACCOUNT = Refusal(404, "Compte introuvable", "Aucun compte proposé ne porte ce numéro.")
NO_NOTICE = Refusal(404, "Avis introuvable", "Aucun avis, et aucune adresse en service, ne porte ce numéro.")
NO_WEBHOOK = Refusal(404, "Appel introuvable", "Aucun système appelé ne porte ce numéro.")
NO_APPLICATION = Refusal(404, "Candidature introuvable", "Aucune candidature ne porte ce numéro.")
NO_WEBHOOK_KEYS = Refusal(
    503,
    "Appels signés impossibles ici",
    "Le service n’a pas la clé qui protège les secrets. L’administrateur la lui donne au démarrage.",
)
OWN_DECISION = Refusal(
    403,
    "Une autre personne examine le recours",
    "Vous avez pris la première décision : une autre personne du mandataire examine le recours, avec son"
    " propre compte de console.",
)
TOO_MANY = Refusal(
    429,
    "Trop d’envois",
    "Plusieurs candidatures viennent d’être envoyées depuis cette connexion. Réessayez dans une heure.",
    {"Retry-After": "3600"},
)
NO_FILE = Refusal(
    404, "Pas encore de fichier", "Le fichier pour la banque existe une fois que le lot est approuvé."
)
OWN_BATCH = Refusal(
    403,
    "Une seconde personne doit approuver",
    "Vous avez préparé ce lot : une autre personne du mandataire l’approuve, avec son propre compte. Deux"
    " comptes d’une même personne ne comptent que pour une.",
)
OWN_PROPOSAL = Refusal(
    403,
    "Une seconde personne doit approuver",
    "Vous avez proposé ce compte bancaire : une autre personne du mandataire l’approuve, avec son propre"
    " compte de console.",
)
NO_RENDERING = Refusal(
    503,
    "Reddition impossible ici",
    "Ce service ne prépare pas d’archive. La commande « poincon accounts render » le fait.",
)
DIFFERS = Refusal(
    409,
    "Ces comptes ne peuvent pas être rendus ainsi",
    "Ou bien la période contient trop d’opérations pour une archive : demandez-la en plusieurs fois. Ou bien"
    " elle a déjà été arrêtée, et le registre ne dit plus la même chose : lancez « poincon audit », qui dit"
    " l’écart au centime.",
)
NO_BOOKLET = Refusal(404, "Carnet introuvable", "Aucun carnet ne porte ce numéro.")
NO_PRESCRIBER = Refusal(404, "Prescripteur introuvable", "Aucun prescripteur ne porte ce numéro.")
NO_HANDOUT = Refusal(404, "Remise introuvable", "Aucune remise de votre structure ne porte ce numéro.")
NO_LONGER_PRESCRIBER = Refusal(
    403,
    "Vous ne remettez plus de carnets",
    "Vous n’êtes plus inscrit parmi les personnes qui remettent des carnets pour cette structure. Écrivez au"
    " mandataire.",
)
NO_DEVICE = Refusal(404, "Téléphone introuvable", "Aucun téléphone ne porte ce numéro.")
NO_PRACTICE = Refusal(
    503,
    "Impression impossible ici",
    "La clé d’entraînement n’est pas en service sur cette machine. La commande "
    "« poincon booklets issue --practice » imprime ces carnets là où elle se trouve.",
)
WRONG_METHOD = Refusal(405, "Page introuvable", "Cette adresse ne s’ouvre pas de cette façon.")
UNAVAILABLE = Refusal(
    503,
    "Le registre ne répond pas",
    "Rien ne peut être lu ni enregistré pour l’instant. Réessayez dans une minute, puis vérifiez au journal "
    "si votre dernière action y figure.",
    {"Retry-After": "5"},
)
OUR_MISTAKE = Refusal(
    500, "Erreur de notre côté", "Elle est consignée. Vérifiez au journal si votre action a été enregistrée."
)
BUSY = Refusal(
    429,
    "Un instant",
    "Trop de fichiers sont en préparation. Réessayez dans quelques secondes.",
    {"Retry-After": "3"},
)
NO_EXPORT = Refusal(
    503,
    "Export impossible ici",
    "Les clés des reçus ne sont pas sur cette machine. Exportez les reçus depuis la page des médiateurs.",
)
NO_SECOND_FACTOR = Refusal(
    503,
    "Second facteur impossible ici",
    "Le service n’a pas la clé qui protège les seconds facteurs. L’administrateur la lui donne au démarrage.",
)
# What a role is for, and whom to ask for the rest.
NOT_FOR = {
    Role.PREPARER: "Cette action revient à une autre personne : la personne du mandataire qui approuve.",
    Role.APPROVER: "Cette action revient à une autre personne : la personne du mandataire qui prépare.",
    Role.FUNDER: "Votre compte lit les chiffres de votre programme, sans rien modifier. Pour le reste,"
    " écrivez au mandataire.",
    Role.OPERATOR: "Votre compte gère votre structure : ses pass, ses bordereaux, ses téléphones. Pour le"
    " reste, écrivez au mandataire.",
    Role.AUDITOR: "Votre compte lit tout et ne modifie rien. Demandez à une personne du mandataire de faire"
    " cette action ; elle paraîtra au journal.",
    Role.PRESCRIBER: "Votre compte remet des carnets aux bénéficiaires et suit le stock de votre structure."
    " Pour le reste, écrivez au mandataire.",
    Role.TERRITORY: "Votre compte lit ce que votre territoire a reçu et consommé, sans rien modifier. Pour le"
    " reste, écrivez au mandataire.",
}


def not_for(role: Role) -> Refusal:
    return Refusal(403, "Ce n’est pas dans votre rôle", NOT_FOR[role])


BY_STATUS = {one.status: one for one in (NO_PAGE, WRONG_METHOD, FORM_TOO_LONG)}
