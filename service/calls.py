"""One request as its log lines and its spans tell of it: who it is, who answered, how long it took.

The gate makes a `Call` for each request; whatever runs for that request finds it in `CALL`, in
tasks and threads alike. Counts and times are all it holds, never a text.
"""

import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, NamedTuple, Self

from model_store import Version
from service.tickets import Ticket
from service.tracing import NO_SPAN, Span, Stage


class Work(NamedTuple):
    """What one engine did for a request."""

    version: Version
    stages: tuple[Stage, ...]
    steps: int
    queued: float


@dataclass(slots=True)
class Call:
    """One request under way. `texts` and `tokens` are those that the most busy model read."""

    request_id: str
    span: Span = NO_SPAN
    versions: dict[str, None] = field(default_factory=dict)
    texts: int = 0
    tokens: int = 0

    def answered(self, texts: int, tokens: int) -> None:
        """What one engine read: models that answer together read the same texts."""
        self.texts = max(self.texts, texts)
        self.tokens = max(self.tokens, tokens)


CALL: Final[ContextVar[Call | None]] = ContextVar("valence.call", default=None)
"""The request that the running code works for; None for what the service does by itself."""


class Stages:
    """Times of one engine's work on a request, by `time.monotonic()`; use it in a `with` block.

    `mark` ends a stage: after encoding, after the device, after decoding. `waited` hears of each
    ticket. Where the block ends, whichever way, the request's call is told.
    """

    __slots__ = ("_marks", "_queued", "_started", "_steps", "_submitted", "version")

    def __init__(self, version: Version) -> None:
        self.version = version
        self._marks = [time.monotonic()]
        self._steps = 0
        self._queued = 0.0
        self._submitted = 0.0
        self._started = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        call = CALL.get()
        if call is None:
            return
        call.versions[self.version.reference] = None
        if call.span.recording:
            stages = tuple(self._stages(time.monotonic()))
            call.span.work(Work(self.version, stages, self._steps, self._queued))

    @property
    def queued(self) -> float:
        """Seconds in the queue, of all tickets."""
        return self._queued

    def mark(self) -> None:
        self._marks.append(time.monotonic())

    def waited(self, ticket: Ticket) -> None:
        """A ticket came back, or its request gave up on it."""
        if self._steps == 0:
            self._submitted, self._started = ticket.submitted, ticket.started
        self._steps += 1
        self._queued += ticket.queued_seconds

    def seconds(self) -> dict[str, float]:
        """The length of each stage that has ended, by its name."""
        begun, encoded, answered, *decoded = self._marks
        device = answered - encoded
        found = {
            "encode": encoded - begun,
            "queue": self._queued,
            "forward": device - self._queued,
        }
        if decoded:
            found["decode"] = decoded[0] - answered
        return found

    def _stages(self, now: float) -> Iterator[Stage]:
        """Where there were several tickets, the queue is the first one's and forward is all that
        followed: `Work.queued` says how much of that was waiting.
        """
        begun, encoded, answered, decoded = (*self._marks, *[now] * 4)[:4]
        yield Stage("encode", begun, encoded)
        if self._steps:
            started = self._started or answered  # never on the device
            yield Stage("queue", self._submitted, started)
            if self._started:
                yield Stage("forward", started, answered)
        if len(self._marks) > 3:
            yield Stage("decode", answered, decoded)
