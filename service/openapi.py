"""The OpenAPI document: FastAPI writes it, this adds what plain ASGI routes do not tell it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from service.http import EVENT_STREAM, TIMEOUT_HEADER, DirectRoute
from service.problems import PROBLEM_TYPE, PROBLEMS
from service.schemas.aspects import AnalyzeBody, AspectsBody
from service.schemas.common import ProblemBody, TimedBody
from service.schemas.feedback import FeedbackBody
from service.schemas.generate import GenerateBody
from service.schemas.predict import ScoreBody, SentimentBody, TagsBody
from service.settings import Settings

BODIES: Final = (
    *(SentimentBody, TagsBody, AspectsBody, AnalyzeBody, ScoreBody, GenerateBody),
    FeedbackBody,
)
PREDICT_PROBLEMS: Final = (400, 404, 408, 413, 415, 422, 429, 500, 503, 504)
_REFERENCE: Final = "#/components/schemas/{model}"
_REQUEST_ID: Final = {
    "X-Request-Id": {
        "description": "The request's own id where it sent a good one, else a new one.",
        "schema": {"type": "string"},
    }
}
_EVENT: Final = {
    "description": "`token` for each piece of text, then `done`; `error`, with a problem document, "
    "where the stream breaks off.",
    "type": "object",
    "properties": {
        "event": {"enum": ["token", "done", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
}


def predict_options(body: type[TimedBody], answer: type[BaseModel]) -> dict[str, Any]:
    """Options of a prediction's route."""
    schema = {"$ref": _REFERENCE.format(model=body.__name__)}
    timeout = {
        "name": TIMEOUT_HEADER,
        "in": "header",
        "required": False,
        "description": "The answer is of no use after so many milliseconds.",
        "schema": {"type": "integer", "minimum": 1},
    }
    return {
        "responses": {200: _answer(answer), **_problems(PREDICT_PROBLEMS)},
        "openapi_extra": {
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "parameters": [timeout],
        },
        "tags": ["predict"],
        "response_model": None,
    }


def stream_options(body: type[TimedBody], answer: type[BaseModel]) -> dict[str, Any]:
    """Options of a route that answers as a stream of events or as JSON."""
    options = predict_options(body, answer)
    options["responses"][200]["content"] = {EVENT_STREAM: {"schema": _EVENT}}
    return options


def feedback_options(body: type[TimedBody], answer: type[BaseModel]) -> dict[str, Any]:
    """Options of the route for feedback, which may want a token."""
    options = predict_options(body, answer)
    options["responses"].update(_problems((401,)))
    return {**options, "tags": ["feedback"]}


def get_options(
    status: int,
    answer: type[BaseModel] | None,
    *,
    also: Mapping[int, type[BaseModel]] | None = None,
    problems: Sequence[int] = (),
    parameters: Sequence[str] = (),
    content: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Options of a route that only reads."""
    good: dict[str, Any] = {"description": "OK", "headers": _REQUEST_ID, "content": content}
    answers = {status: good if answer is None else _answer(answer)}
    answers.update({code: _answer(model) for code, model in (also or {}).items()})
    return {
        "responses": {**answers, **_problems((*problems, 500))},
        "openapi_extra": {"parameters": [_path_parameter(name) for name in parameters]},
        "tags": ["read"],
        "response_model": None,
    }


def openapi_route(app: FastAPI, settings: Settings) -> APIRoute:
    """The document itself, written once."""
    written: list[bytes] = []

    async def openapi(_: Request) -> Response:
        if not written:
            written.append(orjson.dumps(document(app, settings)))
        return Response(written[0], media_type="application/json")

    return DirectRoute(
        "/openapi.json", openapi, methods=["GET"], include_in_schema=False, response_model=None
    )


def document(app: FastAPI, settings: Settings) -> dict[str, Any]:
    """FastAPI's document, with our bodies, problems and limits."""
    found = app.openapi()
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for model in (*BODIES, ProblemBody):
        _add(schemas, model)
    for body in BODIES:
        _state_limits(schemas[body.__name__]["properties"], settings)
    for path in found["paths"].values():
        for parameter in path.get("post", {}).get("parameters", []):
            parameter["schema"]["maximum"] = settings.max_timeout_ms
    return found


def _state_limits(properties: dict[str, Any], settings: Settings) -> None:
    properties["timeout_ms"]["maximum"] = settings.max_timeout_ms
    if "prompt" in properties:
        properties["prompt"]["maxLength"] = settings.max_text_characters
        words = properties["max_new_tokens"]
        words["maximum"] = settings.max_new_tokens
        words["default"] = min(words["default"], settings.max_new_tokens)
    if "texts" in properties:
        properties["texts"]["anyOf"][0]["maxItems"] = settings.max_texts
    if "items" in properties:
        properties["items"]["maxItems"] = settings.feedback_max_items
    if "tokens" in properties:
        properties["tokens"]["maxItems"] = settings.max_texts
    if "aspects" in properties:
        asked = properties["texts"]["anyOf"][0]["items"]["anyOf"][-1]
        for aspects in (properties["aspects"], asked["properties"]["aspects"]):
            aspects["maxItems"] = settings.max_aspects


def _add(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template=_REFERENCE)
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema


def _answer(model: type[BaseModel]) -> dict[str, Any]:
    return {"model": model, "description": "OK", "headers": _REQUEST_ID}


def _problems(statuses: Sequence[int]) -> dict[int | str, Any]:
    schema = {"$ref": _REFERENCE.format(model=ProblemBody.__name__)}
    return {
        status: {
            "description": PROBLEMS[status].title,
            "content": {PROBLEM_TYPE: {"schema": schema}},
            "headers": {**_REQUEST_ID, **(_RETRY_AFTER if status in (429, 503) else {})},
        }
        for status in statuses
    }


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
