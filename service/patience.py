"""How long a caller waits: until its deadline, or until it hangs up."""

import asyncio
import time
from typing import Final

from starlette.types import Receive

from service.batcher import Batcher
from service.problems import TOO_LATE, ClientLeft, DeadlinePassed
from service.tickets import Outcome, Ticket

SOON_SECONDS: Final = 0.02
"""Answers within this time are given without watching the connection: a task a request costs more
than the little work that a client who has left would still cause."""


class Patience:
    """`deadline` is a `time.monotonic()`; `receive` tells of a disconnect, None is never one."""

    def __init__(self, receive: Receive | None, deadline: float) -> None:
        self.deadline = deadline
        self._receive = receive
        self._watching: asyncio.Task[None] | None = None

    @property
    def seconds(self) -> float:
        """What is left of it."""
        return self.deadline - time.monotonic()

    def check(self) -> None:
        """Raise DeadlinePassed where nothing is left."""
        if self.seconds <= 0:
            raise DeadlinePassed(TOO_LATE)

    async def wait(self, batcher: Batcher, ticket: Ticket) -> list[Outcome]:
        """The ticket's outcomes. Where patience ends first, its queued work is dropped.

        Raises DeadlinePassed, ClientLeft, and NotReady from the batcher.
        """
        delay = min(SOON_SECONDS, max(0.0, self.seconds))
        timer = asyncio.get_running_loop().call_later(delay, self._start, batcher, ticket)
        try:
            return await ticket.future
        finally:
            timer.cancel()
            if self._watching is not None:
                self._watching.cancel()
            batcher.cancel(ticket)

    def _start(self, batcher: Batcher, ticket: Ticket) -> None:
        self._watching = asyncio.create_task(self._watch(batcher, ticket))

    async def _watch(self, batcher: Batcher, ticket: Ticket) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                await self._hung_up()
        except TimeoutError:
            passed = DeadlinePassed(TOO_LATE)
            batcher.cancel(ticket, passed)
        else:
            batcher.cancel(ticket, ClientLeft("the client left"))

    async def _hung_up(self) -> None:
        if self._receive is None:
            await asyncio.Event().wait()
            return
        while (await self._receive())["type"] != "http.disconnect":
            pass
