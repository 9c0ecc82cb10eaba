"""PSI and KS against scipy and against each other's definitions; estimates against plain counts."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nlp.drift import (
    PSI_BINS,
    Reference,
    compare,
    estimated_accuracy,
    ks,
    ks_by_chance,
    psi,
    tenths,
    threshold_for,
)
from nlp.errors import ModelError
from nlp.sketches import CONFIDENCE, EDGES, LABELS, LENGTH, PERPLEXITY, UNKNOWN_WORDS, Seen, Sketch

COUNTS = st.lists(st.integers(0, 500), min_size=6, max_size=6)
IDENTITY = {"name": "lm", "version": 3, "digest": "0" * 64}
ALARM, QUIET = 0.25, 0.1


def traffic(
    items: int,
    seed: int,
    *,
    words: float = 20.0,
    unknown: float = 0.05,
    good: float = 0.5,
    sureness: float = 4.0,
    threshold: float = 0.7,
) -> Sketch:
    """Items drawn from a few distributions; each keyword moves one of them."""
    drawn, sketch = np.random.default_rng(seed), Sketch()
    for _ in range(items):
        tokens = 1 + int(drawn.poisson(words))
        score = 0.5 + 0.5 * float(drawn.beta(sureness, 2))
        seen = Seen(
            tokens,
            float(drawn.binomial(tokens, unknown)) / tokens,
            {"positive" if drawn.random() < good else "negative": 1},
            1,
            score,
            sure=int(score >= threshold),
        )
        sketch.add(seen)
    return sketch


@given(COUNTS, COUNTS)
def test_psi_is_symmetric_and_never_negative(a: list[int], b: list[int]) -> None:
    assert psi(a, b) == pytest.approx(psi(b, a))
    assert psi(a, b) >= 0


@given(COUNTS)
def test_nothing_moves_from_itself(counts: list[int]) -> None:
    assert psi(counts, counts) == 0
    assert ks(counts, counts) == 0


@given(COUNTS.filter(any), COUNTS.filter(any))
def test_psi_is_the_jeffreys_divergence_less_what_chance_gives(a: list[int], b: list[int]) -> None:
    used = [i for i in range(6) if a[i] or b[i]]
    p, q = (np.array([x[i] + 0.5 for i in used]) for x in (a, b))
    jeffreys = stats.entropy(p, q) + stats.entropy(q, p)
    by_chance = (len(used) - 1) * (1 / sum(a) + 1 / sum(b))
    assert psi(a, b) == pytest.approx(max(0, jeffreys - by_chance), abs=1e-9)


@pytest.mark.parametrize("items", [200, 500, 2000])
def test_the_correction_is_what_psi_comes_to_without_drift(items: int) -> None:
    """Over many draws from one distribution the uncorrected PSI has the mean that is taken off."""
    drawn, shares = np.random.default_rng(3), np.full(10, 0.1)
    pairs = drawn.multinomial(items, shares, (400, 2))
    smoothed = (pairs + 0.5) / (pairs + 0.5).sum(axis=-1, keepdims=True)
    p, q = smoothed[:, 0], smoothed[:, 1]
    plain = ((p - q) * np.log(p / q)).sum(axis=1)
    assert plain.mean() == pytest.approx(9 * 2 / items, rel=0.1)


@given(
    st.lists(st.sampled_from(EDGES[LENGTH]), min_size=2, max_size=40),
    st.lists(st.sampled_from(EDGES[LENGTH]), min_size=2, max_size=40),
)
def test_ks_is_scipys_where_values_stand_on_the_bounds(a: list[float], b: list[float]) -> None:
    counted = [Sketch(), Sketch()]
    for sketch, values in zip(counted, (a, b), strict=True):
        for value in values:
            sketch.count(LENGTH, value)
    found = ks(*(sketch.counts[LENGTH] for sketch in counted))
    assert found == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)
    assert 0 <= found <= 1


def test_ks_by_chance_is_the_known_bound() -> None:
    """1.358 is the 95 % point of the Kolmogorov distribution."""
    assert ks_by_chance(200, 800) == pytest.approx(
        stats.kstwobign.ppf(0.95) * np.sqrt(1 / 200 + 1 / 800), rel=1e-3
    )


def test_empty_is_no_drift() -> None:
    assert psi([0, 0], [3, 4]) == psi([3, 4], [0, 0]) == psi([], []) == 0
    assert ks([0, 0], [3, 4]) == ks([0, 0], [0, 0]) == 0


@given(st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_tenths_hold_their_share_or_lie_beside_a_heavy_bin(counts: list[int]) -> None:
    starts = tenths(counts)
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    runs = [part.tolist() for part in np.split(np.array(counts), starts[1:])]
    share = sum(counts) / PSI_BINS
    heavy = [len(run) == 1 and run[0] >= share for run in runs]
    for place, run in enumerate(runs):
        assert len(run) == 1 or max(run) < share or share == 0
        if sum(run) < share / 2:
            assert any(heavy[max(0, place - 1) : place + 2])


@pytest.mark.parametrize("others", [0, 20])
def test_a_reference_of_nearly_one_value_sees_it_move(others: int) -> None:
    """As of unknown words, where nearly every text has none."""
    reference, seen = Sketch(), Sketch()
    for i in range(1000):
        reference.count(UNKNOWN_WORDS, 0.3 if i < others else 0.0)
        seen.count(UNKNOWN_WORDS, 0.1 if i % 2 else 0.0)
    found = compare(reference, seen)[UNKNOWN_WORDS]
    assert found.psi > ALARM
    assert found.ks == pytest.approx(0.5 - others / 1000)


@pytest.mark.parametrize("items", [300, 1000])
@pytest.mark.parametrize(
    ("moved", "feature"),
    [
        ({"words": 60.0}, LENGTH),
        ({"unknown": 0.25}, UNKNOWN_WORDS),
        ({"good": 0.15}, LABELS),
        ({"sureness": 1.2}, CONFIDENCE),
    ],
)
def test_planted_drift_shows_in_its_feature_alone(
    moved: dict[str, float], feature: str, items: int
) -> None:
    shifts = compare(traffic(900, 1), traffic(items, 2, **moved))
    assert shifts[feature].psi > ALARM
    for other in shifts.keys() - {feature, UNKNOWN_WORDS}:  # a share depends on the length, too
        assert shifts[other].psi < QUIET
    assert (shifts[feature].ks is None) == (feature == LABELS)
    assert all(shift.items == items for shift in shifts.values())


@pytest.mark.parametrize("items", [200, 500, 2000])
@pytest.mark.parametrize("seed", range(5))
def test_without_drift_all_is_quiet(items: int, seed: int) -> None:
    shifts = compare(traffic(900, 1), traffic(items, 10 + seed))
    assert shifts.keys() == {LENGTH, UNKNOWN_WORDS, CONFIDENCE, LABELS}
    for shift in shifts.values():
        assert shift.psi < QUIET
        assert shift.ks is None or shift.ks < ks_by_chance(items, 900, coefficient=1.95)


def test_rare_and_new_labels_count_as_one() -> None:
    reference, seen = Sketch(), Sketch()
    for i in range(1000):
        reference.add(Seen(5, labels={"rare" if i < 4 else "usual": 1}))
    for i in range(500):
        seen.add(Seen(5, labels={"new" if i % 2 else "usual": 1}))
    shares = np.array([[996.5, 4.5], [250.5, 250.5]]) / np.array([[1001], [501]])
    jeffreys = stats.entropy(*shares) + stats.entropy(*shares[::-1])
    expected = jeffreys - (1 / 1000 + 1 / 500)
    assert compare(reference, seen)[LABELS].psi == pytest.approx(expected)


def test_words_of_one_text_are_no_independent_draws() -> None:
    """Thirty words a text, all of the text's own label: only texts are draws."""
    drawn = np.random.default_rng(5)

    def clustered(items: int) -> Sketch:
        sketch = Sketch()
        for label in drawn.choice(["a", "b", "c", "d"], items):
            sketch.add(Seen(30, labels={str(label): 30}))
        return sketch

    reference = clustered(900)
    found = [compare(reference, clustered(200))[LABELS].psi for _ in range(40)]
    assert np.mean(found) < 0.02


def test_a_feature_that_the_reference_has_not_is_not_compared() -> None:
    reference, seen = Sketch(), traffic(300, 3)
    reference.add(Seen(5))
    seen.count(PERPLEXITY, 100.0)
    assert compare(reference, seen).keys() == {LENGTH}
    assert compare(seen, Sketch())[PERPLEXITY].psi == 0


def test_the_threshold_leaves_as_many_as_are_right() -> None:
    scores = [i / 1000 for i in range(1000)]
    for accuracy in (0.0, 0.4, 0.85, 1.0):
        threshold = threshold_for(scores, accuracy)
        assert np.mean(np.array(scores) >= threshold) == pytest.approx(accuracy, abs=2e-3)
    assert threshold_for([], 0.5) == 1.0


def test_estimated_accuracy_follows_the_sure_ones() -> None:
    reference = Reference(traffic(900, 1), accuracy=0.8, threshold=0.7)
    same, worse = traffic(900, 2), traffic(900, 3, sureness=1.2)
    assert estimated_accuracy(reference, same) == pytest.approx(0.8, abs=0.05)
    lost = (reference.sketch.sure_share or 0) - (worse.sure_share or 0)
    assert lost > 0.2
    assert estimated_accuracy(reference, worse) == pytest.approx(0.8 - lost)
    assert estimated_accuracy(reference, Sketch()) == 0.8
    assert estimated_accuracy(Reference(traffic(9, 1)), same) is None


@given(SURE := st.integers(0, 20), SURE, st.floats(0, 1))
def test_an_estimate_is_an_accuracy(before: int, now: int, accuracy: float) -> None:
    def sketch(sure: int) -> Sketch:
        made = Sketch()
        made.add(Seen(3, scores=20, sure=sure))
        return made

    found = estimated_accuracy(Reference(sketch(before), accuracy, 0.5), sketch(now))
    assert found is not None
    assert 0 <= found <= 1


@pytest.mark.parametrize(
    "reference",
    [
        Reference(traffic(20, 1), 0.8, 0.7, IDENTITY),
        Reference(traffic(20, 1), 1, 0),
        Reference(Sketch()),
    ],
)
def test_a_reference_as_json_and_back(reference: Reference) -> None:
    assert Reference.from_dict(json.loads(json.dumps(reference.to_dict()))) == reference


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: None,
        lambda value: {**value, "format": "valence-reference/2"},
        lambda value: {**value, "accuracy": 1.5},
        lambda value: {**value, "accuracy": float("nan")},
        lambda value: {**value, "accuracy": True},
        lambda value: {**value, "threshold": None},
        lambda value: {**value, "sketch": {}},
        lambda value: {**value, "language_model": {"name": "lm"}},
        lambda value: {**value, "language_model": {**IDENTITY, "version": "3"}},
    ],
)
def test_nothing_else_is_a_reference(damage: Callable[[dict[str, Any]], object]) -> None:
    whole = Reference(traffic(20, 1), 0.8, 0.7, IDENTITY).to_dict()
    with pytest.raises(ModelError, match=r"a (reference|sketch)"):
        Reference.from_dict(damage(whole))
