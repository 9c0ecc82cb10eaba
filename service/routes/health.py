"""GET /healthz, /readyz and /metrics: for orchestrators and Prometheus."""

from collections.abc import Callable

from fastapi.routing import APIRoute
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from service.http import DirectRoute, json_response
from service.metrics import Metrics
from service.openapi import get_options
from service.registry import Registry
from service.schemas.models import Health, Readiness


def health_route() -> APIRoute:
    """Liveness: the process is there and its event loop turns."""

    async def healthz(_: Request) -> Response:
        """200 while the process lives. Restart it when this fails."""
        return json_response({"status": "ok"})

    options = get_options(200, Health)
    return DirectRoute("/healthz", healthz, methods=["GET"], **options)


def ready_route(registry: Registry, metrics: Metrics, closing: Callable[[], bool]) -> APIRoute:
    """Readiness; `closing` says whether the service is about to stop."""

    async def readyz(_: Request) -> Response:
        """200 only when every served model answers: lately by itself, else a golden item now."""
        answers, states = await registry.readiness()
        ready = answers and not closing()
        metrics.ready.set(ready)
        return json_response({"ready": ready, "models": states}, 200 if ready else 503)

    options = get_options(200, Readiness, also={503: Readiness})
    return DirectRoute("/readyz", readyz, methods=["GET"], **options)


def metrics_route(metrics: Metrics) -> APIRoute:
    """Prometheus text format."""

    async def scrape(_: Request) -> Response:
        """Counters, gauges and histograms; no text of any request is in them."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    text = {"text/plain": {"schema": {"type": "string"}}}
    options = get_options(200, None, content=text)
    return DirectRoute("/metrics", scrape, methods=["GET"], **options)
