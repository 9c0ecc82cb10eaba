"""POST /v1/generate: a text gone on with, as it is written."""

import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import ASGIApp

from nlp.generation import Generation, GenerationPolicy
from nlp.search import Sampling
from service.calls import Stages
from service.engine import Engine
from service.http import DirectRoute, EventStream, JsonResponse, event, timing
from service.metrics import Metrics
from service.openapi import stream_options
from service.patience import Patience
from service.problems import FieldError, Invalid
from service.routes.predict import Predictor
from service.schemas.generate import MAX_SEED, GenerateBody, GenerateResponse
from service.tracing import STARTED

TASK = "language-model"


@dataclass(frozen=True, slots=True)
class Writing:
    """One request under way."""

    predictor: Predictor
    body: GenerateBody
    policy: GenerationPolicy
    patience: Patience
    seconds: dict[str, float] = field(default_factory=dict)
    """Of each stage, once "done" was yielded."""

    async def events(self) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
        """Each piece of text as "token", then "done". Whoever reads them closes them."""
        body, patience = self.body, self.patience
        with patience:
            engine = await self.predictor.registry.engine(body.model, TASK, patience)
            with engine.lease(), Stages(engine.version) as stages:
                generation = await engine.begin(body.prompt, self.policy, stages=stages)
                writing = engine.write(generation, patience, stages=stages)
                async with aclosing(writing) as pieces:
                    async for piece in pieces:
                        yield "token", {"text": piece}
                self.seconds.update(stages.seconds())
            yield "done", self._done(engine, generation)

    def _done(self, engine: Engine, generation: Generation) -> dict[str, Any]:
        seed = {} if self.policy.beams else {"seed": self.policy.sampling.seed}
        return {
            "model": engine.identity,
            "text": generation.text,
            "finish_reason": generation.finish_reason,
            "tokens": len(generation.tokens),
            "log_probability": generation.log_probability,
            "prompt_tokens": generation.prompt_tokens,
            "prompt_tokens_read": generation.prompt_tokens_read,
            **seed,
        }


def generate_route(predictor: Predictor, metrics: Metrics) -> APIRoute:
    """The route, described for OpenAPI."""

    async def generate(request: Request) -> ASGIApp:
        """The text that a language model writes behind the prompt.

        As server-sent events: `token` for each piece of text, `done` with the whole, or `error`
        with a problem document where it breaks off. With `"stream": false` one JSON object.
        """
        body = await predictor.read(request, GenerateBody)
        patience = predictor.patience(request, body)
        policy = _policy(body, predictor.settings.max_new_tokens)
        writing = Writing(predictor, body, policy, patience)
        events = writing.events()
        first = await anext(events)
        metrics.first_piece.observe(time.monotonic() - request.scope[STARTED])
        if body.stream:
            return EventStream(_event(*first), _written(events), deadline=patience.deadline)
        async with aclosing(events):
            last = [data async for _, data in events]
        content = orjson.dumps(last[-1] if last else first[1])
        return JsonResponse(content, headers={"server-timing": timing(writing.seconds)})

    options = stream_options(GenerateBody, GenerateResponse)
    return DirectRoute("/v1/generate", generate, methods=["POST"], **options)


def _policy(body: GenerateBody, limit: int) -> GenerationPolicy:
    """Raises Invalid where more is asked than this service writes."""
    if body.max_new_tokens > limit and "max_new_tokens" in body.model_fields_set:
        raise Invalid([FieldError(f"must be at most {limit}", pointer="/max_new_tokens")])
    words = min(body.max_new_tokens, limit)
    seed = body.seed if "seed" in body.model_fields_set else secrets.randbelow(MAX_SEED + 1)
    sampling = Sampling(body.temperature, body.top_k, body.top_p, seed)
    return GenerationPolicy(words, sampling, body.beam_width, body.length_penalty)


async def _written(events: AsyncGenerator[tuple[str, dict[str, Any]]]) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        async for name, data in events:
            yield _event(name, data)


def _event(name: str, data: dict[str, Any]) -> bytes:
    return event(name, orjson.dumps(data))
