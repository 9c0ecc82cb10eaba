"""Traffic that has moved shows at /metrics; traffic that has not, does not."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from serving import Running, scripted
from structlog.testing import capture_logs

from model_store import Store
from nlp.drift import REFERENCE, Reference
from nlp.sketches import CONFIDENCE, FORMAT, LABELS, LENGTH, UNKNOWN_WORDS, Look, Seen, Sketch
from service.drift import PARTS, DriftCollector, Monitor
from service.fakes import ScriptedModel, scripted_finder, scripted_judge, scripted_tagger
from service.settings import Settings

pytestmark = pytest.mark.anyio

ALARM, QUIET = 0.25, 0.1
KNOWN = {"text": {"trained": 3}}
"""Of the scripted models' words, "price" was seen in training."""

Families = Mapping[tuple[str, str, str], float]
"""Values by name, model and feature."""


def texts(
    count: int, seed: int, *, words: float = 12.0, price: float = 0.6, long: float = 0.5
) -> list[str]:
    """Our own; `price` of the words are known, `long` of the texts begin with a long one."""
    drawn = np.random.default_rng(seed)
    return [
        " ".join(
            [
                "waiter" if drawn.random() < long else "hat",
                *("price" if drawn.random() < price else "soup" for _ in range(size)),
            ]
        )
        for size in 1 + drawn.poisson(words, count)
    ]


def referring(model: ScriptedModel, items: Sequence[str], **more: Any) -> ScriptedModel:  # noqa: ANN401
    """The model with a reference made of these texts, of which it is right 8 times in 10."""
    look, sketch = Look.of({**model.manifest, **KNOWN}, threshold=0.9), Sketch()
    for item in items:
        encoded = model.encode(item)
        sketch.add(look.see(encoded, model.decode(encoded, rows_of(model, item)).to_dict()))
    reference = Reference(sketch, 0.8, 0.9, **more)
    return replace(model, facts={**KNOWN, REFERENCE: reference.to_dict()})


def rows_of(model: ScriptedModel, item: str) -> list[Any]:
    return [model.script(window) for window in model.encode(item).windows]


async def post(client: httpx.AsyncClient, items: Sequence[str], *, path: str = "sentiment") -> None:
    for start in range(0, len(items), 100):
        answer = await client.post(f"/v1/{path}", json={"texts": items[start : start + 100]})
        assert answer.status_code == 200, answer.text


async def figures(client: httpx.AsyncClient) -> Families:
    return parsed((await client.get("/metrics")).text)


def parsed(text: str) -> Families:
    return {
        (
            sample.name,
            sample.labels.get("model", ""),
            sample.labels.get("feature", ""),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def psi_of(found: Families, model: str = "sentiment") -> dict[str, float]:
    return {
        feature: value
        for (name, served, feature), value in found.items()
        if name == "valence_drift_psi" and served == model
    }


# -- one monitor ---------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def monitor(reference: Sketch | None = None, **settings: object) -> tuple[Monitor, Clock]:
    given = {"drift_window_seconds": 120, "drift_minimum_items": 12, **settings}
    clock, manifest = Clock(), dict[str, Any](ScriptedModel().manifest)
    if reference is not None:
        manifest[REFERENCE] = Reference(reference, 0.8, 0.5).to_dict()
    return Monitor(manifest, Settings.model_validate(given), clock=clock), clock


def seen(count: int, tokens: int = 9) -> Iterator[Seen]:
    return (Seen(tokens, labels={"positive": 1}, scores=1, certainty=0.75) for _ in range(count))


def sketch_of(items: Iterator[Seen]) -> Sketch:
    sketch = Sketch()
    for item in items:
        sketch.add(item)
    return sketch


def test_what_is_older_than_the_window_is_forgotten_part_by_part() -> None:
    watched, clock = monitor()
    for turn in range(5 * PARTS):
        clock.now = turn * 120 / PARTS
        watched.add(seen(10, tokens=5 if turn < 2 * PARTS else 50))
        assert watched.window().items == 10 * min(turn + 1, PARTS)
    assert watched.window().counts == sketch_of(seen(10 * PARTS, tokens=50)).counts


def test_little_traffic_makes_the_window_longer() -> None:
    """A day of one item every hour, of which twelve are wanted: the window is half a day."""
    watched, clock = monitor()
    for hour in range(24):
        clock.now = hour * 3600.0
        watched.add(seen(1))
    assert watched.window().items == 12


def test_fewer_items_than_wanted_tell_nothing() -> None:
    watched, _ = monitor(sketch_of(seen(100)))
    watched.add(seen(11, tokens=500))
    found = watched.figures()
    assert found.items == 11
    assert found.shifts.keys() == {LENGTH, CONFIDENCE, LABELS}
    assert all(shift.psi == 0 and not shift.ks for shift in found.shifts.values())
    assert found.shifts[LABELS].ks is None
    assert found.estimated == found.accuracy == 0.8
    watched.add(seen(1, tokens=500))
    assert watched.figures().shifts[LENGTH].psi > ALARM
    assert watched.figures().estimated == pytest.approx(0.8)


def test_a_feature_that_few_items_have_is_not_told() -> None:
    reference = sketch_of(seen(100))
    for perplexity in range(100):
        reference.count("perplexity", 10.0 + perplexity)
    watched, _ = monitor(reference)
    watched.add(seen(50))
    for count in range(12):
        assert watched.figures().shifts["perplexity"].items == 0 if count < 1 else True
        assert watched.figures().shifts["perplexity"].psi == 0
        watched.add_perplexity(5000.0)
    assert watched.figures().shifts["perplexity"].psi > ALARM


def test_a_reference_of_another_format_is_none() -> None:
    manifest = {**ScriptedModel().manifest, REFERENCE: {"format": FORMAT}}
    with capture_logs() as lines:
        watched = Monitor(manifest, Settings())
    assert [line["event"] for line in lines] == ["reference_unreadable"]
    assert watched.reference is None
    watched.add(seen(500))
    assert watched.figures().items == 500
    assert not watched.figures().shifts


def test_the_first_monitor_of_a_name_speaks_for_it() -> None:
    first, second = monitor()[0], monitor()[0]
    first.add(seen(3))
    second.add(seen(5))
    registry = CollectorRegistry()
    registry.register(DriftCollector(lambda: [("a", first), ("b", second), ("a", second)]))
    assert registry.get_sample_value("valence_drift_items", {"model": "a"}) == 3
    assert registry.get_sample_value("valence_drift_items", {"model": "b"}) == 5


# -- the service ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [300, 900])
@pytest.mark.parametrize(
    ("moved", "feature"),
    [
        ({"words": 40.0}, LENGTH),
        ({"price": 0.2}, UNKNOWN_WORDS),
        ({"long": 0.9}, LABELS),
        ({}, ""),
    ],
    ids=["longer", "other words", "other labels", "none"],
)
async def test_planted_drift_is_told(moved: dict[str, float], feature: str, count: int) -> None:
    model = referring(ScriptedModel(), texts(900, 1))
    async with scripted(model) as (_, client):
        await post(client, texts(count, 2, **moved))
        found = await figures(client)
    told = psi_of(found)
    assert told.keys() == {LENGTH, UNKNOWN_WORDS, CONFIDENCE, LABELS}
    for name, value in told.items():
        if name == feature:
            assert value > ALARM
        elif (name, feature) != (UNKNOWN_WORDS, LENGTH):  # a share of more words varies less
            assert value < QUIET
    assert found["valence_drift_items", "sentiment", ""] == count
    assert ("valence_drift_ks", "sentiment", LABELS) not in found
    if feature in (LENGTH, UNKNOWN_WORDS):
        assert found["valence_drift_ks", "sentiment", feature] > 0.5
    assert found["valence_confidence_count", "sentiment", ""] == count


async def test_less_sure_answers_lower_the_estimate() -> None:
    sure = referring(ScriptedModel(), texts(300, 1))
    doubting = replace(
        sure, script=lambda w: {"sentiment": np.array([0, 0.1 + 3 * (len(w.words) < 12)], "f4")}
    )
    for model, expected in ((sure, 0.8), (doubting, None)):
        async with scripted(model) as (_, client):
            items = texts(400, 2)
            await post(client, items)
            found = await figures(client)
        estimate = found["valence_estimated_accuracy", "sentiment", ""]
        unsure = sum(len(item.split()) >= 12 for item in items) / len(items)
        assert estimate == pytest.approx(0.8 - unsure if expected is None else expected, abs=1e-6)
        assert found["valence_reference_accuracy", "sentiment", ""] == 0.8


async def test_every_series_is_there_before_the_first_request() -> None:
    async with scripted(referring(ScriptedModel(), texts(50, 1)), scripted_tagger()) as (_, client):
        found = await figures(client)
    assert set(psi_of(found).values()) == {0.0}
    assert found["valence_drift_items", "sentiment", ""] == 0
    assert found["valence_estimated_accuracy", "sentiment", ""] == 0.8
    assert found["valence_confidence_count", "tagging", ""] == 0
    assert found["valence_drift_items", "tagging", ""] == 0
    assert not psi_of(found, "tagging")
    assert ("valence_reference_accuracy", "tagging", "") not in found


async def test_refused_items_and_neighbours_change_nothing() -> None:
    """One request or many, bad items between them or not: the same sketch."""
    items, sketches = texts(40, 3), []
    for bad, size in (([], 1), ([], 40), (["   ", "x" * 200_000], 42)):
        async with scripted(referring(ScriptedModel(), items)) as (service, client):
            mixed = [*bad, *items]
            for start in range(0, len(mixed), size):
                body = {"texts": mixed[start : start + size]}
                assert (await client.post("/v1/sentiment", json=body)).status_code == 200
            (engine,) = service.registry.engines()
            sketches.append(engine.drift.window())
    assert sketches[0] == sketches[1] == sketches[2]
    assert sketches[0].items == 40


async def test_items_decoded_in_threads_are_all_counted() -> None:
    """Large requests at once: each is looked at in a thread and counted on the loop."""
    batches = [texts(30, seed, words=30.0) for seed in range(12)]
    model = referring(ScriptedModel(), texts(50, 1))
    async with scripted(model) as (service, client):
        await asyncio.gather(*(post(client, batch) for batch in batches))
        (engine,) = service.registry.engines()
        found = engine.drift.window()
    look, alone = Look.of(model.manifest, 0.9), Sketch()
    for item in (item for batch in batches for item in batch):
        encoded = model.encode(item)
        alone.add(look.see(encoded, model.decode(encoded, rows_of(model, item)).to_dict()))
    assert found == alone


async def test_words_and_aspects_count_once_an_item() -> None:
    tagger, judge, finder = scripted_tagger(), scripted_judge(), scripted_finder()
    async with scripted(tagger, judge, finder) as (service, client):
        await client.post("/v1/tags", json={"texts": ["Rome has Cats here", "Oslo"]})
        await client.post("/v1/aspects", json={"texts": ["Soup and Price", "nothing"]})
        watched = {e.version.name: e.drift.window() for e in service.registry.engines()}
    assert watched["tagging"].labels == {"PROPN": 3, "NOUN": 2}
    assert watched["tagging"].scores == 5
    assert sum(watched["tagging"].counts[CONFIDENCE]) == 2
    assert watched["aspects"].labels == {"positive": 1, "negative": 1}
    assert watched["aspects"].items == 2
    assert watched["aspects"].labelled == 1
    assert watched["extraction"].scores == 2
    assert not watched["extraction"].labels


async def test_nothing_of_a_text_is_at_metrics() -> None:
    async with scripted(referring(ScriptedModel(), texts(50, 1))) as (_, client):
        await post(client, ["Zyzzyva chrysanthemum"] * 3)
        text = (await client.get("/metrics")).text.lower()
    assert "zyzzyva" not in text
    assert "chrysanthemum" not in text


async def test_a_swap_begins_a_new_window(running: Running, store: Store) -> None:
    async with running() as (service, client):
        await post(client, ["A warm film."] * 7)
        assert (await figures(client))["valence_drift_items", "sentiment", ""] == 7
        store.promote("sentiment", 2, actor="tests", reason="test")
        async with asyncio.timeout(20):
            while (await figures(client))["valence_drift_items", "sentiment", ""] == 7:
                await asyncio.sleep(0.01)
        assert (await figures(client))["valence_drift_items", "sentiment", ""] == 0
        versions = {e.version.number for e in service.registry.engines()}
        assert 2 in versions
