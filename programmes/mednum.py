"""Places as open data, in the national schema of places of digital mediation. Pure.

Field names, their order, patterns and values are those of « Lieux de médiation numérique », schema.json,
version 0.2.0, published by La MedNum, the ANCT and Datactivist under the Licence Ouverte 2.0 in the
repository LaMednum/standard-mediation-num (read on 21 November 2026) and listed at schema.data.gouv.fr.
Lists are put apart by a semicolon without a space.
"""

import csv
import io
from collections.abc import Iterable, Mapping

import msgspec

from ledger.site_details import Place
from programmes.print.french import PARIS

FIELDS = (
    *("id", "pivot", "nom", "commune", "code_postal", "code_insee", "adresse", "complement_adresse"),
    *("latitude", "longitude", "typologie", "telephone", "courriels", "site_web", "horaires"),
    *("presentation_resume", "presentation_detail", "source", "itinerance", "structure_parente", "date_maj"),
    *("services", "publics_specifiquement_adresses", "prise_en_charge_specifique", "frais_a_charge"),
    *("dispositif_programmes_nationaux", "formations_labels", "autres_formations_labels", "modalites_acces"),
    *("modalites_accompagnement", "fiche_acces_libre", "prise_rdv"),
)
REQUIRED = ("id", "pivot", "nom", "commune", "code_postal", "adresse", "date_maj", "services")
SERVICES = (
    "Aide aux démarches administratives",
    "Maîtrise des outils numériques du quotidien",
    "Insertion professionnelle via le numérique",
    "Utilisation sécurisée du numérique",
    "Parentalité et éducation avec le numérique",
    "Loisirs et créations numériques",
    "Compréhension du monde numérique",
    "Accès internet et matériel informatique",
    "Acquisition de matériel informatique à prix solidaire",
)
# What a place of a pass is, in the schema's own words.
FREE_ON_CONDITION = (
    "Gratuit sous condition : La gratuité est conditionnée à des critères (adhésion, situation familiale, "
    "convention avec un organisme social, pass numériques…)"
)
# Services that most conventions name; another code is told by `poincon places service`.
SERVICE_OF_CODE: Mapping[str, str] = {
    "premiers-pas": SERVICES[1],
    "demarches": SERVICES[0],
    "emploi": SERVICES[2],
    "securite": SERVICES[3],
    "parentalite": SERVICES[4],
    "equipement": SERVICES[7],
}
# A spreadsheet runs what begins so: our texts come from forms that anybody fills in.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def record_of(place: Place, *, source: str) -> dict[str, str] | None:
    """The fields that have a value; None where one that the schema requires is missing."""
    details = place.details
    told = set(place.mednum) | {SERVICE_OF_CODE[code] for code in place.codes if code in SERVICE_OF_CODE}
    if details is None or place.updated_at is None or not told:
        return None
    values = {
        "id": f"lieu-{place.site_id}",
        "pivot": place.siret,
        "nom": place.name,
        "commune": details.commune,
        "code_postal": details.postcode,
        "code_insee": details.insee,
        "adresse": details.address,
        "complement_adresse": details.complement,
        "latitude": _degrees(details.latitude),
        "longitude": _degrees(details.longitude),
        "telephone": details.phone,
        "courriels": details.email,
        "site_web": details.website,
        "horaires": details.opening_hours,
        "presentation_resume": details.summary,
        "source": source,
        "structure_parente": place.operator,
        "date_maj": place.updated_at.astimezone(PARIS).date().isoformat(),
        "services": ";".join(one for one in SERVICES if one in told),
        "frais_a_charge": FREE_ON_CONDITION,
        "fiche_acces_libre": details.access_sheet,
        "prise_rdv": details.booking,
    }
    record = {name: value for name in FIELDS if (value := values.get(name))}
    assert all(name in record for name in REQUIRED)
    return record


def records_of(places: Iterable[Place], *, source: str) -> list[dict[str, str]]:
    return [record for place in places if (record := record_of(place, source=source))]


def as_csv_bytes(records: Iterable[Mapping[str, str]]) -> bytes:
    """With every field of the schema, in its order."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(FIELDS)
    writer.writerows([_cell(name, record.get(name, "")) for name in FIELDS] for record in records)
    return text.getvalue().encode()


def as_json_bytes(records: Iterable[Mapping[str, str]]) -> bytes:
    return msgspec.json.encode(
        [
            {
                name: float(value) if name in {"latitude", "longitude"} else value
                for name, value in one.items()
            }
            for one in records
        ]
    )


def _cell(name: str, value: str) -> str:
    """Phones and coordinates begin with a sign by their pattern, which holds nothing else."""
    is_free = name not in {"telephone", "latitude", "longitude"}
    return f"'{value}" if is_free and value.startswith(FORMULA_STARTS) else value


def _degrees(value: float | None) -> str | None:
    return f"{value:.5f}" if value is not None else None
