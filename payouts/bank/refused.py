"""Why a bank's file is not read, and the exception that says so. No reading."""

from enum import StrEnum
from typing import Final

FILE_BYTES_MAX: Final = 16 * 1024 * 1024


class FileRefusal(StrEnum):
    """The first that holds is told."""

    EMPTY = "empty"
    TOO_MANY_BYTES = "too_many_bytes"
    NOT_A_BANK_FILE = "not_a_bank_file"
    OTHER_FORMAT = "other_format"
    ENCODING = "encoding"
    DOCUMENT_TYPE = "document_type"
    TOO_MANY_ELEMENTS = "too_many_elements"
    TOO_DEEP = "too_deep"
    TRUNCATED = "truncated"
    NOT_WELL_FORMED = "not_well_formed"
    OTHER_VERSION = "other_version"
    STRUCTURE = "structure"
    AMOUNT = "amount"
    DATE = "date"


FRENCH_OF: Final = {
    FileRefusal.EMPTY: "Ce fichier est vide.",
    FileRefusal.TOO_MANY_BYTES: "Ce fichier est trop volumineux : demandez à la banque un relevé par jour.",
    FileRefusal.NOT_A_BANK_FILE: "Ce fichier n’est ni un message ISO 20022 ni un relevé CFONB 120.",
    FileRefusal.OTHER_FORMAT: "Ce format n’est pas lu ici : demandez un camt.053, un camt.054, "
    "un pain.002 ou un CFONB 120.",
    FileRefusal.ENCODING: "Les caractères de ce fichier ne sont pas codés comme il le dit.",
    FileRefusal.DOCUMENT_TYPE: "Ce fichier porte une déclaration DOCTYPE, qu’aucune banque n’envoie : "
    "il n’est pas ouvert.",
    FileRefusal.TOO_MANY_ELEMENTS: "Ce fichier contient trop d’éléments : demandez un relevé par jour.",
    FileRefusal.TOO_DEEP: "Ce fichier imbrique trop d’éléments : ce n’est pas un message de banque.",
    FileRefusal.TRUNCATED: "Ce fichier est coupé avant sa fin : téléchargez-le de nouveau.",
    FileRefusal.NOT_WELL_FORMED: "Ce fichier n’est pas du XML bien formé.",
    FileRefusal.OTHER_VERSION: "La version de ce message n’est pas connue ici.",
    FileRefusal.STRUCTURE: "Ce fichier ne suit pas la norme qu’il annonce.",
    FileRefusal.AMOUNT: "Un montant de ce fichier n’est pas lisible au centime près.",
    FileRefusal.DATE: "Une date de ce fichier n’est pas lisible.",
}


class FileRefused(Exception):
    """The whole file is refused: half a statement is worse than none. The message says where and why."""

    def __init__(self, refusal: FileRefusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.message = message


def refuse_size(file: bytes) -> None:
    if not file.strip():
        raise FileRefused(FileRefusal.EMPTY, "the file is empty")
    if len(file) > FILE_BYTES_MAX:
        raise FileRefused(
            FileRefusal.TOO_MANY_BYTES,
            f"the file has more than {FILE_BYTES_MAX // 1024**2} MiB: ask the bank for one statement a day",
        )
