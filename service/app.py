"""The application: settings in, an ASGI callable out."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from model_store import Store
from service.feedback_client import FeedbackClient
from service.gate import Gate
from service.loader import open_settings_store
from service.metrics import Metrics, package_version
from service.openapi import openapi_route
from service.receipts import Receipts
from service.registry import Registry
from service.routes.analyze import analyze_route
from service.routes.aspects import aspects_route
from service.routes.feedback import feedback_route
from service.routes.generate import generate_route
from service.routes.health import health_route, metrics_route, ready_route
from service.routes.models import model_route, models_route
from service.routes.predict import Predictor
from service.routes.score import score_route
from service.routes.sentiment import sentiment_route
from service.routes.tags import tags_route
from service.settings import Settings
from service.threads import in_daemon_thread
from service.tracing import Tracer, open_tracer

OpenStore = Callable[[Settings], Store]
FLUSH_SECONDS: Final = 3.0


class Service:
    """An ASGI application. `running()` (or the server's lifespan) keeps its models loaded.

    The gate stands before FastAPI's router, not behind its middleware: problems, counts and ids are
    the gate's, and a request passes through nothing else. Raises MissingExtraError where the
    settings ask for traces and their packages are not installed.
    """

    def __init__(
        self,
        settings: Settings,
        open_store: OpenStore = open_settings_store,
        *,
        tracer: Tracer | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.registry = Registry(settings, self.metrics, open_store=open_store)
        self.feedback = FeedbackClient(settings, self.metrics)
        self.api = _api(self)
        log_requests = settings.log_level == "debug"
        self.tracer = tracer or open_tracer(settings)
        self.gate = Gate(
            self.api.router, self.metrics, log_requests=log_requests, tracer=self.tracer
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self.api
        await self.gate(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Service"]:
        """Load what is to be served and follow its aliases until the block ends."""
        work = (
            self.registry.watch(),
            self._watch_readiness(),
            self.feedback.watch(self._is_ready),
        )
        tasks = [asyncio.create_task(one) for one in work]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self.registry.close()
            self.feedback.close()
            await self.flush()

    async def _watch_readiness(self) -> None:
        """The gauge is right even where nobody asks /readyz."""
        while True:
            answers, _ = await self.registry.readiness()
            self.metrics.ready.set(answers and not self.gate.closing)
            await asyncio.sleep(self.settings.poll_interval_seconds)

    async def flush(self, *, seconds: float = FLUSH_SECONDS) -> None:
        """Send the last spans; a collector that does not answer holds up the exit no longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await in_daemon_thread(self.tracer.close, name="flush")

    async def ready(self, *, seconds: float = 60.0) -> bool:
        """Wait until every served model answers; False when that takes longer than `seconds`."""
        until = time.monotonic() + seconds
        while not await self._is_ready():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.01)
        return True

    async def _is_ready(self) -> bool:
        return (await self.registry.readiness())[0]


def create_app(
    settings: Settings | None = None, *, open_store: OpenStore = open_settings_store
) -> Service:
    """The service for `settings` (default: from the environment); nothing is loaded yet."""
    return Service(settings or Settings(), open_store)


def _api(service: Service) -> FastAPI:
    """FastAPI as router and as author of the OpenAPI document. No page that fetches a script."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    api = FastAPI(
        title="Valence",
        version=package_version(),
        description="Sentiment, tags, aspects and language models over HTTP.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    predictor = Predictor(service.settings, service.registry, Receipts(service.settings))
    api.router.routes += [
        sentiment_route(predictor),
        tags_route(predictor),
        aspects_route(predictor),
        analyze_route(predictor),
        score_route(predictor),
        generate_route(predictor, service.metrics),
        feedback_route(predictor, service.feedback, service.metrics),
        models_route(service.registry),
        model_route(service.registry),
        health_route(),
        ready_route(service.registry, service.metrics, lambda: service.gate.closing),
        metrics_route(service.metrics),
        openapi_route(api, service.settings),
    ]
    return api
