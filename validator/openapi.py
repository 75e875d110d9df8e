"""The OpenAPI 3.1 document, generated from the endpoints and their body types."""

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec

from validator.bodies import ProblemBody
from validator.endpoint import SIGNATURE_HEADER, Endpoint
from validator.problems import TITLES

# What a path names, by its parameter.
IN_PATH: dict[str, dict[str, Any]] = {
    "attempt_id": {"type": "string", "format": "uuid"},
    "number": {"type": "integer", "minimum": 1},
}
SIGNATURE_TOLD = (
    "Required of devices that were enrolled with a key: base64url of r and s, its ECDSA signature (P-256,"
    ' SHA-256) over "poincon 1", method, path with query and SHA-256 of the body, joined by line feeds.'
)
# What an answer names, and the call that takes it: by operation and status, a link.
LINKS: dict[tuple[str, str], dict[str, Any]] = {
    ("post_scan", "200"): {
        "undo": {"operationId": "post_undo", "parameters": {"attempt_id": "$response.body#/attempt_id"}}
    },
    ("post_remittance", "201"): {
        "read": {"operationId": "get_remittance", "parameters": {"number": "$response.body#/number"}}
    },
}
REF_TEMPLATE = "#/components/schemas/{name}"


def openapi(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    endpoints = list(endpoints)
    types = _json_types(endpoints)
    schemas, components = msgspec.json.schema_components(types, ref_template=REF_TEMPLATE)
    schema_of = {_name(one): schema for one, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Poinçon",
            "version": version("poincon"),
            "description": "Scanning and validation of the passes of the French Pass numérique.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"device": {"type": "http", "scheme": "bearer"}},
        },
    }


def _name(body_type: Any) -> str:
    return str(body_type)


def _json_types(endpoints: list[Endpoint]) -> list[Any]:
    found: dict[str, Any] = {_name(ProblemBody): ProblemBody}
    for endpoint in endpoints:
        for one in (endpoint.body, *endpoint.answers.values()):
            if one is not None and not isinstance(one, str):
                found[_name(one)] = one
    return list(found.values())


def _operation(endpoint: Endpoint, schema_of: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "security": [] if endpoint.is_public else [{"device": []}],
        "responses": {
            str(status): _content(_title(status), body, schema_of)
            for status, body in endpoint.answers.items()
        },
    }
    for status in (*endpoint.problems, *((408,) if endpoint.body is not None else ())):
        operation["responses"].setdefault(str(status), _problem(status, schema_of))
    for status, response in operation["responses"].items():
        if links := LINKS.get((operation["operationId"], status)):
            response["links"] = links
    if parameters := _parameters(endpoint):
        operation["parameters"] = parameters
    if endpoint.body is not None:
        body = _content("", endpoint.body, schema_of)
        operation["requestBody"] = {"required": True, "content": body["content"]}
    return operation


def _title(status: int) -> str:
    return {200: "Done", 201: "Made"}.get(status) or TITLES[status]


def _content(description: str, body: Any, schema_of: dict[str, Any]) -> dict[str, Any]:
    if isinstance(body, str):
        content: dict[str, Any] = {body: {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": schema_of[_name(body)]}}
    return {"description": description, "content": content}


def _problem(status: int, schema_of: dict[str, Any]) -> dict[str, Any]:
    schema = schema_of[_name(ProblemBody)]
    return {"description": TITLES[status], "content": {"application/problem+json": {"schema": schema}}}


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": IN_PATH[name]}
        for name in re.findall(r"\{(\w+)\}", endpoint.path)
    ]
    in_query = [
        {"name": name, "in": "query", "description": text, "schema": msgspec.json.schema(kind)}
        for name, (kind, text) in endpoint.query.items()
    ]
    in_header = [
        {
            "name": SIGNATURE_HEADER,
            "in": "header",
            "description": SIGNATURE_TOLD,
            "schema": {"type": "string"},
        }
    ]
    is_signed = not endpoint.is_public and endpoint.method != "GET"
    return in_path + in_query + (in_header if is_signed else [])
