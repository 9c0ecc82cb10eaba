"""The road that every prediction takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from service.engine import Answered, Engine
from service.http import JsonResponse, parse, read_body, timeout_seconds
from service.items import GivenItem, Render
from service.patience import Patience
from service.problems import FieldError, Invalid
from service.registry import Registry
from service.schemas import PredictBody
from service.settings import Settings

STARTED: Final = "valence.started"
"""Key of the ASGI scope: when the request's head was read, in `time.monotonic()` seconds."""

Body = TypeVar("Body", bound=PredictBody)


@dataclass(frozen=True, slots=True)
class Predictor:
    """Body -> engine -> answer, for any task."""

    settings: Settings
    registry: Registry

    async def read(self, request: Request, schema: type[Body]) -> Body:
        """The request's body, checked. Raises the problems of `service.http`."""
        settings = self.settings
        raw = await read_body(
            request, limit=settings.body_limit_bytes, seconds=settings.body_timeout_seconds
        )
        return parse(schema, raw)

    async def answer(
        self, request: Request, body: PredictBody, task: str, render: Render
    ) -> Response:
        """Answer every item of `body` by the engine it names."""
        items = self._items(body)
        patience = self._patience(request, body)
        engine = await self.registry.engine(body.model, task, patience)
        with engine.lease():
            answered = await engine.answer(items, render, patience)
        return _response(engine, answered)

    def _items(self, body: PredictBody) -> Sequence[GivenItem]:
        items, limit = body.items(), self.settings.max_texts
        if not 1 <= len(items) <= limit:
            field = next(iter(body.model_fields_set.intersection(body.inputs)))
            raise Invalid([FieldError(f"send 1 to {limit} items", pointer=f"/{field}")])
        return items

    def _patience(self, request: Request, body: PredictBody) -> Patience:
        seconds = timeout_seconds(
            request,
            body.timeout_ms,
            default_ms=self.settings.default_timeout_ms,
            limit_ms=self.settings.max_timeout_ms,
        )
        return Patience(request.receive, request.scope[STARTED] + seconds)


def _response(engine: Engine, answered: Answered) -> Response:
    content = {
        "model": engine.identity,
        "results": answered.results,
        "usage": {"texts": len(answered.results), "tokens": answered.tokens},
    }
    timing = ", ".join(f"{name};dur={s * 1000:.3f}" for name, s in answered.stages.items())
    return JsonResponse(orjson.dumps(content), headers={"server-timing": timing})
