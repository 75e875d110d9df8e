"""Why a page can't be shown, told in French."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
ADDRESS_UNREADABLE = Refusal(400, "Adresse illisible", "Revenez à la console et suivez ses liens.")
NO_PAGE = Refusal(404, "Page introuvable", "Cette adresse ne mène à rien dans la console.")
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
BY_STATUS = {one.status: one for one in (NO_PAGE, WRONG_METHOD, FORM_TOO_LONG)}
