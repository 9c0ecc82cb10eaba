"""Sketches against counts made by hand and by numpy, and their JSON form."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from nlp.errors import ModelError
from nlp.sketches import (
    BRIEF_CHARACTERS,
    CONFIDENCE,
    EDGES,
    LENGTH,
    PERPLEXITY,
    UNKNOWN_WORDS,
    Look,
    Seen,
    Sketch,
    brief,
)
from nlp.tasks.base import Aspect, AspectItem, Item

SHARES = st.floats(0, 1)
SCORES = st.lists(SHARES, max_size=4)
SEEN = st.builds(
    lambda scores, **others: Seen(scores=len(scores), certainty=sum(scores), **others),
    SCORES,
    tokens=st.integers(0, 10_000),
    unknown_words=st.none() | SHARES,
    labels=st.dictionaries(st.sampled_from(["good", "bad", "mixed"]), st.integers(1, 4)),
    sure=st.integers(0, 4),
    perplexity=st.none() | st.floats(1, 1e9),
)


def sketch_of(seen: list[Seen]) -> Sketch:
    sketch = Sketch()
    for one in seen:
        sketch.add(one)
    return sketch


SKETCHES = st.lists(SEEN, max_size=8).map(sketch_of)


@pytest.mark.parametrize("feature", EDGES)
@given(values=st.lists(st.floats(0, 1e7), max_size=30))
def test_a_value_falls_where_numpy_puts_it(feature: str, values: list[float]) -> None:
    sketch = Sketch()
    for value in values:
        sketch.count(feature, value)
    bounds = [-np.inf, *EDGES[feature], np.inf]
    expected = [sum(low <= value < high for value in values) for low, high in pairwise(bounds)]
    assert sketch.counts[feature] == expected


@pytest.mark.parametrize("feature", EDGES)
def test_edges_rise(feature: str) -> None:
    assert list(EDGES[feature]) == sorted(set(EDGES[feature]))


@given(SKETCHES, SKETCHES, SKETCHES)
def test_merging_is_exact_in_any_order(a: Sketch, b: Sketch, c: Sketch) -> None:
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(b) == b.merge(a)
    assert a.merge(Sketch()) == a


@given(st.lists(SEEN, max_size=8), st.lists(SEEN, max_size=8))
def test_merged_is_as_if_seen_by_one(first: list[Seen], second: list[Seen]) -> None:
    merged = sketch_of(first).merge(sketch_of(second))
    assert merged.to_dict() == sketch_of([*first, *second]).to_dict()


@given(SKETCHES)
def test_json_and_back(sketch: Sketch) -> None:
    assert Sketch.from_dict(json.loads(json.dumps(sketch.to_dict()))) == sketch


@given(st.lists(SEEN, max_size=8))
def test_figures_of_all_scores(seen: list[Seen]) -> None:
    sketch, scores = sketch_of(seen), sum(one.scores for one in seen)
    assert sketch.items == len(seen)
    assert sum(sketch.counts[LENGTH]) == len(seen)
    assert sum(sketch.labels.values()) == sum(sum(one.labels.values()) for one in seen)
    if scores:
        mean = sum(one.certainty for one in seen) / scores
        assert sketch.confidence == pytest.approx(mean, abs=1e-6)
        assert sketch.sure_share == sum(one.sure for one in seen) / scores
    else:
        assert sketch.confidence is sketch.sure_share is None


def _without(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda value: {k: v for k, v in value.items() if k != key}


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: None,
        lambda _: [],
        _without("items"),
        lambda value: {**value, "more": 1},
        lambda value: {**value, "format": "valence-sketch/2"},
        lambda value: {**value, "items": -1},
        lambda value: {**value, "items": True},
        lambda value: {**value, "sure": 0.5},
        lambda value: {**value, "certainty": 2**60},
        lambda value: {**value, "labels": ["good"]},
        lambda value: {**value, "labels": {"good": "many"}},
        lambda value: {**value, "counts": None},
        lambda value: {**value, "counts": {**value["counts"], "length": [1, 2]}},
        lambda value: {**value, "counts": {**value["counts"], "length": "1" * 44}},
        lambda value: {**value, "counts": _without("confidence")(value["counts"])},
    ],
)
def test_nothing_else_is_a_sketch(damage: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ModelError, match="a sketch"):
        Sketch.from_dict(damage(Sketch().to_dict()))


@pytest.mark.parametrize("task", ["sentiment", "tagging", "aspects", "extraction"])
def test_what_is_seen_of_an_answer(task: str) -> None:
    """Words, labels and probabilities as the answer has them, unknown words one by one."""
    model = tiny.in_memory(task, tiny.ARCHITECTURES[task])
    item: Any = "Rome has a lovely zyzzyva."
    if task == "aspects":
        item = AspectItem(item, (Aspect("zyzzyva"), Aspect("price")))
    ((encoded, rows),) = model.read([item])
    answer = model.decode(encoded, rows).to_dict()
    seen = Look.of(model.manifest, threshold=0.5).see(encoded, answer)
    said = answer.get("tokens", answer.get("aspects", [answer]))
    key = {"tagging": "upos", "extraction": ""}.get(task, "label")
    assert seen.tokens == 6
    assert seen.labels == (Counter(one[key] for one in said) if key else {})
    assert seen.scores == len(said)
    assert seen.certainty == pytest.approx(sum(one["score"] for one in said))
    assert seen.sure == sum(one["score"] >= 0.5 for one in said)
    words: Any = getattr(model.task, "tagging", model.task)
    knows = words.vocabulary.knows
    strange = [not knows(word) for window in encoded.windows for word in window.words]
    assert seen.unknown_words == pytest.approx(np.mean(strange))
    assert any(strange)


def test_what_is_seen_of_a_language_models_answer() -> None:
    model = tiny.in_memory("language-model", "recurrent-language-model")
    ((encoded, rows),) = model.read(["A warm story."])
    answer = model.decode(encoded, rows).to_dict()
    seen = Look.of(model.manifest).see(encoded, answer)
    assert seen.perplexity == answer["perplexity"]
    assert seen.confidence is None
    sketch = sketch_of([seen])
    assert sum(sketch.counts[PERPLEXITY]) == 1
    assert not any(sketch.counts[CONFIDENCE])
    assert not sketch.labelled


def test_a_model_without_words_of_training_knows_no_unknown_ones() -> None:
    model = tiny.in_memory("sentiment", "textcnn")
    ((encoded, rows),) = model.read(["A warm story."])
    answer = model.decode(encoded, rows).to_dict()
    sketch = sketch_of([Look(trained=2).see(encoded, answer)])
    assert not any(sketch.counts[UNKNOWN_WORDS])
    assert sum(sketch.counts[CONFIDENCE]) == 1


@pytest.mark.parametrize("make", [str, lambda text: (text,), AspectItem])
def test_brief_items(make: Callable[[str], Item]) -> None:
    assert brief(make("x" * BRIEF_CHARACTERS))
    assert not brief(make("x" * (BRIEF_CHARACTERS + 1)))
