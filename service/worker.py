"""The device's side of a batcher: a thread that picks rows, runs them and hands results back.

What the next batch is, `schedule.choose` decides among at most `window` rows that are seen at a
time. Tickets take turns to have a row seen, so a request of 256 texts does not stand in the way of
one with a single text; a row that has been seen for `max_wait` goes with the next batch whatever it
costs, so nobody starves. (Replayed with a tagger's costs and 64 callers, 10 ms answer as many
requests a second as no bound at all, with p99 at 80 ms instead of 170.) Rows whose caller left or
whose deadline passed are dropped before that.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

import structlog

from nlp.tasks.base import Row
from service.costs import CostModel
from service.logs import describe
from service.schedule import choose
from service.tickets import BatchReport, Delivery, DeviceFailed, Forward, Limits, Ticket, Waiting

log = structlog.get_logger()


class WrongRowsError(RuntimeError):
    """The network gave another number of rows than the batch has: nobody knows whose they are."""


class Worker:
    """Takes the rows of tickets from `inbox` until it yields None; `deliver` gets the results."""

    def __init__(
        self, forward: Forward, limits: Limits, deliver: Callable[[Delivery], None]
    ) -> None:
        self.inbox: SimpleQueue[deque[Waiting] | None] = SimpleQueue()
        self.costs = CostModel()
        self._forward = forward
        self._limits = limits
        self._deliver = deliver
        self._backlog: deque[deque[Waiting]] = deque()
        self._seen: list[Waiting] = []
        self._closing = False
        self._busy_since: float | None = None

    def running_seconds(self) -> float:
        """How long the current batch has been on the device; 0 when the device is free."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def run(self) -> None:
        """The thread's life. Should it end before its time, the batcher's watchdog notices."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - the thread ends here, not the traceback
            log.critical("worker_ended", **describe(error))

    def _work(self) -> None:
        while not self._closing:
            self._collect()
            batch = self._next_batch(time.monotonic())
            if batch and not self._closing:
                self._run(batch)

    def _collect(self) -> None:
        """Take all that has come; wait only where there is nothing to do."""
        if not self._seen and not self._backlog:
            self._receive(self.inbox.get())
        while not self.inbox.empty():
            self._receive(self.inbox.get())

    def _receive(self, rows: deque[Waiting] | None) -> None:
        if rows is None:
            self._closing = True
        else:
            self._backlog.append(rows)

    def _next_batch(self, now: float) -> list[Waiting]:
        self._drop_unwanted(now)
        self._look(now)
        seen, limits = self._seen, self._limits
        if not seen:
            return []
        must = 0 if now - seen[0].seen > limits.max_wait else None
        lengths = [row.length for row in seen]
        chosen = choose(lengths, self.costs, budget=limits.batch_tokens, must=must)
        taken = set(chosen)
        self._seen = [row for i, row in enumerate(seen) if i not in taken]
        return [seen[i] for i in chosen]

    def _drop_unwanted(self, now: float) -> None:
        """Nothing of a ticket whose caller left or whose time is over reaches the device."""
        expired: set[Ticket] = set()

        def wanted(ticket: Ticket) -> bool:
            if now >= ticket.deadline:
                expired.add(ticket)
                return False
            return not ticket.future.done()

        self._seen = [row for row in self._seen if wanted(row.ticket)]
        if not all(wanted(rows[0].ticket) for rows in self._backlog):
            self._backlog = deque(rows for rows in self._backlog if wanted(rows[0].ticket))
        if expired:
            self._deliver(Delivery(expired=tuple(expired)))

    def _look(self, now: float) -> None:
        """Fill up what is seen, a row of each ticket in turn."""
        while self._backlog and len(self._seen) < self._limits.window:
            rows = self._backlog.popleft()
            row = rows.popleft()
            row.seen = now
            self._seen.append(row)
            if rows:
                self._backlog.append(rows)

    def _run(self, batch: list[Waiting]) -> None:
        started = self._busy_since = time.monotonic()
        for row in batch:
            row.ticket.started = row.ticket.started or started
        try:
            rows = self._forwarded(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must hit one item alone
            self._busy_since = None
            self._split(batch, error)
            return
        self._busy_since = None
        self._deliver(Delivery(batch, rows, self._report(batch, time.monotonic() - started)))

    def _forwarded(self, batch: list[Waiting]) -> list[Row]:
        rows = self._forward([row.window for row in batch])
        if len(rows) != len(batch):
            raise WrongRowsError
        return rows

    def _split(self, batch: list[Waiting], error: Exception) -> None:
        """Halves again and again: the bad row ends up alone, its neighbours are answered."""
        if len(batch) > 1:
            middle = len(batch) // 2
            self._run(batch[:middle])
            self._run(batch[middle:])
            return
        incident = secrets.token_hex(8)
        say = batch[0].ticket.context.run
        say(log.error, "forward_failed", incident=incident, **describe(error))
        self._deliver(Delivery(batch, [DeviceFailed(incident)]))

    def _report(self, batch: list[Waiting], seconds: float) -> BatchReport:
        lengths = [row.length for row in batch]
        report = BatchReport(len(batch), sum(lengths), max(lengths), seconds)
        self.costs.observe(
            rows=report.rows, longest=report.longest, tokens=report.tokens, seconds=seconds
        )
        return report
