"""The outermost layer: a request's id, its time, its place in the metrics, and its problems."""

import asyncio
import re
import time
from contextlib import suppress
from random import Random
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.calls import CALL, Call
from service.http import EVENT_STREAM, event
from service.logs import describe
from service.metrics import OTHER, ROUTES, Metrics, outcome_of
from service.problems import (
    PROBLEM_TYPE,
    ClientLeft,
    InternalError,
    MethodNotAllowed,
    NotFound,
    NotReady,
    Problem,
)
from service.tracing import STARTED, NoTracer, Tracer

log = structlog.get_logger()
_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_IDS: Final = Random()  # noqa: S311
LAST_WORDS_SECONDS: Final = 1.0
_MODEL_PREFIX: Final = "/v1/models/"


class Gate:
    """Answers every request, whatever happens behind it, and counts it once.

    An id of up to 128 of A-Z a-z 0-9 . _ - in X-Request-Id is taken over, any other replaced.
    `closing`: answers ask the client to close its connection, so that it goes elsewhere.
    `log_requests`: a line each at level debug, without its text.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        *,
        log_requests: bool = False,
        tracer: Tracer | None = None,
    ) -> None:
        self.closing = False
        self._log_requests = log_requests
        self._app = app
        self._metrics = metrics
        self._tracer = tracer or NoTracer()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(_request_id(scope), send, closing=self.closing)
        scope[STARTED] = time.monotonic()
        route, request_id = route_of(scope), exchange.request_id
        call = Call(request_id, self._tracer.begin(scope, route=route, request_id=request_id))
        token = CALL.set(call)
        self._metrics.in_flight.inc()
        try:
            await self._run(scope, receive, exchange)
        finally:
            self._metrics.in_flight.dec()
            # No status: cancelled before anything was sent, and so without an answer.
            self._end(call, route, exchange.status or ClientLeft.status, started=scope[STARTED])
            CALL.reset(token)

    async def _run(self, scope: Scope, receive: Receive, exchange: "Exchange") -> None:
        try:
            await self._app(scope, receive, exchange.send)
        except Problem as problem:
            await self._refuse(exchange, problem)
        except asyncio.CancelledError:  # the time to drain is over: a stream says so
            if exchange.streams:
                await self._refuse(exchange, NotReady("the service is stopping"))
            raise
        except HTTPException as error:  # the router's own: no such path, no such method
            await self._refuse(exchange, _router_problem(error))
        except Exception as error:  # noqa: BLE001 - the last one who can answer
            incident = exchange.request_id
            log.error("request_failed", incident=incident, route=route_of(scope), **describe(error))
            detail = f"something went wrong here; the log has it as {incident}"
            await self._refuse(exchange, InternalError(detail))

    async def _refuse(self, exchange: "Exchange", problem: Problem) -> None:
        self._metrics.rejected.labels(problem.code).inc()
        await exchange.send_problem(problem)

    def _end(self, call: Call, route: str, status: int, *, started: float) -> None:
        seconds = time.monotonic() - started
        self._metrics.requests.labels(route, str(status)).inc()
        self._metrics.duration.labels(route, outcome_of(status)).observe(seconds)
        call.span.end(call, status)
        if self._log_requests:
            said = {"status": status, "seconds": round(seconds, 6), "models": [*call.versions]}
            log.debug("request", route=route, **said, texts=call.texts, tokens=call.tokens)


class Exchange:
    """One answer under way: adds the headers every answer has, remembers its status.

    streams: it is a stream of events that has begun and has not ended. One that breaks off counts
    under the status of the problem that it ends with.
    """

    __slots__ = ("_closing", "_send", "request_id", "status", "streams")

    def __init__(self, request_id: str, send: Send, *, closing: bool) -> None:
        self.request_id = request_id
        self.status = 0
        self.streams = False
        self._send = send
        self._closing = closing

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"]
            self.streams = (b"content-type", EVENT_STREAM.encode()) in headers
            headers.append((b"x-request-id", self.request_id.encode()))
            headers.append((b"x-content-type-options", b"nosniff"))
            if self._closing:
                headers.append((b"connection", b"close"))
        elif not message.get("more_body", False):
            self.streams = False
        await self._send(message)

    async def send_problem(self, problem: Problem) -> None:
        """As the answer, or as the last event of a stream. Where any other answer is already on
        its way there is nothing left to say.
        """
        body = problem.body(self.request_id)
        if self.streams:
            await self._end_stream(event("error", body))
            self.status = problem.status  # what it came to, for the metrics
        if self.status:
            return
        headers = [
            (b"content-type", PROBLEM_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
        ]
        start = {"type": "http.response.start", "status": problem.status, "headers": headers}
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})

    async def _end_stream(self, last: bytes) -> None:
        """A client that reads nothing is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self.send({"type": "http.response.body", "body": last})


def _router_problem(error: HTTPException) -> Problem:
    allowed = dict(error.headers or {})
    if error.status_code == MethodNotAllowed.status:
        allow = allowed.get("Allow", "")
        return MethodNotAllowed(f"this route takes {allow}", headers=allowed)
    return NotFound("there is no such route; /openapi.json lists them")


def route_of(scope: Scope) -> str:
    """The route's name for metrics: never a path that a caller made up."""
    path: str = scope["path"]
    if path in ROUTES:
        return path
    return "/v1/models/{name}" if path.startswith(_MODEL_PREFIX) else OTHER


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return str(value, "ascii")
    return f"{_IDS.getrandbits(64):016x}"  # to find a request by, not to guard one
