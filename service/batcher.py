"""Requests to batches and back: one queue, one worker thread, no wait timer.

The event loop submits tickets; the worker takes work whenever the device is free, so a lone request
never waits for company, and while a batch runs the next one gathers by itself. What the next batch
is, `schedule.choose` decides among the first `window` waiting rows; a row older than `max_wait`
goes with the next batch whatever it costs, so nobody starves.

Hand-over costs two thread switches a *batch*: a `SimpleQueue` (C, lock-free under the GIL) to the
worker, one `call_soon_threadsafe` back. All counting and every future stay on the loop, so there
is no lock. The queue is counted in tokens that are accepted and not yet answered, the running
batch included: tokens stand for time, requests do not.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread

import structlog

from nlp.tasks.base import Row, Window
from service.costs import CostModel
from service.logs import describe
from service.problems import NotReady, Overloaded
from service.schedule import choose
from service.tickets import BatchReport, DeviceFailed, Forward, Ticket, Waiting, waiting_rows

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a batcher keeps to; see `settings`."""

    queue_tokens: int = 50_000
    batch_tokens: int = 4096
    window: int = 128
    max_wait: float = 0.1
    watchdog: float = 20.0


class Batcher:
    """The queue of one device. Every method belongs to the event loop it was made on.

    `on_batch` hears of each batch that ran, on the loop. `stuck` is True while a batch has not
    come back for `limits.watchdog` seconds.
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
        self._on_batch = on_batch
        self._open: set[Ticket] = set()
        self._loop = asyncio.get_running_loop()
        self._worker = Worker(forward, self.limits, self._from_worker)
        self._thread = Thread(target=self._worker.run, name=f"batcher {name}", daemon=True)
        self._thread.start()
        self._watch: asyncio.TimerHandle | None = None
        self._watch_over()

    @property
    def depth(self) -> int:
        """Requests accepted and not yet answered."""
        return len(self._open)

    @property
    def wait_seconds(self) -> float:
        """How long what is queued now will take, at the speed measured so far."""
        return self.queued_tokens / self._worker.costs.tokens_per_second

    def submit(self, items: Sequence[Sequence[Window]], *, deadline: float) -> Ticket:
        """Queue items of one or more windows; await the ticket's `future`.

        A ticket that is alone in the queue is taken whatever its size, so that every request that
        passes the request limits can be answered some time.

        Raises Overloaded where the queue is full, NotReady while the device is stuck.
        """
        if self.stuck:
            raise NotReady("the model does not answer at the moment")
        rows = [[None] * len(windows) for windows in items]
        ticket = Ticket(self._loop.create_future(), rows, deadline, time.monotonic(), 0, 0)
        waiting = waiting_rows(ticket, items)
        ticket.left, ticket.tokens = len(waiting), sum(row.length for row in waiting)
        self._admit(ticket)
        self._worker.inbox.put(waiting)
        return ticket

    def cancel(self, ticket: Ticket, error: Exception | None = None) -> None:
        """Nobody wants the answer any more: what has not reached the device never will."""
        if not ticket.future.done():
            ticket.future.cancel() if error is None else ticket.future.set_exception(error)
        self._forget(ticket)

    def close(self) -> None:
        """Stop the worker after what it is doing. Waiting tickets fail with NotReady."""
        if self._watch is not None:
            self._watch.cancel()
        self._fail_all("the model was unloaded")
        self._worker.inbox.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for the worker to end after `close`; False where it has not."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _admit(self, ticket: Ticket) -> None:
        if self._open and self.queued_tokens + ticket.tokens > self.limits.queue_tokens:
            seconds = self.wait_seconds
            raise Overloaded("the queue is full; try again later", retry_seconds=seconds)
        self._open.add(ticket)
        self.queued_tokens += ticket.tokens
        if ticket.left == 0:
            self._resolve(ticket)

    def _forget(self, ticket: Ticket) -> None:
        if ticket in self._open:
            self._open.remove(ticket)
            self.queued_tokens -= ticket.tokens

    def _resolve(self, ticket: Ticket) -> None:
        self._forget(ticket)
        if not ticket.future.done():
            ticket.future.set_result(ticket.outcomes())

    def _from_worker(self, deliver: "Delivery") -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver, deliver)

    def _deliver(self, delivery: "Delivery") -> None:
        self.stuck = False
        for waiting, row in zip(delivery.batch, delivery.rows, strict=True):
            ticket = waiting.ticket
            ticket.left -= 1
            ticket.rows[waiting.item][waiting.place] = row
            if isinstance(row, DeviceFailed):
                ticket.failures[waiting.item] = row
            if ticket.left == 0:
                self._resolve(ticket)
        if delivery.report is not None:
            self._on_batch(delivery.report)

    def _watch_over(self) -> None:
        """Look at the running batch four times a watchdog period."""
        running = self._worker.running_seconds()
        if running > self.limits.watchdog and not self.stuck:
            self.stuck = True
            log.error("batch_stuck", seconds=round(running, 1), requests=len(self._open))
            self._fail_all("the model does not answer at the moment")
        self._watch = self._loop.call_later(self.limits.watchdog / 4, self._watch_over)

    def _fail_all(self, reason: str) -> None:
        for ticket in list(self._open):
            self.cancel(ticket, NotReady(reason))


@dataclass(frozen=True, slots=True)
class Delivery:
    """Rows that left the device, with their results; no report where nothing was run."""

    batch: Sequence[Waiting]
    rows: Sequence[Row | DeviceFailed | None]
    report: BatchReport | None = None


class Worker:
    """The thread's side: takes rows from `inbox`, runs batches, hands results to `deliver`."""

    def __init__(
        self, forward: Forward, limits: Limits, deliver: Callable[[Delivery], None]
    ) -> None:
        self.inbox: SimpleQueue[list[Waiting] | None] = SimpleQueue()
        self.costs = CostModel()
        self._forward = forward
        self._limits = limits
        self._deliver = deliver
        self._waiting: list[Waiting] = []
        self._closing = False
        self._busy_since: float | None = None

    def running_seconds(self) -> float:
        """How long the current batch has been on the device; 0 when the device is free."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def run(self) -> None:
        """Until `inbox` yields None."""
        while not self._closing:
            self._collect()
            batch = self._next_batch(time.monotonic())
            if batch:
                self._run(batch)

    def _collect(self) -> None:
        """Wait only where there is nothing to do; then take all that has come."""
        if not self._waiting:
            self._receive(self.inbox.get())
        while not self.inbox.empty():
            self._receive(self.inbox.get())

    def _receive(self, rows: list[Waiting] | None) -> None:
        if rows is None:
            self._closing = True
        else:
            self._waiting.extend(rows)

    def _next_batch(self, now: float) -> list[Waiting]:
        """Rows nobody wants any more go first: they never reach the device."""
        self._waiting = [row for row in self._waiting if row.wanted(now)]
        seen = self._waiting[: self._limits.window]
        if not seen or self._closing:
            return []
        must = 0 if now - seen[0].ticket.submitted > self._limits.max_wait else None
        lengths = [row.length for row in seen]
        chosen = choose(lengths, self.costs, budget=self._limits.batch_tokens, must=must)
        batch = [seen[i] for i in chosen]
        taken = set(chosen)
        kept = [row for i, row in enumerate(seen) if i not in taken]
        self._waiting[: len(seen)] = kept
        return batch

    def _run(self, batch: list[Waiting]) -> None:
        started = self._busy_since = time.monotonic()
        for row in batch:
            row.ticket.started = row.ticket.started or started
        try:
            rows = self._forward([row.window for row in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it must hit one item alone
            self._busy_since = None
            self._split(batch, error)
            return
        self._busy_since = None
        report = self._report(batch, time.monotonic() - started)
        self._deliver(Delivery(batch, rows, report))

    def _split(self, batch: list[Waiting], error: Exception) -> None:
        """Halves again and again: the bad row ends up alone, its neighbours are answered."""
        if len(batch) > 1:
            middle = len(batch) // 2
            self._run(batch[:middle])
            self._run(batch[middle:])
            return
        incident = secrets.token_hex(8)
        log.error("forward_failed", incident=incident, **describe(error))
        self._deliver(Delivery(batch, [DeviceFailed(incident)]))

    def _report(self, batch: list[Waiting], seconds: float) -> BatchReport:
        lengths = [row.length for row in batch]
        report = BatchReport(len(batch), sum(lengths), max(lengths), seconds)
        self.costs.observe(
            rows=report.rows, longest=report.longest, tokens=report.tokens, seconds=seconds
        )
        return report
