"""How long a caller waits: until its deadline, or until it hangs up."""

import asyncio
import time
from types import TracebackType
from typing import Final, Self

from starlette.types import Receive

from service.batcher import Batcher
from service.problems import TOO_LATE, ClientLeft, DeadlinePassed, Problem
from service.tickets import Outcome, Ticket

SOON_SECONDS: Final = 0.02
"""Answers within this time are given without watching the connection: a task a request costs more
than the little work that a client who has left would still cause."""


class Patience:
    """`deadline` is a `time.monotonic()`; `receive` tells of a disconnect, None is never one.

    One request has one, however many tickets it waits for, at once or one after the other. Use it
    in a `with` block: whoever watches the connection stops where the block ends.
    """

    def __init__(self, receive: Receive | None, deadline: float) -> None:
        self.deadline = deadline
        self._receive = receive
        self._waiting: dict[Ticket, Batcher] = {}
        self._over: type[Problem] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()

    @property
    def seconds(self) -> float:
        """What is left of it."""
        return self.deadline - time.monotonic()

    def check(self) -> None:
        """Raise DeadlinePassed where nothing is left, ClientLeft where nobody waits any more."""
        if self._over is not None:
            raise self._over(_SENTENCES[self._over])
        if self.seconds <= 0:
            raise DeadlinePassed(TOO_LATE)

    async def wait(self, batcher: Batcher, ticket: Ticket) -> list[Outcome]:
        """The ticket's outcomes. Where patience ends first, its queued work is dropped.

        Raises DeadlinePassed, ClientLeft, and NotReady from the batcher.
        """
        if self._timer is None:
            delay = min(SOON_SECONDS, max(0.0, self.seconds))
            self._timer = asyncio.get_running_loop().call_later(delay, self._start)
        self._waiting[ticket] = batcher
        try:
            return await ticket.future
        finally:
            del self._waiting[ticket]
            batcher.cancel(ticket)

    def _start(self) -> None:
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                await self._hung_up()
        except TimeoutError:
            self._end(DeadlinePassed)
        else:
            self._end(ClientLeft)

    def _end(self, reason: type[Problem]) -> None:
        self._over = reason
        for ticket, batcher in list(self._waiting.items()):
            batcher.cancel(ticket, reason(_SENTENCES[reason]))

    async def _hung_up(self) -> None:
        if self._receive is None:
            await asyncio.Event().wait()
            return
        while (await self._receive())["type"] != "http.disconnect":
            pass


_SENTENCES: Final[dict[type[Problem], str]] = {
    DeadlinePassed: TOO_LATE,
    ClientLeft: "the client left",
}
