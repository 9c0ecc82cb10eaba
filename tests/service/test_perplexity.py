"""Texts scored by a language model beside the traffic: few, and only when it is idle."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from serving import Gate, scripted
from structlog.testing import capture_logs

from nlp.drift import REFERENCE, Reference
from nlp.sketches import BRIEF_CHARACTERS, PERPLEXITY, Sketch
from service.app import Service
from service.drift import Monitor
from service.fakes import ScriptedModel, scripted_writer
from service.items import GivenItem
from service.metrics import Metrics
from service.perplexity import Sampler
from service.settings import Settings

pytestmark = pytest.mark.anyio

WRITER = {"name": "language-model", "version": 1, "digest": "0" * 64}
"""As the scripted service names its language model."""


def judged_by(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Manifest keys of a version whose reference has perplexities under that model."""
    sketch = Sketch()
    for _ in range(50):
        sketch.count(PERPLEXITY, 20.0)
    return {REFERENCE: Reference(sketch, language_model=identity).to_dict()}


def outcomes(service: Service) -> dict[str, float | None]:
    registry = service.metrics.registry
    return {
        outcome: registry.get_sample_value("valence_drift_perplexity_total", {"outcome": outcome})
        for outcome in ("scored", "failed")
    }


async def until(service: Service, **expected: float) -> None:
    async with asyncio.timeout(10):
        while outcomes(service) != {"scored": 0, "failed": 0, **expected}:
            await asyncio.sleep(0.005)


async def ask(client: httpx.AsyncClient, *texts: str) -> None:
    answer = await client.post("/v1/sentiment", json={"texts": list(texts)})
    assert answer.status_code == 200


def perplexities(service: Service) -> int:
    monitor = next(e for e in service.registry.engines() if e.task == "sentiment").drift
    return monitor.window().total(PERPLEXITY)


async def test_a_share_of_the_texts_is_scored() -> None:
    """One of a request, counted for the model that was asked and for nothing else."""
    model = ScriptedModel(facts=judged_by(WRITER))
    async with scripted(model, scripted_writer(), drift_perplexity_share=1.0) as (service, client):
        await ask(client, "once a waiter smiled", "once a waiter")
        await until(service, scored=1)
        await ask(client, "once")
        await until(service, scored=2)
        assert perplexities(service) == 2
        writer = next(e for e in service.registry.engines() if e.task == "language-model")
        assert writer.drift.window().items == 0
        tokens = service.metrics.registry.get_sample_value(
            "valence_tokens_total", {"model": "language-model"}
        )
        assert tokens == 0


@pytest.mark.parametrize("identity", [{**WRITER, "version": 2}, {**WRITER, "digest": "1" * 64}])
async def test_another_version_of_the_language_model_says_nothing(
    identity: Mapping[str, Any],
) -> None:
    model, writer = ScriptedModel(facts=judged_by(identity)), scripted_writer()
    async with scripted(model, writer, drift_perplexity_share=1.0) as (service, client):
        await ask(client, "once a waiter smiled")
        assert service.registry.sampler.reading is None
        assert outcomes(service) == {"scored": 0, "failed": 0}
    assert not writer.batches


async def test_no_text_is_scored_without_a_share_or_a_reference() -> None:
    for facts, share in ((judged_by(WRITER), 0.0), ({}, 1.0)):
        writer = scripted_writer()
        model = ScriptedModel(facts=facts)
        async with scripted(model, writer, drift_perplexity_share=share) as (service, client):
            await ask(client, "once a waiter smiled")
            assert service.registry.sampler.reading is None
        assert not writer.batches


async def test_a_busy_language_model_is_left_alone() -> None:
    """Neither a second text beside the first nor one before a caller who waits."""
    gate = Gate()
    model, writer = ScriptedModel(facts=judged_by(WRITER)), scripted_writer(on_batch=gate)
    async with scripted(model, writer, drift_perplexity_share=1.0) as (service, client):
        asked = asyncio.create_task(client.post("/v1/score", json={"text": "once a"}))
        await asyncio.to_thread(gate.entered.wait, 10)
        await ask(client, "once a waiter smiled")
        assert service.registry.sampler.reading is None
        gate.open.set()
        assert (await asked).status_code == 200
        gate.open.clear()
        await ask(client, "once a waiter smiled")
        await ask(client, "once a waiter")
        gate.open.set()
        await until(service, scored=1)
        assert [len(batch) for batch in writer.batches] == [1, 1]


async def test_a_failure_is_counted_and_harms_nobody() -> None:
    def burn(_: object) -> None:
        raise RuntimeError("chrysanthemum")

    model, writer = ScriptedModel(facts=judged_by(WRITER)), scripted_writer(on_batch=burn)
    with capture_logs() as lines:
        async with scripted(model, writer, drift_perplexity_share=1.0) as (service, client):
            await ask(client, "zyzzyva")
            await until(service, failed=1)
            assert perplexities(service) == 0
            await ask(client, "zyzzyva")
            await until(service, failed=2)
    assert "zyzzyva" not in str(lines)


@dataclass
class Listener:
    """A reader that remembers what it was asked, or raises what nobody foresaw."""

    broken: bool = False
    idle: bool = True
    identity: dict[str, Any] = field(default_factory=lambda: dict(WRITER))
    read: list[GivenItem] = field(default_factory=list)

    async def aside(self, item: GivenItem, *, seconds: float) -> Mapping[str, Any] | None:
        if self.broken:
            raise ValueError(f"{item} after {seconds}")
        self.read.append(item)
        return {"perplexity": 30.0}


async def test_whatever_a_reader_raises_is_logged_without_the_text() -> None:
    metrics = Metrics()
    monitor = Monitor({"layers": {}, **judged_by(WRITER)}, Settings())
    sampler = Sampler(lambda: [Listener(broken=True)], metrics, share=1.0)
    with capture_logs() as lines:
        sampler.offer(monitor, ["zyzzyva"])
        assert sampler.reading is not None
        await sampler.reading
    assert [line["event"] for line in lines] == ["side_score_failed"]
    assert "zyzzyva" not in str(lines)
    assert sampler.reading is None


async def test_the_share_is_drawn_for_each_brief_text() -> None:
    reader, draws = Listener(), iter([0.3, 0.1, 0.1, 0.3, 0.1])
    monitor = Monitor({"layers": {}, **judged_by(WRITER)}, Settings())
    sampler = Sampler(lambda: [reader], Metrics(), share=0.2, draw=lambda: next(draws))
    for items in (["a", "x" * (BRIEF_CHARACTERS + 1), "b"], ["c"], ["d"]):
        sampler.offer(monitor, items)
        if sampler.reading is not None:
            await sampler.reading
    assert reader.read == ["b", "d"]
    assert monitor.window().total(PERPLEXITY) == 2


async def test_a_service_that_stops_waits_for_no_side_score() -> None:
    gate = Gate()
    model, writer = ScriptedModel(facts=judged_by(WRITER)), scripted_writer(on_batch=gate)
    async with scripted(model, writer, drift_perplexity_share=1.0) as (service, client):
        await ask(client, "once a waiter smiled")
        reading = service.registry.sampler.reading
        assert reading is not None
        await asyncio.to_thread(gate.entered.wait, 10)
        service.registry.close()
        gate.open.set()
        await asyncio.wait([reading], timeout=10)
    assert reading.done()
    assert service.registry.sampler.reading is None
