"""The batcher with networks we can script: order, fairness, deadlines, failures, overload."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.tasks.base import Row, Window
from service.batcher import Batcher
from service.problems import BodyTooLarge, DeadlinePassed, NotReady, Overloaded
from service.tickets import BatchReport, DeviceFailed, Limits, Outcome, Ticket

pytestmark = pytest.mark.anyio
LATER = 60.0


def window(length: int, mark: int = 0) -> Window:
    """`mark` comes back as the row's value."""
    return Window(("w",) * length, np.full(length, mark, np.int64))


def echo(windows: Sequence[Window]) -> list[Row]:
    return [{"mark": np.array([w.ids[0]], np.float32)} for w in windows]


class Gated:
    """A network that waits for `gate` and remembers its batches as lists of marks."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, windows: Sequence[Window]) -> list[Row]:
        self.entered.set()
        self.batches.append([int(w.ids[0]) for w in windows])
        assert self.gate.wait(10)
        return echo(windows)


@asynccontextmanager
async def batcher(
    forward: Callable[[Sequence[Window]], list[Row]] = echo,
    *,
    on_batch: Callable[[BatchReport], None] = lambda _: None,
    **limits: Any,  # noqa: ANN401 - fields of Limits
) -> AsyncIterator[Batcher]:
    made = Batcher(forward, limits=replace(Limits(), **limits), on_batch=on_batch)
    try:
        yield made
    finally:
        made.close()
        assert await asyncio.to_thread(made.join, 10)


def submit(made: Batcher, *items: Sequence[Window], seconds: float = LATER) -> Ticket:
    return made.submit(items, deadline=time.monotonic() + seconds)


def marks(outcomes: Sequence[Outcome]) -> list[list[int]]:
    return [[int(row["mark"][0]) for row in rows] for rows in outcomes if isinstance(rows, list)]


async def busy(made: Batcher, network: Gated) -> Ticket:
    """A first ticket that keeps the device until the gate opens."""
    ticket = submit(made, [window(1, -1)])
    await asyncio.to_thread(network.entered.wait, 10)
    return ticket


async def test_every_row_comes_back_to_its_place() -> None:
    async with batcher(batch_tokens=20) as made:
        items = [[window(n, 100 * n + i) for i in range(n % 4)] for n in range(1, 10)]
        assert marks(await submit(made, *items).future) == [
            [100 * n + i for i in range(n % 4)] for n in range(1, 10)
        ]
        assert (made.queued_tokens, made.depth) == (0, 0)


@given(st.lists(st.lists(st.integers(1, 30), max_size=4), max_size=12), st.integers(1, 200))
@settings(max_examples=30, deadline=None)
def test_any_mix_of_items_is_answered_whole(lengths: list[list[int]], budget: int) -> None:
    async def run() -> None:
        async with batcher(batch_tokens=budget, window=5) as made:
            items = [[window(n, n) for n in item] for item in lengths]
            tickets = [submit(made, item) for item in items] + [submit(made, *items)]
            found = [await ticket.future for ticket in tickets]
            assert [marks(outcomes) for outcomes in found] == [[i] for i in lengths] + [lengths]

    asyncio.run(run())


async def test_a_batch_stays_within_the_token_budget() -> None:
    reports: list[BatchReport] = []
    network = Gated()
    async with batcher(network, batch_tokens=50, on_batch=reports.append) as made:
        first = await busy(made, network)
        tickets = [submit(made, [window(5 + i % 20)]) for i in range(60)]
        network.gate.set()
        await asyncio.gather(first.future, *(ticket.future for ticket in tickets))
        await asyncio.sleep(0)
    assert sum(report.rows for report in reports) == 61
    assert all(report.rows == 1 or report.rows * report.longest <= 50 for report in reports)
    assert all(0 <= report.padding < 0.5 for report in reports)


async def test_while_one_batch_runs_the_next_gathers() -> None:
    network = Gated()
    async with batcher(network) as made:
        first = await busy(made, network)
        tickets = [submit(made, [window(7, i)]) for i in range(10)]
        network.gate.set()
        await asyncio.gather(first.future, *(ticket.future for ticket in tickets))
    assert len(network.batches) == 2
    assert sorted(network.batches[1]) == list(range(10))


async def test_an_odd_length_does_not_starve() -> None:
    """A stream of short rows keeps the device busy; the one long row still gets its turn."""
    order: list[int] = []

    def slow(windows: Sequence[Window]) -> list[Row]:
        order.extend(w.length for w in windows)
        time.sleep(0.002)
        return echo(windows)

    async with batcher(slow, batch_tokens=64, max_wait=0.02) as made:

        async def stream() -> None:
            while not long.future.done():
                await submit(made, [window(3)]).future

        submit(made, [window(3)])
        long = submit(made, [window(60)])
        await asyncio.wait_for(asyncio.gather(*(stream() for _ in range(40))), 20)
    assert 60 in order


async def test_a_large_request_does_not_stand_in_the_way() -> None:
    network = Gated()
    async with batcher(network, batch_tokens=20, window=8) as made:
        first = await busy(made, network)
        large = submit(made, *[[window(10, i)] for i in range(100)])
        small = submit(made, [window(10, 777)])
        network.gate.set()
        await asyncio.gather(first.future, large.future, small.future)
    turn = next(i for i, batch in enumerate(network.batches) if 777 in batch)
    assert turn < 10 < len(network.batches) - 30


async def test_nothing_of_a_caller_who_left_reaches_the_device() -> None:
    network = Gated()
    async with batcher(network) as made:
        first = await busy(made, network)
        gone, stays = submit(made, [window(5, 1)]), submit(made, [window(5, 2)])
        made.cancel(gone)
        assert gone.future.cancelled()
        assert made.queued_tokens == 1 + 5
        network.gate.set()
        await asyncio.gather(first.future, stays.future)
    assert network.batches == [[-1], [2]]


async def test_nothing_late_reaches_the_device() -> None:
    network = Gated()
    async with batcher(network) as made:
        first = await busy(made, network)
        late, stays = submit(made, [window(5, 1)], seconds=0.01), submit(made, [window(5, 2)])
        await asyncio.sleep(0.03)
        network.gate.set()
        with pytest.raises(DeadlinePassed):
            await late.future
        await asyncio.gather(first.future, stays.future)
    assert network.batches == [[-1], [2]]


@pytest.mark.parametrize("poisoned", [{0}, {4}, {9}, {2, 3, 8}, set(range(10))])
async def test_a_poisoned_item_fails_alone(poisoned: set[int]) -> None:
    def network(windows: Sequence[Window]) -> list[Row]:
        if any(int(w.ids[0]) in poisoned for w in windows):
            raise RuntimeError
        return echo(windows)

    async with batcher(network) as made:
        outcomes = await submit(made, *[[window(5, i), window(4, i)] for i in range(10)]).future
    failed = {i for i, outcome in enumerate(outcomes) if isinstance(outcome, DeviceFailed)}
    assert failed == poisoned
    assert marks(outcomes) == [[i, i] for i in range(10) if i not in poisoned]


async def test_a_network_that_loses_rows_answers_nobody_wrongly() -> None:
    async with batcher(lambda windows: echo(windows)[1:]) as made:
        outcomes = await submit(made, [window(3, 1)], [window(3, 2)]).future
    assert all(isinstance(outcome, DeviceFailed) for outcome in outcomes)


async def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    network = Gated()
    async with batcher(network, queue_tokens=100) as made:
        first = await busy(made, network)
        second = submit(made, [window(99)])
        with pytest.raises(Overloaded) as refused:
            submit(made, [window(1)])
        assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
        network.gate.set()
        await asyncio.gather(first.future, second.future)
        await submit(made, [window(100)]).future
        with pytest.raises(BodyTooLarge, match="more than 100 tokens"):
            submit(made, [window(101)])


async def test_a_batch_that_never_returns_fails_the_waiting_and_heals() -> None:
    network = Gated()
    async with batcher(network, watchdog=0.08) as made:
        first = await busy(made, network)
        second = submit(made, [window(5)])
        for ticket in (first, second):
            with pytest.raises(NotReady):
                await asyncio.wait_for(ticket.future, 5)
        assert made.stuck
        with pytest.raises(NotReady):
            submit(made, [window(5)])
        network.gate.set()
        while made.stuck:
            await asyncio.sleep(0.01)
        await submit(made, [window(5)]).future


async def test_a_worker_that_died_is_noticed() -> None:
    def exits(_: Sequence[Window]) -> list[Row]:
        raise SystemExit  # ends the thread, as a crash outside the network would

    async with batcher(exits, watchdog=0.08) as made:
        with pytest.raises(NotReady):
            await asyncio.wait_for(submit(made, [window(5)]).future, 5)
        assert made.stuck


async def test_close_fails_the_waiting_and_refuses_more() -> None:
    network = Gated()
    async with batcher(network) as made:
        first = await busy(made, network)
        made.close()
        with pytest.raises(NotReady, match="unloaded"):
            await first.future
        with pytest.raises(NotReady, match="unloaded"):
            submit(made, [window(5)])
        network.gate.set()


async def test_an_item_without_windows_needs_no_device() -> None:
    network = Gated()
    async with batcher(network) as made:
        assert await submit(made, [], []).future == [[], []]
        network.gate.set()
    assert network.batches == []
