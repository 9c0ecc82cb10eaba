"""The feedback database as the event loop sees it: in threads, bounded, its health in a metric."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from model_store import StoreError, Unavailable
from model_store.feedback import OFF, open_feedback
from model_store.feedback.location import parse_location
from service.logs import describe
from service.metrics import Metrics
from service.patience import Patience
from service.problems import TOO_LATE, DeadlinePassed, NotReady, Overloaded
from service.settings import Settings
from service.threads import in_daemon_thread

if TYPE_CHECKING:
    from model_store.feedback.base import FeedbackBase

log = structlog.get_logger()
T = TypeVar("T")
CALLS: Final = 4
"""Calls at once; each takes a connection and a thread."""
WAITING: Final = 64
"""Calls that wait for their turn; more are refused."""
SECONDS: Final = 30.0
LOOK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 10.0
PURGE_SECONDS: Final = 3600.0
DOWN: Final = "the feedback database does not answer; send the same again later"


class FeedbackClient:
    """Opens the database when it is first needed, and again after a failure to open it.

    What a caller is not told was kept may have been kept: to send it again is no harm.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._base: FeedbackBase | None = None
        self._opening = Lock()
        self._failed = (float("-inf"), "")
        self._calls = asyncio.Semaphore(CALLS)
        self._waiting = 0
        self._up = True
        metrics.feedback_up.set(1)

    async def run(self, work: "Callable[[FeedbackBase], T]", patience: Patience | None = None) -> T:
        """`work` with the database, in a thread.

        Raises Overloaded, NotReady where it does not answer, DeadlinePassed.
        """
        if self._waiting >= WAITING:
            raise Overloaded("too much feedback waits to be written", retry_seconds=1)
        seconds = SECONDS if patience is None else max(0.0, min(SECONDS, patience.seconds))
        try:
            async with asyncio.timeout(seconds):
                return await self._turn(work)
        except TimeoutError:
            if patience is not None and patience.seconds <= 0:
                raise DeadlinePassed(TOO_LATE) from None
            self._mark("no answer in time")
            raise NotReady(DOWN, retry_seconds=RETRY_SECONDS) from None
        except StoreError as error:
            self._mark(str(error))
            raise NotReady(DOWN, retry_seconds=RETRY_SECONDS) from None

    async def watch(self, ready: Callable[[], Awaitable[bool]]) -> None:
        """For ever, once the service is ready: purge, and see when the database is back.

        A default database that nobody has written to is not even opened: that costs a second and
        some memory.
        """
        while not await ready():
            await asyncio.sleep(LOOK_SECONDS)
        while self._settings.feedback != OFF:
            if self._is_there():
                await self._tend()
            await asyncio.sleep(PURGE_SECONDS if self._up else RETRY_SECONDS)

    def close(self) -> None:
        """Close what is open. A call that still runs ends with its connection."""
        if self._base is not None:
            self._base.close()

    async def _turn(self, work: "Callable[[FeedbackBase], T]") -> T:
        """Wait for a place; it is given back when the thread ends, whether or not we still wait."""
        self._waiting += 1
        try:
            await self._calls.acquire()
        finally:
            self._waiting -= 1
        task = asyncio.create_task(in_daemon_thread(lambda: work(self._opened()), name="feedback"))
        task.add_done_callback(self._end)
        result = await asyncio.shield(task)
        self._mark(None)
        return result

    def _end(self, task: "asyncio.Task[T]") -> None:
        self._calls.release()
        if not task.cancelled():
            task.exception()  # looked at, so that nobody warns of it

    def _opened(self) -> "FeedbackBase":
        """Those who wait while another one fails to open it fail with it, not one after another."""
        asked = time.monotonic()
        with self._opening:
            if self._base is None:
                failed_at, reason = self._failed
                if failed_at >= asked:
                    raise Unavailable(reason)
                self._base = self._open()
            return self._base

    def _open(self) -> "FeedbackBase":
        try:
            return open_feedback(self._settings.feedback)
        except StoreError as error:
            self._failed = (time.monotonic(), str(error))
            raise

    def _is_there(self) -> bool:
        location = parse_location(self._settings.feedback)
        return not self._up or location.path is None or location.path.exists()

    async def _tend(self) -> None:
        days = self._settings.feedback_keep_days
        try:
            purged = await self.run(lambda base: base.purge(keep_days=days))
        except (NotReady, Overloaded):
            return
        except Exception as error:  # noqa: BLE001 - whatever it was, the next time may do
            log.error("feedback_purge_failed", **describe(error))
            return
        if purged.texts or purged.rows:
            log.info("feedback_purged", texts=purged.texts, rows=purged.rows)

    def _mark(self, fault: str | None) -> None:
        """Log the change from up to down and back, not every failed call."""
        up = fault is None
        if up != self._up:
            event = "feedback_answers_again" if up else "feedback_unavailable"
            log.log(20 if up else 40, event, database=self._shown(), reason=fault)
        self._up = up
        self._metrics.feedback_up.set(up)

    def _shown(self) -> str:
        return parse_location(self._settings.feedback).shown
