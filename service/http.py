"""The edges of HTTP: bounded bodies, strict JSON, deadlines; nothing here knows a model."""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final, TypeVar

import orjson
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import (
    TOO_LATE,
    BodyTimeout,
    BodyTooLarge,
    ClientLeft,
    DeadlinePassed,
    FieldError,
    Invalid,
    MalformedBody,
    WrongContentType,
)

TIMEOUT_HEADER: Final = "X-Request-Timeout-Ms"
_JSON_TYPE: Final = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json *(?:;.*)?", re.IGNORECASE)
_DIGITS: Final = re.compile(r"[0-9]{1,9}")
_DRAIN_SECONDS: Final = 1.0
_DRAIN_BYTES: Final = 16 * 1024 * 1024
_CLOSE: Final = {"Connection": "close"}
EVENT_STREAM: Final = "text/event-stream"
_STREAM_HEADERS: Final = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
"""No proxy may keep events back."""

Body = TypeVar("Body", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[ASGIApp]]


class DirectRoute(APIRoute):
    """A FastAPI route that calls its endpoint with the request and nothing between.

    Dependency injection and its exit stacks cost more than a small model's forward. FastAPI still
    finds the route and describes it in the OpenAPI document.
    """

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:  # noqa: ANN401
        super().__init__(path, endpoint, **options)

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            response = await endpoint(Request(scope, receive))
            await response(scope, receive, send)

        self.app = call


class JsonResponse(Response):
    """Bytes that are JSON already."""

    media_type = "application/json"


class EventStream:
    """Server-sent events, each as `event` writes it. Raises DeadlinePassed from a client that reads
    too slowly: what it leaves unread must not keep a model in memory for ever.

    `events` is closed at the end, whatever that is. deadline: a `time.monotonic()`.
    """

    def __init__(self, first: bytes, events: AsyncGenerator[bytes], *, deadline: float) -> None:
        self._first = first
        self._events = events
        self._deadline = deadline

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        headers = [(b"content-type", EVENT_STREAM.encode()), *_STREAM_HEADERS]
        async with aclosing(self._events):
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send(send, self._first, more=True)
            async for body in self._events:
                await self._send(send, body, more=True)
            await self._send(send, b"", more=False)

    async def _send(self, send: Send, body: bytes, *, more: bool) -> None:
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                await send({"type": "http.response.body", "body": body, "more_body": more})
        except TimeoutError:
            raise DeadlinePassed(TOO_LATE) from None


def event(name: str, data: bytes) -> bytes:
    """One server-sent event; `data` is JSON in one line."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def timing(stages: Mapping[str, float]) -> str:
    """A Server-Timing header's value, milliseconds from seconds."""
    return ", ".join(f"{name};dur={seconds * 1000:.3f}" for name, seconds in stages.items())


def json_response(content: object, status: int = 200) -> Response:
    return JsonResponse(orjson.dumps(content), status)


async def read_body(request: Request, *, limit: int, seconds: float) -> bytes:
    """The whole body, counted while it streams in.

    Raises WrongContentType, BodyTooLarge (what the Content-Length claims does not matter), and
    BodyTimeout.
    """
    _check_content_type(request.headers.get("content-type"))
    message = await _receive(request, seconds)
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False) and len(body) <= limit:
        return body
    return await _read_more(request, body, message, limit=limit, seconds=seconds)


async def _receive(request: Request, seconds: float) -> Message:
    try:
        async with asyncio.timeout(seconds):
            message = await request.receive()
    except TimeoutError:
        raise BodyTimeout("the body did not arrive in time", headers=_CLOSE) from None
    if message["type"] == "http.disconnect":
        raise ClientLeft("the client left before its request was complete")
    return message


async def _read_more(
    request: Request,
    body: bytes,
    message: Message,
    *,
    limit: int,
    seconds: float,
) -> bytes:
    parts, size, until = [body], len(body), time.monotonic() + seconds
    while message.get("more_body", False) and size <= limit:
        message = await _receive(request, until - time.monotonic())
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if size > limit:
        await _discard(request)
        raise BodyTooLarge(f"the body is larger than {limit} bytes", headers=_CLOSE)
    return b"".join(parts)


async def _discard(request: Request) -> None:
    """Read on a little, so that the refusal reaches a client that is still sending."""
    more, left = True, _DRAIN_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while more and left > 0:
                message = await request.receive()
                more = message.get("more_body", False)
                left -= len(message.get("body", b""))


def _check_content_type(content_type: str | None) -> None:
    if content_type is not None and not _JSON_TYPE.fullmatch(content_type.strip()):
        raise WrongContentType("send application/json (or no content type)")


def parse(schema: type[Body], body: bytes) -> Body:
    """Bytes to a request. Raises MalformedBody for what is no JSON, Invalid for the wrong JSON."""
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        if error.errors(include_input=False, include_url=False)[0]["type"] != "json_invalid":
            raise _invalid(error, schema) from None
    return _parse_surrogates(schema, body)


def _parse_surrogates(schema: type[Body], body: bytes) -> Body:
    r"""JSON may spell a lone surrogate (`"\ud800"`): the item that holds it fails alone.

    pydantic's own parser refuses the whole body; Python's lets it through.
    """
    if b"\\u" not in body.lower():
        raise MalformedBody("the body is not JSON in UTF-8")
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise MalformedBody("the body is not JSON in UTF-8") from None
    try:
        return schema.model_validate(found)
    except ValidationError as error:
        raise _invalid(error, schema) from None


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _invalid(error: ValidationError, schema: type[BaseModel]) -> Invalid:
    details = error.errors(include_input=False, include_url=False, include_context=False)
    return Invalid([_field_error(detail["type"], detail["loc"], detail["msg"], schema)
                    for detail in details[:20]])  # fmt: skip


def _field_error(
    kind: str, place: tuple[int | str, ...], message: str, schema: type[BaseModel]
) -> FieldError:
    """pydantic's fault as ours. The name of an unknown field is the caller's text: left out."""
    unknown = kind == "extra_forbidden"
    pointer = "".join(f"/{part}" for part in (place[:-1] if unknown else place))
    if not unknown:
        return FieldError(message, pointer=pointer)
    known = "" if pointer else f"; known: {', '.join(schema.model_fields)}"
    return FieldError(f"an unknown field{known}", pointer=pointer)


def timeout_seconds(request: Request, asked_ms: int, *, default_ms: int, limit_ms: int) -> float:
    """The shorter of header and body, else the default. Raises Invalid outside 1..`limit_ms`.

    asked_ms: what the body says, 0 for nothing.
    """
    header = request.headers.get(TIMEOUT_HEADER)
    if header is None and not asked_ms:
        return default_ms / 1000
    errors = []
    if header is not None and not (_DIGITS.fullmatch(header) and 0 < int(header) <= limit_ms):
        errors.append(FieldError(f"must be 1 to {limit_ms} milliseconds", header=TIMEOUT_HEADER))
    if asked_ms > limit_ms:
        errors.append(FieldError(f"must be at most {limit_ms}", pointer="/timeout_ms"))
    if errors:
        raise Invalid(errors)
    return min(int(header or limit_ms), asked_ms or limit_ms) / 1000
