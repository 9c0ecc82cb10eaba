"""The road that every prediction takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from service.engine import Answered
from service.http import JsonResponse, parse, read_body, timeout_seconds, timing
from service.items import Render
from service.patience import Patience
from service.problems import FieldError, Invalid
from service.receipts import Receipts
from service.registry import Registry
from service.schemas.common import PredictBody, TimedBody
from service.settings import Settings
from service.tracing import STARTED

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Predictor:
    """Body -> engine -> answer, for any task."""

    settings: Settings
    registry: Registry
    receipts: Receipts

    async def read(self, request: Request, schema: type[Body]) -> Body:
        """The request's body, checked. Raises the problems of `service.http`."""
        settings = self.settings
        raw = await read_body(
            request, limit=settings.body_limit_bytes, seconds=settings.body_timeout_seconds
        )
        return parse(schema, raw)

    async def answer(
        self,
        request: Request,
        body: PredictBody,
        task: str,
        render: Render,
        *,
        receipts: bool = False,
    ) -> Response:
        """Answer every item of `body` by the engine it names, with receipts where asked."""
        self.receipts.check(asked=receipts)
        items = body.items()
        self.check_count(items, body.input_field)
        with self.patience(request, body) as patience:
            engine = await self.registry.engine(body.model, task, patience)
            with engine.lease():
                sealing = self.receipts.sealing(render, engine, asked=receipts)
                answered = await engine.answer(items, sealing, patience)
        return respond({"model": engine.identity}, answered)

    def check_count(self, items: Sequence[object], field: str) -> None:
        """Raise Invalid for no items and for too many."""
        limit = self.settings.max_texts
        if not 1 <= len(items) <= limit:
            raise Invalid([FieldError(f"send 1 to {limit} items", pointer=f"/{field}")])

    def patience(self, request: Request, body: TimedBody) -> Patience:
        """How long this caller waits. Raises Invalid for a senseless time."""
        seconds = timeout_seconds(
            request,
            body.timeout_ms,
            default_ms=self.settings.default_timeout_ms,
            limit_ms=self.settings.max_timeout_ms,
        )
        return Patience(request.receive, request.scope[STARTED] + seconds)


def respond(head: Mapping[str, Any], answered: Answered) -> Response:
    """The answer: who gave it, the results in order, what was read, and the time of each stage."""
    usage = {"texts": len(answered.results), "tokens": answered.tokens}
    content = {**head, "results": answered.results, "usage": usage}
    headers = {"server-timing": timing(answered.stages)}
    return JsonResponse(orjson.dumps(content), headers=headers)
