"""What travels between a request and the device: tickets, the rows on them, and their fates."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from nlp.tasks.base import Row, Window

Forward = Callable[[Sequence[Window]], list[Row]]
"""One batch through the network; called from the worker's thread, one call at a time."""


class DeviceFailed(Exception):  # noqa: N818 - a value more often than raised
    """The network raised for this item alone; `incident` is its id in the log."""

    def __init__(self, incident: str) -> None:
        super().__init__(f"the model failed on this item (incident {incident})")
        self.incident = incident


Outcome = list[Row] | DeviceFailed
"""One item's rows, a window each and in order, or why there are none."""


@dataclass(slots=True, eq=False)
class Ticket:
    """One request's items on their way through the device. Times are `time.monotonic()` seconds.

    `future` belongs to the event loop; the worker only asks whether it is done, which it is as soon
    as nobody wants the answer any more. In `context` the worker writes log lines of this request.
    """

    future: asyncio.Future[list[Outcome]]
    rows: list[list[Any]]
    deadline: float
    submitted: float
    tokens: int = 0
    left: int = 0
    started: float = 0.0
    failures: dict[int, DeviceFailed] = field(default_factory=dict)
    context: Context = field(default_factory=copy_context)

    @property
    def queued_seconds(self) -> float:
        """From submission to the moment its first row was taken."""
        return max(0.0, self.started - self.submitted)

    def outcomes(self) -> list[Outcome]:
        return [self.failures.get(item, rows) for item, rows in enumerate(self.rows)]


@dataclass(slots=True, eq=False)
class Waiting:
    """One row of a future batch: a window, where its result belongs, and since when it is seen."""

    ticket: Ticket
    item: int
    place: int
    window: Window
    length: int
    seen: float = 0.0


def waiting_rows(ticket: Ticket, items: Sequence[Sequence[Window]]) -> deque[Waiting]:
    """One entry a window, in order."""
    return deque(
        Waiting(ticket, item, place, window, window.length)
        for item, windows in enumerate(items)
        for place, window in enumerate(windows)
    )


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one batch was: counted in rows and tokens, timed in seconds."""

    rows: int
    tokens: int
    longest: int
    seconds: float

    @property
    def padding(self) -> float:
        """The share of the padded batch that is padding, 0 to 1."""
        return 1.0 - self.tokens / max(1, self.rows * self.longest)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the worker hands back: rows with their results, and tickets whose time was over."""

    batch: Sequence[Waiting] = ()
    rows: Sequence[Row | DeviceFailed] = ()
    report: BatchReport | None = None
    expired: Sequence[Ticket] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a batcher keeps to; `service.settings` says what each is for. Times in seconds."""

    queue_tokens: int = 50_000
    batch_tokens: int = 4096
    window: int = 128
    max_wait: float = 0.01
    watchdog: float = 20.0
