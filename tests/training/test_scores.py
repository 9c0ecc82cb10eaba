"""Scores against scikit-learn, and intervals against what they must do."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from training.errors import ScoreError
from training.scores import (
    RESAMPLES,
    Scores,
    Slice,
    flat,
    known_unknown,
    part,
    score_labels,
    score_tags,
    whole_sentences,
)

LABELS = ("bad", "fair", "good")
PAIRS = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=40
)


def drawn(count: int, accuracy: float, seed: int = 0) -> tuple[list[str], list[str]]:
    generator = np.random.default_rng(seed)
    gold = [LABELS[i] for i in generator.integers(3, size=count)]
    predicted = [g if generator.random() < accuracy else LABELS[0] for g in gold]
    return gold, predicted


def split(pairs: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [gold for gold, _ in pairs], [predicted for _, predicted in pairs]


@given(PAIRS)
@settings(max_examples=25, deadline=None)
def test_scores_equal_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = split(pairs)
    scores = score_labels(gold, predicted, labels=LABELS)
    present = sorted(set(gold))
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(gold, predicted))
    macro = metrics.f1_score(gold, predicted, labels=present, average="macro", zero_division=0)
    micro = metrics.f1_score(gold, predicted, labels=LABELS, average="micro", zero_division=0)
    assert scores.macro_f1 == pytest.approx(macro)
    assert scores.micro_f1 == pytest.approx(micro)
    confusion = metrics.confusion_matrix(gold, predicted, labels=LABELS)
    assert np.array_equal(np.array(scores.confusion), confusion)
    check_classes(scores, gold, predicted)


def check_classes(scores: Scores, gold: list[str], predicted: list[str]) -> None:
    oracle: Any = metrics.precision_recall_fscore_support(
        gold, predicted, labels=LABELS, zero_division=np.nan
    )
    for i, one in enumerate(scores.classes):
        assert one.label == LABELS[i]
        assert (one.support, one.predicted) == (gold.count(one.label), predicted.count(one.label))
        assert (one.precision is None) == (one.predicted == 0)
        assert (one.recall is None) == (one.f1 is None) == (one.support == 0)
        if one.precision is not None:
            assert one.precision == pytest.approx(oracle[0][i])
        if one.recall is not None:
            assert one.recall == pytest.approx(oracle[1][i])
            assert one.f1 == pytest.approx(oracle[2][i])


def test_an_absent_class_has_no_scores_and_does_not_lower_the_mean() -> None:
    scores = score_labels(["bad", "good"], ["bad", "good"], labels=LABELS)
    fair = scores.classes[1]
    assert (fair.support, fair.precision, fair.recall, fair.f1) == (0, None, None, None)
    assert scores.macro_f1 == 1.0


def test_a_gold_label_that_the_model_lacks_is_a_miss() -> None:
    scores = score_labels(["bad", "odd"], ["bad", "bad"], labels=LABELS)
    assert scores.accuracy == 0.5
    assert [one.label for one in scores.classes] == [*LABELS, "odd"]
    assert scores.classes[3].recall == 0.0


def test_intervals_are_seeded_and_hold_the_score() -> None:
    gold, predicted = drawn(500, 0.8)
    scores = score_labels(gold, predicted, labels=LABELS)
    assert scores == score_labels(gold, predicted, labels=LABELS)
    assert scores.accuracy_interval.low < scores.accuracy < scores.accuracy_interval.high
    assert scores.macro_f1_interval.low < scores.macro_f1 < scores.macro_f1_interval.high
    other = score_labels(gold, predicted, labels=LABELS, seed=14)
    assert other.macro_f1_interval != scores.macro_f1_interval
    assert other.accuracy == scores.accuracy


def test_the_interval_is_as_wide_as_the_binomial_one() -> None:
    gold, predicted = drawn(2000, 0.8)
    scores = score_labels(gold, predicted, labels=LABELS)
    width = scores.accuracy_interval.high - scores.accuracy_interval.low
    p = scores.accuracy
    assert width == pytest.approx(2 * 1.96 * np.sqrt(p * (1 - p) / 2000), rel=0.1)


def test_the_interval_equals_a_plain_bootstrap() -> None:
    gold, predicted = drawn(50, 0.7)
    right = np.array(gold) == np.array(predicted)
    generator = np.random.default_rng(13)
    means = [right[generator.integers(50, size=50)].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    interval = score_labels(gold, predicted, labels=LABELS).accuracy_interval
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_an_all_right_score_has_no_width() -> None:
    interval = score_labels(["bad"] * 9, ["bad"] * 9, labels=LABELS).accuracy_interval
    assert (interval.low, interval.high) == (1.0, 1.0)


def test_tags_are_scored_by_word_and_resampled_by_sentence() -> None:
    gold, predicted = drawn(400, 0.8)
    rows = [gold[i : i + 4] for i in range(0, 400, 4)]
    guesses = [predicted[i : i + 4] for i in range(0, 400, 4)]
    by_word = score_labels(gold, predicted, labels=LABELS)
    by_sentence = score_tags(rows, guesses, labels=LABELS)
    assert by_sentence.items == 400
    assert by_sentence.accuracy == by_word.accuracy
    assert by_sentence.confusion == by_word.confusion
    assert by_sentence.accuracy_interval != by_word.accuracy_interval


def test_words_that_hang_together_widen_the_interval() -> None:
    gold = [["bad"] * 20] * 50
    predicted = [["bad" if n % 2 else "good"] * 20 for n in range(50)]
    by_sentence = score_tags(gold, predicted, labels=LABELS).accuracy_interval
    by_word = score_labels(flat(gold), flat(predicted), labels=LABELS).accuracy_interval
    assert by_sentence.high - by_sentence.low > 3 * (by_word.high - by_word.low)


def test_empty_sentences_change_nothing() -> None:
    gold, predicted = [["bad", "good"], ["fair"]], [["bad", "bad"], ["fair"]]
    with_empty = score_tags([[], *gold, []], [[], *predicted, []], labels=LABELS)
    assert with_empty == score_tags(gold, predicted, labels=LABELS)


def test_known_and_unknown_words() -> None:
    words = [["a", "new", "day"], ["a", "zebu"]]
    gold = [["DET", "ADJ", "NOUN"], ["DET", "NOUN"]]
    predicted = [["DET", "NOUN", "NOUN"], ["DET", "VERB"]]
    known, unknown = known_unknown(words, gold, predicted, knows=lambda word: word != "zebu")
    assert known == Slice("known words", 4, 0.75)
    assert unknown == Slice("unknown words", 1, 0.0)
    _, none = known_unknown(words, gold, predicted, knows=lambda _: True)
    assert none.to_dict() == {"name": "unknown words", "items": 0, "accuracy": None}


def test_whole_sentences() -> None:
    found = whole_sentences([["A", "B"], ["A"], []], [["A", "C"], ["A"], []])
    assert found == Slice("whole sentences", 3, 2 / 3)
    assert part("none", np.array([True]), where=np.array([False])).accuracy is None


@pytest.mark.parametrize(("gold", "predicted"), [([], []), (["bad"], []), (["bad"], ["bad"] * 2)])
def test_nothing_and_unequal_lengths_are_refused(gold: list[str], predicted: list[str]) -> None:
    with pytest.raises(ScoreError, match=f"{len(predicted)} answers to {len(gold)} items"):
        score_labels(gold, predicted, labels=LABELS)


def test_sentences_of_unequal_lengths_are_refused() -> None:
    with pytest.raises(ScoreError, match="differ in number or length"):
        score_tags([["A", "B"]], [["A"]], labels=["A", "B"])
    with pytest.raises(ScoreError, match="0 answers to 0 items"):
        score_tags([[]], [[]], labels=["A"])


def test_scores_are_plain_values() -> None:
    plain = score_labels(["bad", "good"], ["bad", "bad"], labels=LABELS).to_dict()
    assert plain["accuracy_interval"]["level"] == 0.95
    assert plain["classes"][0]["label"] == "bad"
    assert plain["confusion"] == ((1, 0, 0), (0, 0, 0), (1, 0, 0))
