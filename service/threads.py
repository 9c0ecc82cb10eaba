"""Blocking work beside the event loop, in threads that never keep the process from ending."""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(work: Callable[[], T], *, name: str) -> T:
    """The result of `work`, or its exception.

    A pool's threads are joined at exit, so a store that hangs would hang the shutdown too. These
    calls are rare (a poll, a load); a thread each costs nothing that matters.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as caught:  # noqa: BLE001 - it is raised again where it is awaited
            error = caught
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    # In a copy of the context: what it logs for a request has its id.
    Thread(target=copy_context().run, args=(run,), name=name, daemon=True).start()
    return await future
