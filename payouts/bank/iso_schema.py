"""The schemas that ISO publishes for pain.001, as the package sepaxml ships them. Nothing is fetched."""

from functools import cache
from importlib.resources import files
from typing import Any

from lxml import etree


@cache
def _schema(message: str) -> Any:
    text = files("sepaxml").joinpath("schemas", f"{message}.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text, etree.XMLParser(no_network=True, resolve_entities=False)))


def schema_error(message: str, root: Any) -> str | None:
    """What the schema finds first, or None for a valid document."""
    schema = _schema(message)
    if schema.validate(root):
        return None
    found = next(iter(schema.error_log), None)
    return "invalid" if found is None else f"line {found.line}: {found.message}"[:400]
