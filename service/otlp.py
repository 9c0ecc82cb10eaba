"""Spans by OpenTelemetry, sent over OTLP/HTTP; names by its semantic conventions for HTTP servers.

A request's span has the caller's trace for a parent where `traceparent` says so, and children for
encode, queue, forward and decode with their real times. Headers of the collector, its certificate
and resource attributes come from the usual OTEL_* variables (OTEL_EXPORTER_OTLP_HEADERS, for one):
they are secrets, or nothing that the service needs to know.

Left out on purpose: `url.path` of what is no route, the query, the client's address, its user agent
and its `tracestate`. Each is what a stranger wrote. No answer carries anything of a trace.
"""

import time
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.service_attributes import SERVICE_NAME, SERVICE_VERSION
from opentelemetry.semconv.attributes.url_attributes import URL_PATH, URL_SCHEME
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from starlette.types import Scope

from service.calls import Call, Work
from service.metrics import OTHER, package_version
from service.tracing import NO_SPAN, STARTED, Span, Stage

EXPORT_SECONDS: Final = 5.0
UNTRACED: Final = ("/healthz", "/readyz", "/metrics")
"""Asked every few seconds by machines, and never of interest."""

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
_PARENT: Final = b"traceparent"
_W3C: Final = TraceContextTextMapPropagator()


def otlp_tracer(endpoint: str, *, ratio: float) -> "OtlpTracer":
    """Sends batches from a thread of its own; where the collector is down, spans are dropped."""
    exporter = OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS)
    return OtlpTracer(BatchSpanProcessor(exporter), ratio=ratio)


class OtlpTracer:
    """ratio: the share of requests that is recorded where the caller did not decide it."""

    def __init__(self, processor: SpanProcessor, *, ratio: float) -> None:
        ours = Resource({SERVICE_NAME: "valence", SERVICE_VERSION: package_version()})
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(ratio)),
            resource=ours.merge(OTELResourceDetector().detect()),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("valence", package_version())

    def begin(self, scope: Scope, *, route: str, request_id: str) -> Span:
        if route in UNTRACED:
            return NO_SPAN
        shift = time.time_ns() - time.monotonic_ns()
        method = scope["method"] if scope["method"] in METHODS else "HTTP"
        span = self._tracer.start_span(
            method if route == OTHER else f"{method} {route}",
            context=_caller(scope),
            kind=trace.SpanKind.SERVER,
            attributes=_attributes(scope, route, request_id),
            start_time=_nanoseconds(scope[STARTED], shift),
        )
        return OtlpSpan(self._tracer, span, shift)

    def close(self) -> None:
        self._provider.shutdown()


class OtlpSpan:
    """shift: nanoseconds from the monotonic clock to the time of day, as the request began."""

    __slots__ = ("_shift", "_span", "_tracer")

    def __init__(self, tracer: trace.Tracer, span: trace.Span, shift: int) -> None:
        self._tracer = tracer
        self._span = span
        self._shift = shift

    @property
    def trace_id(self) -> str:
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    @property
    def recording(self) -> bool:
        return self._span.is_recording()

    def work(self, work: Work) -> None:
        context = trace.set_span_in_context(self._span)
        for stage in work.stages:
            self._child(context, stage, work)

    def _child(self, context: Context, stage: Stage, work: Work) -> None:
        version = work.version
        attributes: dict[str, AttributeValue] = {
            "valence.model.name": version.name,
            "valence.model.version": version.number,
        }
        if stage.name == "forward":
            attributes |= {"valence.steps": work.steps, "valence.queue.seconds": work.queued}
        child = self._tracer.start_span(
            stage.name,
            context=context,
            attributes=attributes,
            start_time=_nanoseconds(stage.begun, self._shift),
        )
        child.end(_nanoseconds(stage.ended, self._shift))

    def end(self, call: Call, status: int) -> None:
        span = self._span
        span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)
        span.set_attribute("valence.models", tuple(call.versions))
        span.set_attribute("valence.texts", call.texts)
        span.set_attribute("valence.tokens", call.tokens)
        if status >= 500:
            span.set_attribute(ERROR_TYPE, str(status))
            span.set_status(trace.StatusCode.ERROR)
        span.end()


def _attributes(scope: Scope, route: str, request_id: str) -> dict[str, AttributeValue]:
    method = scope["method"]
    found: dict[str, AttributeValue] = {
        HTTP_REQUEST_METHOD: method if method in METHODS else "_OTHER",
        URL_SCHEME: scope.get("scheme", "http"),
        "valence.request_id": request_id,
    }
    if route != OTHER:
        found[HTTP_ROUTE] = route
    if route == scope["path"]:
        found[URL_PATH] = route
    return found


def _caller(scope: Scope) -> Context:
    """The span that the request was made in; none where there is no one good `traceparent`."""
    given = [value for name, value in scope["headers"] if name == _PARENT]
    if len(given) != 1:
        return Context()
    return _W3C.extract({"traceparent": given[0].decode("latin-1")}, Context())


def _nanoseconds(monotonic: float, shift: int) -> int:
    return round(monotonic * 1e9) + shift
