"""Traces for OpenTelemetry: one span per request, joined to whoever called. Off unless POINCON_TRACES names a
collector; where the packages that send them are missing, the start says what to install."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

from validator.settings import SettingsError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERVICE = "poincon"


def add_tracing(app: web.Application, collector_url: str) -> None:
    """collector_url: where OTLP is taken over HTTP, such as http://127.0.0.1:4318/v1/traces."""
    try:
        exporter = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        sending = importlib.import_module("opentelemetry.sdk.trace.export")
    except ImportError as error:
        told = "POINCON_TRACES needs opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http"
        raise SettingsError(f"{told}: {error}") from error
    processor = sending.BatchSpanProcessor(exporter.OTLPSpanExporter(endpoint=collector_url))
    _trace(app, processor)


def _trace(app: web.Application, processor: Any) -> None:
    sdk = importlib.import_module("opentelemetry.sdk.trace")
    resources = importlib.import_module("opentelemetry.sdk.resources")
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(processor)
    app.middlewares.insert(0, _spans(provider.get_tracer(SERVICE)))

    async def run_tracing(_: web.Application) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(provider.shutdown)  # sends what waits; its network must not hold the loop

    app.cleanup_ctx.append(run_tracing)


def _spans(tracer: Any) -> Any:
    """Names and statuses only: no address as it was sent, no header, no body is ever in a span."""
    trace = importlib.import_module("opentelemetry.trace")
    propagation = importlib.import_module("opentelemetry.trace.propagation.tracecontext")
    reader = propagation.TraceContextTextMapPropagator()

    @web.middleware
    async def span_of_request(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"
        carrier = {"traceparent": request.headers.get("traceparent", "")}
        with tracer.start_as_current_span(
            f"{request.method} {route}",
            context=reader.extract(carrier),
            kind=trace.SpanKind.SERVER,
            record_exception=False,
            attributes={"http.request.method": request.method, "http.route": route},
        ) as span:
            response = await handler(request)
            span.set_attribute("http.response.status_code", response.status)
            return response

    return span_of_request
