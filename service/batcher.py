"""Requests to batches and back: one queue, one worker thread, no wait timer.

The event loop submits tickets; the worker (`service.worker`) takes work whenever the device is
free, so a lone request never waits for company, and while a batch runs the next one gathers by
itself.

Hand-over costs two thread switches a *batch*: a `SimpleQueue` (C, lock-free under the GIL) to the
worker, one `call_soon_threadsafe` back. All counting and every future stay on the loop, so there
is no lock. The queue is counted in tokens that are accepted and not yet answered, the running
batch included: tokens stand for time, requests do not.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextvars import Context
from threading import Thread
from typing import Final

import structlog

from nlp.tasks.base import Window
from service.problems import TOO_LATE, BodyTooLarge, DeadlinePassed, NotReady, Overloaded
from service.tickets import (
    BatchReport,
    Delivery,
    DeviceFailed,
    Forward,
    Limits,
    Ticket,
    waiting_rows,
)
from service.worker import Worker

log = structlog.get_logger()
STUCK: Final = "the model does not answer at the moment"
UNLOADED: Final = "the model was unloaded"


class Batcher:
    """The queue of one device. Every method belongs to the event loop it was made on.

    `on_batch` hears of each batch that ran, on the loop. `stuck` is True while a batch has not
    come back for `limits.watchdog` seconds, and for ever once the worker is gone.
    """

    def __init__(
        self,
        forward: Forward,
        *,
        name: str = "device",
        limits: Limits | None = None,
        on_batch: Callable[[BatchReport], None] = lambda _: None,
    ) -> None:
        self.limits = limits or Limits()
        self.stuck = False
        self.queued_tokens = 0
        self._closed = False
        self._on_batch = on_batch
        self._open: set[Ticket] = set()
        self._loop = asyncio.get_running_loop()
        self._worker = Worker(forward, self.limits, self._from_worker)
        self._thread = Thread(target=self._worker.run, name=f"batcher {name}", daemon=True)
        self._thread.start()
        Context().run(self._watch_over)  # for ever, not for the request that had it loaded

    @property
    def depth(self) -> int:
        """Requests accepted and not yet answered."""
        return len(self._open)

    @property
    def wait_seconds(self) -> float:
        """How long what is queued now will take, at the speed measured so far."""
        return self.queued_tokens / self._worker.costs.tokens_per_second

    def check_room(self, tokens: int) -> None:
        """Raise Overloaded where `tokens` more would not fit."""
        if self.queued_tokens + tokens > self.limits.queue_tokens:
            seconds = self.wait_seconds
            raise Overloaded("the queue is full; try again later", retry_seconds=seconds)

    def submit(
        self, items: Sequence[Sequence[Window]], *, deadline: float, admitted: bool = False
    ) -> Ticket:
        """Queue items of one or more windows; await the ticket's `future`.

        deadline: `time.monotonic()` seconds; a row not on the device by then never is.
        admitted: a later step of a request that was let in. It counts as queued and is never
            refused for room: to refuse it would waste the steps that were taken.

        Raises Overloaded where the queue is full, BodyTooLarge for more than it ever holds,
        NotReady while the device is stuck and after `close`. The future raises DeadlinePassed and
        NotReady.
        """
        if self.stuck or self._closed:
            raise NotReady(STUCK if self.stuck else UNLOADED)
        rows = [[None] * len(windows) for windows in items]
        ticket = Ticket(self._loop.create_future(), rows, deadline, time.monotonic())
        waiting = waiting_rows(ticket, items)
        ticket.left, ticket.tokens = len(waiting), sum(row.length for row in waiting)
        if not admitted:
            self._check_size(ticket.tokens)
        self._open.add(ticket)
        self.queued_tokens += ticket.tokens
        if waiting:
            self._worker.inbox.put(waiting)
        else:
            self._resolve(ticket)
        return ticket

    def cancel(self, ticket: Ticket, error: Exception | None = None) -> None:
        """Nobody wants the answer any more: what has not reached the device never will."""
        if not ticket.future.done():
            ticket.future.cancel() if error is None else ticket.future.set_exception(error)
        self._forget(ticket)

    def close(self) -> None:
        """Stop the worker after what it is doing. Waiting tickets fail with NotReady."""
        self._closed = True
        self._timer.cancel()
        self._fail_all(UNLOADED)
        self._worker.inbox.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for the worker to end after `close`; False where it has not."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _check_size(self, tokens: int) -> None:
        limit = self.limits.queue_tokens
        if tokens > limit:
            raise BodyTooLarge(f"there are more than {limit} tokens to read; send fewer at a time")
        self.check_room(tokens)

    def _forget(self, ticket: Ticket) -> None:
        if ticket in self._open:
            self._open.remove(ticket)
            self.queued_tokens -= ticket.tokens

    def _resolve(self, ticket: Ticket) -> None:
        self._forget(ticket)
        if not ticket.future.done():
            ticket.future.set_result(ticket.outcomes())

    def _from_worker(self, delivery: Delivery) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver, delivery)

    def _deliver(self, delivery: Delivery) -> None:
        for ticket in delivery.expired:
            self.cancel(ticket, DeadlinePassed(TOO_LATE))
        for waiting, row in zip(delivery.batch, delivery.rows, strict=True):
            ticket = waiting.ticket
            ticket.left -= 1
            if isinstance(row, DeviceFailed):
                ticket.failures[waiting.item] = row
            else:
                ticket.rows[waiting.item][waiting.place] = row
            if ticket.left == 0:
                self._resolve(ticket)
        if delivery.report is not None:
            self._on_batch(delivery.report)

    def _watch_over(self) -> None:
        """Look at the running batch four times a watchdog period."""
        seconds = self._worker.running_seconds()
        stuck = seconds > self.limits.watchdog or not self._thread.is_alive()
        if stuck and not self.stuck:
            log.error("batch_stuck", seconds=round(seconds, 1), requests=len(self._open))
            self._fail_all(STUCK)
        self.stuck = stuck
        self._timer = self._loop.call_later(self.limits.watchdog / 4, self._watch_over)

    def _fail_all(self, reason: str) -> None:
        for ticket in list(self._open):
            self.cancel(ticket, NotReady(reason))
