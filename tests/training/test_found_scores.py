"""Exact matches counted by hand; intervals by a bootstrap written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.errors import ScoreError
from training.found_scores import Tally, found_measures, share_measure
from training.scores import RESAMPLES

NOTHING: set[int] = set()
SETS = st.lists(
    st.tuples(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5))), min_size=1, max_size=12
).filter(lambda texts: any(gold for _, gold in texts))


def tally(texts: list[tuple[set[int], set[int]]]) -> Tally:
    return Tally.of([found for found, _ in texts], [gold for _, gold in texts])


def test_counts_by_hand() -> None:
    made = tally([({1, 2}, {1, 3}), (NOTHING, {4}), ({5}, NOTHING), (NOTHING, NOTHING)])
    measures = found_measures(made, "span", seed=None)
    assert {name: one.items for name, one in measures.items()} == {
        "span_f1": 3,
        "span_precision": 3,
        "span_recall": 3,
    }
    assert [one.value for one in measures.values()] == pytest.approx([2 / 6, 1 / 3, 1 / 3])
    assert {one.interval for one in measures.values()} == {None}


def test_where_nothing_was_found_there_is_no_precision() -> None:
    measures = found_measures(tally([(NOTHING, {1})]), "pair", seed=3)
    assert {name: one.value for name, one in measures.items()} == {
        "pair_f1": 0.0,
        "pair_recall": 0.0,
    }


@settings(max_examples=20)
@given(texts=SETS, seed=st.integers(0, 99))
def test_figures_are_those_of_all_texts_joined(
    texts: list[tuple[set[int], set[int]]], seed: int
) -> None:
    found = {(i, one) for i, (ours, _) in enumerate(texts) for one in ours}
    gold = {(i, one) for i, (_, theirs) in enumerate(texts) for one in theirs}
    measures = found_measures(tally(texts), "pair", seed=seed)
    recall = len(found & gold) / len(gold)
    assert measures["pair_recall"].value == pytest.approx(recall)
    if found:
        precision = len(found & gold) / len(found)
        assert measures["pair_precision"].value == pytest.approx(precision)
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        assert measures["pair_f1"].value == pytest.approx(f1)
    for one in measures.values():
        assert one.interval is not None
        assert 0 <= one.interval.low <= one.interval.high <= 1


def test_intervals_are_those_of_a_bootstrap_over_texts() -> None:
    random = np.random.default_rng(0)
    texts = [
        (set(random.integers(0, 4, 2).tolist()), set(random.integers(0, 4, 2).tolist()))
        for _ in range(60)
    ]
    values = []
    for _ in range(RESAMPLES):
        drawn = [texts[i] for i in random.integers(0, len(texts), len(texts))]
        counts = [(len(a & b), len(a), len(b)) for a, b in drawn]
        right, found, gold = (sum(column) for column in zip(*counts, strict=True))
        values.append(2 * right / (found + gold))
    interval = found_measures(tally(texts), "pair", seed=1)["pair_f1"].interval
    assert interval is not None
    low, high = np.percentile(values, [2.5, 97.5])
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.02)


def test_one_seed_gives_one_interval() -> None:
    made = tally([({1, 2}, {1, 3}), ({2}, {2}), ({5}, NOTHING)])
    assert found_measures(made, "x", seed=4) == found_measures(made, "x", seed=4)


def test_a_share() -> None:
    share = share_measure(np.array([1, 0, 2]), np.array([2, 0, 2]), seed=1)
    assert share is not None
    assert (share.value, share.items) == (0.75, 4)
    assert share.interval is not None
    assert 0.5 <= share.interval.low <= 0.75 <= share.interval.high <= 1
    assert share_measure(np.array([0, 0]), np.array([0, 0]), seed=1) is None


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ScoreError, match="1 answers to 2 texts"):
        Tally.of([{1}], [{1}, {2}])
    with pytest.raises(ScoreError, match="nothing to score"):
        Tally.of([{1}], [NOTHING])
