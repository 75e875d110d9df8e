"""The OpenAPI document: valid, and it tells every call that there is."""

import json
import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from validator.app import ENDPOINTS
from validator.openapi import LINKS, openapi

# design.md, section 5: fixed.
CALLS = {
    ("POST", "/v1/scans"),
    ("POST", "/v1/scans/batch"),
    ("POST", "/v1/checks"),
    ("POST", "/v1/scans/{attempt_id}/undo"),
    ("GET", "/v1/scans"),
    ("POST", "/v1/photos"),
    ("POST", "/v1/remittances"),
    ("GET", "/v1/remittances"),
    ("GET", "/v1/remittances/{number}"),
    ("GET", "/v1/remittances/{number}.pdf"),
    ("GET", "/v1/remittances/{number}.csv"),
    ("GET", "/v1/keyset"),
    ("GET", "/v1/revocations"),
    ("GET", "/v1/programmes"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
}


@pytest.fixture(scope="module")
def document():
    return json.loads(json.dumps(openapi(ENDPOINTS)))


def _operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_the_document_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_it_tells_every_call_and_no_other(document):
    told = {(method, path) for method, path, _ in _operations(document)}
    assert told == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    assert told >= CALLS


def test_every_operation_has_its_own_name_and_a_summary(document):
    operations = [operation for *_, operation in _operations(document)]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] for operation in operations)


def test_a_device_call_says_that_it_may_answer_401_and_503(document):
    for method, path, operation in _operations(document):
        if operation["security"]:
            assert {"401", "503"} <= operation["responses"].keys(), (method, path)


def test_a_call_with_a_body_says_that_it_may_be_malformed_or_too_large(document):
    for method, path, operation in _operations(document):
        if "requestBody" in operation:
            assert {"400", "413"} <= operation["responses"].keys(), (method, path)


def test_every_problem_is_told_as_problem_details(document):
    for method, path, operation in _operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and path != "/readyz":
                assert list(response["content"]) == ["application/problem+json"], (method, path, status)


def test_a_link_leads_to_a_call_by_a_parameter_that_it_takes(document):
    calls = {operation["operationId"]: operation for _, _, operation in _operations(document)}
    linked = [
        link
        for operation in calls.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(linked) == len(LINKS)
    for link in linked:
        taken = {one["name"] for one in calls[link["operationId"]]["parameters"]}
        assert set(link["parameters"]) <= taken


def test_a_number_of_a_query_says_its_bounds(document):
    for method, path, operation in _operations(document):
        for one in operation.get("parameters", []):
            if one["in"] == "query" and one["schema"].get("type") == "integer":
                assert {"minimum", "maximum"} <= one["schema"].keys(), (method, path, one["name"])


def test_every_parameter_of_a_path_is_declared(document):
    for method, path, operation in _operations(document):
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path)), (method, path)
