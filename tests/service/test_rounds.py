"""Answers found step by step: in order, in common batches, each failing alone, none for nobody."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from serving import Gate, scripted
from starlette.types import Message
from structlog.testing import capture_logs

from nlp.tasks.base import Answer, Row, Window
from service.engine import Engine
from service.fakes import ScriptedModel, scripted_pairs
from service.items import GivenItem
from service.patience import Patience
from service.problems import ClientLeft, DeadlinePassed, NotReady, Overloaded
from service.rounds import LARGE_SCORES, Lockstep, Slices, is_large
from service.tickets import DeviceFailed

pytestmark = pytest.mark.anyio
TEXTS = ["the Tea was hot", "", "nothing here", "Soup and Wine and Duck", "a Pie", "Rye", "so Dear"]


NAMES = ["Tea", "Rice", "Pie", "Cake", "Soup", "Milk"]


SIZES: list[list[int]] = [[3, 4, 5], [], [12], [1] * 15, [9, 2]]


@asynccontextmanager
async def engine_of(model: ScriptedModel, **changes: Any) -> AsyncIterator[Engine]:  # noqa: ANN401
    async with scripted(model, **changes) as (service, _):
        (engine,) = service.registry.engines()
        yield engine


def render(_: GivenItem, answer: Answer) -> dict[str, Any]:
    content = answer.to_dict()
    return {"aspects": content["pairs"]}


async def answer(engine: Engine, texts: Sequence[str], *, seconds: float = 30) -> list[Any]:
    with Patience(None, time.monotonic() + seconds) as patience:
        return (await engine.answer(texts, render, patience)).results


def pairs_of(results: Sequence[dict[str, Any]]) -> list[Any]:
    return [
        result.get("error", {}).get("code")
        or [(pair["text"], pair["label"]) for pair in result.get("aspects", ())]
        for result in results
    ]


EXPECTED = [
    [("Tea", "negative")], [], [],
    [("Soup", "positive"), ("Wine", "positive"), ("Duck", "positive")],
    [("Pie", "negative")], [("Rye", "negative")], [("Dear", "positive")],
]  # fmt: skip


async def test_searches_of_different_lengths_answer_in_order() -> None:
    async with engine_of(scripted_pairs()) as engine:
        assert pairs_of(await answer(engine, TEXTS)) == EXPECTED
        assert pairs_of(await answer(engine, [""])) == [[]]
        assert (engine.batcher.queued_tokens, engine.batcher.depth) == (0, 0)


async def test_steps_of_different_requests_share_batches() -> None:
    gate = Gate()
    model = scripted_pairs(on_batch=gate, seconds=0.003)
    async with engine_of(model) as engine:
        first = asyncio.create_task(answer(engine, TEXTS[:1]))
        await asyncio.to_thread(gate.entered.wait, 5)
        others = [asyncio.create_task(answer(engine, [f"{name} and Wine"])) for name in NAMES]
        await asyncio.sleep(0.02)
        gate.open.set()
        assert pairs_of(await first) == EXPECTED[:1]
        for name, other in zip(NAMES, others, strict=True):
            (found,) = pairs_of(await other)
            assert [text for text, _ in found] == [name, "Wine"]
    sizes = [len({row[0] for row in batch}) for batch in model.batches]
    assert sizes[1] == len(NAMES)
    assert sum(size > 1 for size in sizes) >= 3


@pytest.mark.parametrize("poison", ["Soup", "hot", "Rye"])
async def test_a_text_whose_rows_fail_fails_alone(poison: str) -> None:
    def poisoned(windows: Sequence[Window]) -> None:
        if any(poison in window.words for window in windows):
            raise RuntimeError

    async with engine_of(scripted_pairs(on_batch=poisoned)) as engine:
        found = pairs_of(await answer(engine, TEXTS))
    expected = [
        "model_failed" if poison in text else pairs
        for text, pairs in zip(TEXTS, EXPECTED, strict=True)
    ]
    assert found == expected


async def test_a_search_that_cannot_read_its_rows_fails_alone() -> None:
    model = scripted_pairs()
    script = model.script

    def odd(window: Window) -> Row:
        row = script(window)
        strange = "Pie" in window.words and len(window.arrays["prefix"]) > 2
        return {name: array[0] for name, array in row.items()} if strange else row

    model.script = odd
    with capture_logs() as logged:
        async with engine_of(model) as engine:
            found = pairs_of(await answer(engine, TEXTS))
    assert found == [*EXPECTED[:4], "model_failed", *EXPECTED[5:]]
    assert [entry["event"] for entry in logged] == ["search_failed"]
    assert "Pie" not in str(logged)


async def test_a_deadline_ends_a_search_between_two_steps() -> None:
    model = scripted_pairs(seconds=0.02)
    async with engine_of(model) as engine:
        with pytest.raises(DeadlinePassed):
            await answer(engine, TEXTS, seconds=0.05)
        ran = len(model.batches)
        await asyncio.sleep(0.1)
        assert ran <= len(model.batches) <= ran + 1 < 8
        assert (engine.batcher.queued_tokens, engine.batcher.depth) == (0, 0)


async def test_a_caller_who_leaves_ends_a_search_of_quick_steps() -> None:
    """No step takes long enough to be watched by itself."""
    model = scripted_pairs(seconds=0.01)

    async def receive() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async with engine_of(model) as engine:
        with Patience(receive, time.monotonic() + 30) as patience, pytest.raises(ClientLeft):
            await engine.answer(["Tea and Wine and Soup " * 5], render, patience)
        assert len(model.batches) < 10
        assert engine.batcher.queued_tokens == 0


async def test_a_search_that_was_let_in_is_not_refused_later() -> None:
    """Its rows become more and longer; a newcomer is refused meanwhile."""
    gate = Gate()
    async with engine_of(scripted_pairs(on_batch=gate), queue_limit_tokens=5) as engine:
        let_in = asyncio.create_task(answer(engine, ["the Tea was hot"]))
        await asyncio.to_thread(gate.entered.wait, 5)
        with pytest.raises(Overloaded):
            await answer(engine, ["a Pie"])
        gate.open.set()
        assert pairs_of(await let_in) == EXPECTED[:1]


async def test_an_engine_that_closes_fails_its_searches() -> None:
    gate = Gate()
    async with engine_of(scripted_pairs(on_batch=gate)) as engine:
        asked = asyncio.create_task(answer(engine, TEXTS))
        await asyncio.to_thread(gate.entered.wait, 5)
        engine.batcher.close()
        gate.open.set()
        with pytest.raises(NotReady):
            await asked


class Raises:
    """A search that raises in the stage that is named."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def wanted(self) -> Sequence[Window]:
        assert self.stage != "wanted"
        return [Window(("a",), np.array([1]))]

    def take(self, _: Sequence[Row]) -> None:
        assert self.stage != "take"

    def rows(self) -> Sequence[Row]:
        assert self.stage != "rows"
        return []


def begins(stage: str) -> Raises:
    assert stage != "begin"
    return Raises(stage)


@pytest.mark.parametrize("stage", ["begin", "wanted", "take", "rows"])
async def test_every_stage_of_a_search_may_fail(stage: str) -> None:
    with capture_logs():
        lockstep = Lockstep([lambda: begins(stage), lambda: begins("none")])
        wanted = lockstep.begin()
        lockstep.take({place: [{}] for place in wanted})
        outcomes = lockstep.outcomes()
    assert isinstance(outcomes[0], DeviceFailed)
    assert outcomes[1] == []


async def test_slices_give_every_item_its_rows_back() -> None:
    items = [[Window(("w",) * n, np.arange(n)) for n in sizes] for sizes in SIZES]
    slices = Slices(items, 10)
    for run in slices:
        assert len(run) == 1 or sum(window.length for _, window in run) <= 10
        slices.take(run, [[{"row": np.array([w.length])}] for _, w in run])
    found = [[int(row["row"][0]) for row in rows] for rows in slices.outcomes()]  # type: ignore[union-attr]
    assert found == SIZES
    first, *_ = Slices(items, 10)
    slices.take(first[:1], [DeviceFailed("x")])
    assert [isinstance(one, DeviceFailed) for one in slices.outcomes()] == [True] + [False] * 4


async def test_steps_with_many_scores_leave_the_loop() -> None:
    row = {"next": np.zeros(LARGE_SCORES // 4, np.float32)}
    assert not is_large([[row, row], DeviceFailed("x"), [row, row]])
    assert is_large([[row, row], [row, row, row]])
