"""Traces: off unless asked for; a span tells the call and its status, and nothing of what was sent."""

import importlib.util
import uuid

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from validator import tracing
from validator.app import build_app
from validator.settings import Settings, SettingsError

HAS_OPENTELEMETRY = importlib.util.find_spec("opentelemetry") is not None
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_nothing_is_traced_unless_a_collector_is_named(house):
    assert house.settings.traces_url is None
    assert len(build_app(house.settings).middlewares) == 1


def test_the_setting_names_the_collector(house, tmp_path):
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("phrase")
    given = {
        "DATABASE_URL": "postgresql:///x",
        "POINCON_KEYS": str(tmp_path),
        "POINCON_PASSPHRASE_FILE": str(passphrase),
        "POINCON_TRACES": "http://127.0.0.1:4318/v1/traces",
    }
    assert Settings.from_environment(given).traces_url == "http://127.0.0.1:4318/v1/traces"


def test_without_the_packages_the_start_says_what_to_install(monkeypatch):
    def missing(name: str):
        raise ImportError(name)

    monkeypatch.setattr(tracing.importlib, "import_module", missing)
    with pytest.raises(SettingsError, match="opentelemetry-sdk"):
        tracing.add_tracing(build_app, "http://127.0.0.1:4318/v1/traces")


if HAS_OPENTELEMETRY:

    async def test_a_span_tells_the_call_and_its_status_and_no_code_no_token(house):
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        spans = InMemorySpanExporter()
        app = build_app(house.settings)
        tracing._trace(app, SimpleSpanProcessor(spans))
        device = house.devices[0]
        attempt_id = str(uuid.uuid4())
        async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as client:
            headers = device.headers | {"traceparent": PARENT}
            async with client.post(f"/v1/scans/{attempt_id}/undo", json={}, headers=headers) as response:
                status = response.status
        [span] = [one for one in spans.get_finished_spans() if "undo" in one.name]
        assert span.name == "POST /v1/scans/{attempt_id}/undo"
        assert span.attributes["http.response.status_code"] == status
        assert f"{span.context.trace_id:032x}" == PARENT.split("-")[1]
        told = span.to_json()
        assert attempt_id not in told
        assert device.token not in told
