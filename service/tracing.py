"""What the service knows of tracing: spans are off by default, and then nothing is done for them.

`service.otlp` has spans that go to a collector. It is imported where an endpoint is set, for it
needs the extra `tracing`.
"""

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from starlette.types import Scope

from service.settings import Settings

if TYPE_CHECKING:
    from service.calls import Call, Work

STARTED: Final = "valence.started"
"""Key of the ASGI scope: when the request's head was read, in `time.monotonic()` seconds."""


class MissingExtraError(Exception):
    """A setting needs packages that are not there; the message says what to install."""


class Stage(NamedTuple):
    """A part of a request's time, from and to a `time.monotonic()`."""

    name: str
    begun: float
    ended: float


class Span(Protocol):
    """One request's span. trace_id: 32 hex digits for the log, empty where there is no trace."""

    @property
    def trace_id(self) -> str: ...

    @property
    def recording(self) -> bool: ...

    def work(self, work: "Work") -> None:
        """A child for each stage of one engine's work."""

    def end(self, call: "Call", status: int) -> None:
        """The request is over; status 499 is one that nobody waited for."""


class Tracer(Protocol):
    """Makes spans. `close` sends what is left of them and may block."""

    def begin(self, scope: Scope, *, route: str, request_id: str) -> Span: ...

    def close(self) -> None: ...


class NoSpan:
    """Nothing is recorded."""

    trace_id: Final = ""
    recording: Final = False

    def work(self, work: "Work") -> None:
        pass

    def end(self, call: "Call", status: int) -> None:
        pass


NO_SPAN: Final = NoSpan()


class NoTracer:
    """The default."""

    def begin(self, scope: Scope, *, route: str, request_id: str) -> Span:  # noqa: ARG002
        return NO_SPAN

    def close(self) -> None:
        pass


def open_tracer(settings: Settings) -> Tracer:
    """The tracer of the settings. Raises MissingExtraError where its packages are not there."""
    if not settings.trace_endpoint:
        return NoTracer()
    try:
        from service.otlp import otlp_tracer
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise MissingExtraError(
            "trace_endpoint is set, but OpenTelemetry is not installed: "
            "pip install 'valence-nlp[tracing]', or unset VALENCE_TRACE_ENDPOINT"
        ) from None
    return otlp_tracer(settings.trace_endpoint, ratio=settings.trace_sample_ratio)
