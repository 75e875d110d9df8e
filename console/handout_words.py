"""Hand-outs, stocks and booklets' lives in French."""

from ledger.handout_rows import HandoutRefusal, UndoCause
from programmes.booklet_life import Stage

REFUSALS: dict[HandoutRefusal, str] = {
    HandoutRefusal.UNKNOWN_BOOKLET: "Aucun carnet ne porte ce numéro. Vérifiez-le sur la couverture.",
    HandoutRefusal.NOT_IN_STOCK: "Ce carnet n’est pas dans le stock de votre structure."
    " Écrivez au mandataire.",
    HandoutRefusal.NOT_ACTIVE: "Ce carnet n’est pas encore activé : son financement n’a pas été reçu."
    " Prenez-en un autre.",
    HandoutRefusal.CANCELLED: "Ce carnet est annulé : ses pass seraient refusés. Prenez-en un autre.",
    HandoutRefusal.EXPIRED: "Les pass de ce programme ne sont plus valables.",
    HandoutRefusal.BEYOND_BOOKLET: "Ce carnet n’a pas ces pass. Vérifiez le nombre de pass à remettre.",
    HandoutRefusal.HANDED_OUT: "Ce carnet, ou une partie de ces pass, est déjà remis à quelqu’un.",
    HandoutRefusal.ALREADY_ACCEPTED: "Un de ces pass est déjà encaissé : le carnet ne peut être remis ainsi.",
    HandoutRefusal.OWN_ACCEPTANCE: "Vous avez encaissé un pass de ce carnet : une autre personne le remet.",
}
UNDO_CAUSES: dict[str, str] = {
    UndoCause.WRONG_BOOKLET: "Ce n’est pas le bon carnet",
    UndoCause.WRONG_ANSWERS: "Une réponse est fausse",
    UndoCause.NOT_TAKEN: "La personne ne l’a pas pris",
}
STAGES: dict[str, str] = {
    Stage.PRINTED: "imprimé",
    Stage.DELIVERED: "livré, pas encore activé",
    Stage.ACTIVE: "actif",
    Stage.HANDED_OUT: "remis",
    Stage.STARTED: "entamé",
    Stage.FINISHED: "terminé",
    Stage.EXPIRED: "expiré",
    Stage.CANCELLED: "annulé",
    Stage.REPLACED: "remplacé",
}
