"""POST /v1/analyze: sentiment, tags and aspects of texts that are split into words once."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar, get_args

import orjson
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from nlp.tasks.base import AspectItem
from service.engine import Answered, Engine
from service.http import DirectRoute, JsonResponse, timing
from service.items import Refused
from service.judging import AskedItem, Judges, Named, asked_items, find_judges, render_aspects
from service.openapi import predict_options
from service.patience import Patience
from service.places import render_in
from service.problems import NotFound
from service.routes.predict import Predictor
from service.schemas.aspects import AnalyzeBody, AnalyzeResponse, Part

T = TypeVar("T")
TASKS: Final[dict[Part, str]] = {"sentiment": "sentiment", "tags": "tagging"}
"""The task of each part that one engine answers."""


@dataclass(slots=True)
class Cast:
    """Who answers which part, and which parts nobody can."""

    engines: dict[Part, Engine] = field(default_factory=dict)
    judges: Judges | None = None
    missing: dict[Part, NotFound] = field(default_factory=dict)

    def identities(self) -> dict[str, Any]:
        """The version of each model that answers."""
        found: dict[str, Any] = {part: engine.identity for part, engine in self.engines.items()}
        if self.judges is not None:
            found["aspects"] = self.judges.judge.identity
            if self.judges.finder is not None:
                found["extraction"] = self.judges.finder.identity
        return found


@dataclass(frozen=True, slots=True)
class Analysis:
    """One request under way."""

    predictor: Predictor
    body: AnalyzeBody
    texts: Sequence[str]
    items: Sequence[AskedItem]
    patience: Patience

    async def cast(self, leases: ExitStack) -> Cast:
        """Find the engines. A part that nobody asked for by name may be missing.

        Raises NotFound for one that is asked for, and where every part is missing.
        """
        cast = Cast()
        for part in self.body.parts or get_args(Part):
            try:
                await self._add(cast, part, leases)
            except NotFound as problem:
                if self._is_asked(part):
                    raise
                cast.missing[part] = problem
        if not cast.identities():
            raise next(iter(cast.missing.values()))
        return cast

    async def answers(self, cast: Cast) -> dict[Part, Answered]:
        """Every part at the same time."""
        encoding, patience = self.body.offset_encoding, self.patience
        sealing = partial(self.predictor.receipts.sealing, asked=self.body.receipts)
        work: dict[Part, Coroutine[Any, Any, Answered]] = {
            part: engine.answer(self.texts, sealing(render_in(encoding), engine), patience)
            for part, engine in cast.engines.items()
        }
        if cast.judges is not None:
            render = render_aspects(encoding, attention=self.body.attention)
            sealed = sealing(render, cast.judges.judge)
            work["aspects"] = cast.judges.answer(self.items, sealed, patience)
        return dict(zip(work, await together(*work.values()), strict=True))

    async def _add(self, cast: Cast, part: Part, leases: ExitStack) -> None:
        registry, models = self.predictor.registry, self.body.models
        if part == "aspects":
            cast.judges = await find_judges(
                registry,
                self.items,
                self.patience,
                leases,
                judge=Named(models.aspects, "/models/aspects"),
                finder=Named(models.extraction, "/models/extraction"),
            )
            return
        reference, pointer = getattr(models, part), f"/models/{part}"
        engine = await registry.engine(reference, TASKS[part], self.patience, pointer=pointer)
        cast.engines[part] = leases.enter_context(engine.lease())

    def _is_asked(self, part: Part) -> bool:
        if part in self.body.parts or getattr(self.body.models, part):
            return True
        given = any(not isinstance(item, str) for item in self.items)
        return part == "aspects" and (given or bool(self.body.models.extraction))


def analyze_route(predictor: Predictor) -> APIRoute:
    """The route, described for OpenAPI."""

    async def analyze(request: Request) -> Response:
        """Sentiment, tags and aspects of each text, in order, in one call.

        Parts that are not asked for in `parts` and have no model here are left out and named in
        `missing`. A part that fails for one text is named in that text's `errors`.
        """
        body = await predictor.read(request, AnalyzeBody)
        predictor.receipts.check(asked=body.receipts)
        items = asked_items(body, predictor.settings.max_aspects)
        predictor.check_count(items, body.input_field)
        texts = [_text(item, asked.text) for item, asked in zip(items, body.asked(), strict=True)]
        with predictor.patience(request, body) as patience, ExitStack() as leases:
            analysis = Analysis(predictor, body, texts, items, patience)
            cast = await analysis.cast(leases)
            answers = await analysis.answers(cast)
        return _respond(cast, answers, len(texts))

    options = predict_options(AnalyzeBody, AnalyzeResponse)
    return DirectRoute("/v1/analyze", analyze, methods=["POST"], **options)


def _text(item: AskedItem, text: str) -> str:
    """The very text that remembers its words."""
    if isinstance(item, AspectItem):
        return item.text
    return text if isinstance(item, Refused) else item


def _respond(cast: Cast, answers: Mapping[Part, Answered], count: int) -> Response:
    results = [
        _result({part: answered.results[i] for part, answered in answers.items()})
        for i in range(count)
    ]
    content = {
        "models": cast.identities(),
        "missing": {part: problem.detail for part, problem in cast.missing.items()},
        "results": results,
        "usage": {"texts": count, "tokens": max(one.tokens for one in answers.values())},
    }
    stages = {
        f"{part}-{stage}": seconds
        for part, answered in answers.items()
        for stage, seconds in answered.stages.items()
    }
    return JsonResponse(orjson.dumps(content), headers={"server-timing": timing(stages)})


def _result(parts: Mapping[Part, dict[str, Any]]) -> dict[str, Any]:
    """One text's parts; those that failed are named in `errors`."""
    errors = {part: result["error"] for part, result in parts.items() if "error" in result}
    found = {part: result for part, result in parts.items() if part not in errors}
    merged: dict[str, Any] = {"sentiment": found["sentiment"]} if "sentiment" in found else {}
    if "tags" in found:
        merged["tokens"] = found["tags"]["tokens"]
    if "aspects" in found:
        merged["aspects"] = found["aspects"]["aspects"]
    receipts = {part: _receipt(result) for part, result in found.items() if "receipt" in result}
    if receipts:
        merged["receipts"] = receipts
    return {**merged, "errors": errors} if errors else merged


def _receipt(result: dict[str, Any]) -> dict[str, Any]:
    """Taken from a part, so that those of all parts stand in one place."""
    return {"id": result.pop("id"), "receipt": result.pop("receipt")}


async def together(*work: Coroutine[Any, Any, T]) -> list[T]:
    """All results. The first that fails ends the others, and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
