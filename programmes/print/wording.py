"""The sentences on passes, covers and in the printer's file, in French. No place, size or type.

« Pass » does not change in the plural: that is how the people who use them write it.
"""

from programmes.print.french import NBSP, euros, long_day, thousands
from programmes.print.printed import PrintedBooklet, PrintedPass, PrintRun

HOW_TO_USE = "Remettez ce pass au médiateur à la fin de l’atelier."
STEPS = (
    "Choisissez un lieu qui accepte les pass.",
    "Participez à un atelier numérique avec un médiateur.",
    "À la fin de l’atelier, remettez-lui le nombre de pass demandé.",
)
WHERE_TO_ASK = f"Trouver un lieu, poser une question{NBSP}:"

PRACTICE, WORTHLESS = "ENTRAÎNEMENT", "SANS VALEUR"
PRACTICE_TITLE = f"{PRACTICE} – {WORTHLESS}"
PRACTICE_USES = (
    "Pour apprendre à scanner, dans le mode entraînement de la page du médiateur.",
    "Ces pass ne paient rien et ne sont jamais encaissés.",
    "Ne les remettez pas à un bénéficiaire.",
)


def booklet_number(booklet: PrintedBooklet) -> str:
    return thousands(booklet.number, digits_min=6)


def booklet_name(booklet: PrintedBooklet) -> str:
    return f"Carnet n°{NBSP}{booklet_number(booklet)}"


def pass_rank(printed: PrintedPass, booklet: PrintedBooklet) -> str:
    return f"pass{NBSP}{printed.number}/{len(booklet.passes)}"


def pass_name(printed: PrintedPass, booklet: PrintedBooklet) -> str:
    return f"{booklet_name(booklet)} — {pass_rank(printed, booklet)}"


def last_day(run: PrintRun) -> str:
    return f"{long_day(run.last_day)} inclus"


def validity(run: PrintRun) -> str:
    return f"Valable jusqu’au {last_day(run)}"


def funded_by(run: PrintRun) -> str:
    return f"Financé par {run.funder}"


def booklet_title(booklet: PrintedBooklet) -> str:
    return f"Carnet de {len(booklet.passes)}{NBSP}pass numériques"


def booklet_value(run: PrintRun, booklet: PrintedBooklet) -> str:
    count = len(booklet.passes)
    each = euros(run.face_value_cents)
    return f"{count}{NBSP}pass de {each}, soit {euros(run.face_value_cents * count)}"


def batch_name(run: PrintRun) -> str:
    return f"Lot {run.batch}"
