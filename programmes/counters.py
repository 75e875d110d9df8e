"""What each public counter counts, in a sentence that everybody reads. How: ledger/counters.py."""

from typing import Final, NamedTuple


class Definition(NamedTuple):
    counter: str  # of ledger.counters.Counters
    name: str
    sentence: str
    counts_booklets: bool = False  # what is counted are booklets, and not their passes


DEFINITIONS: Final = (
    Definition(
        "issued",
        "Émis",
        "Pass de tous les carnets imprimés pour le programme, sauf ceux annulés avant d’avoir été activés."
        " Un carnet de remplacement n’y ajoute rien.",
    ),
    Definition(
        "waiting",
        "En attente",
        "Pass de carnets émis que rien n’a encore activés : l’argent qui les couvre n’a pas été reçu.",
    ),
    Definition(
        "handed_out",
        "Remis",
        "Pass qu’un prescripteur a remis à un bénéficiaire. La remise d’un carnet de remplacement ne compte"
        " pas une seconde fois.",
    ),
    Definition(
        "started",
        "Entamés",
        "Carnets dont au moins un pass est scanné. Un carnet et celui qui le remplace n’en font qu’un.",
        counts_booklets=True,
    ),
    Definition(
        "scanned",
        "Scannés",
        "Pass encaissés par un opérateur, et dont l’encaissement n’a pas été annulé.",
    ),
    Definition(
        "consumed",
        "Consommés",
        "Pass scannés et mis en contre-paiement : ils figurent sur un bordereau de remise clos.",
    ),
    Definition(
        "paid",
        "Payés",
        "Pass consommés dont le virement est passé sur le relevé de la banque, ou dont le montant a été"
        " compensé par une correction.",
    ),
    Definition(
        "expired",
        "Expirés",
        "Pass de carnets actifs que personne n’a scannés avant la fin de leur validité, tolérance comprise.",
    ),
    Definition(
        "remaining",
        "Restants",
        "Pass de carnets actifs, encore valables, que personne n’a scannés.",
    ),
    Definition(
        "cancelled",
        "Annulés",
        "Pass non scannés de carnets activés puis perdus, volés, rappelés ou annulés, et qui n’ont pas été"
        " réémis dans un carnet de remplacement.",
    ),
)
IDENTITY: Final = "Émis = en attente + scannés + restants + expirés + annulés, en pass comme en euros."
