"""What a request can be refused for: each class carries its HTTP status and public sentence.

Problem
├── MalformedBody      400  the body is no JSON
├── Unauthorized       401  the route wants a token
├── NotFound           404  no such route, model or version
├── MethodNotAllowed   405
├── BodyTimeout        408  the body did not arrive in time
├── BodyTooLarge       413
├── WrongContentType   415
├── Invalid            422  the JSON is not what the route takes; `errors` say where
├── Overloaded         429  the queue is full
├── ClientLeft         499  for logs and metrics only: nobody is there to read it
├── InternalError      500  answered with an opaque id only
├── NotReady           503  the model is not loaded, is stuck, or its store does not answer
└── DeadlinePassed     504

Answers are RFC 9457 problem documents. No message ever repeats what the caller sent.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import orjson

PROBLEM_TYPE: Final = "application/problem+json"
TOO_LATE: Final = "the request's time was over before it could be answered"
_URN: Final = "urn:problem-type:valence:"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a request: a JSON pointer into the body, or a header's name."""

    detail: str
    pointer: str | None = None
    header: str | None = None

    def to_dict(self) -> dict[str, str]:
        place = {"pointer": self.pointer, "header": self.header}
        return {"detail": self.detail, **{k: v for k, v in place.items() if v is not None}}


class Problem(Exception):  # noqa: N818 - named as RFC 9457 names it
    """Base: a refusal with a status and a sentence anybody may read."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors: tuple[FieldError, ...] = ()

    def body(self, request_id: str) -> bytes:
        """The problem document, RFC 9457."""
        document: dict[str, Any] = {
            "type": _URN + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:request:{request_id}",
        }
        if self.errors:
            document["errors"] = [error.to_dict() for error in self.errors]
        return orjson.dumps(document)


class MalformedBody(Problem):
    status, code, title = 400, "malformed-body", "Malformed body"


class Unauthorized(Problem):
    status, code, title = 401, "unauthorized", "Unauthorized"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class NotFound(Problem):
    status, code, title = 404, "not-found", "Not found"


class MethodNotAllowed(Problem):
    status, code, title = 405, "method-not-allowed", "Method not allowed"


class BodyTimeout(Problem):
    status, code, title = 408, "body-timeout", "Body timeout"


class BodyTooLarge(Problem):
    status, code, title = 413, "body-too-large", "Body too large"


class WrongContentType(Problem):
    status, code, title = 415, "wrong-content-type", "Wrong content type"


class Invalid(Problem):
    """Raised with every fault that was found."""

    status, code, title = 422, "invalid", "Invalid request"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(errors[0].detail)
        self.errors = tuple(errors)


class Overloaded(Problem):
    """`retry_seconds`: when the queue will have room, by the speed measured so far."""

    status, code, title = 429, "overloaded", "Too many requests"

    def __init__(self, detail: str, *, retry_seconds: float) -> None:
        super().__init__(detail, headers=_retry_after(retry_seconds))


class ClientLeft(Problem):
    status, code, title = 499, "client-left", "Client left"


class InternalError(Problem):
    pass


class NotReady(Problem):
    status, code, title = 503, "not-ready", "Not ready"

    def __init__(self, detail: str, *, retry_seconds: float = 1.0) -> None:
        super().__init__(detail, headers=_retry_after(retry_seconds))


class DeadlinePassed(Problem):
    status, code, title = 504, "deadline-passed", "Deadline passed"


PROBLEMS: Final[dict[int, type[Problem]]] = {
    problem.status: problem
    for problem in (
        MalformedBody, Unauthorized, NotFound, MethodNotAllowed, BodyTimeout, BodyTooLarge,
        WrongContentType, Invalid, Overloaded, ClientLeft, InternalError, NotReady, DeadlinePassed,
    )
}  # fmt: skip


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(min(60, max(1, math.ceil(seconds))))}
