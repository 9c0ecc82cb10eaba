"""Calibration against scikit-learn, a naive ECE, and logits whose temperature is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn import metrics

from training.calibration import BINS, COLDEST, HOTTEST, fit_temperature, reliability
from training.errors import ScoreError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def honest(count: int, labels: int, seed: int = 0) -> tuple[Floats, Ints]:
    """Logits, and gold drawn from the very probabilities that they stand for."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=1.5, size=(count, labels))
    noise = generator.gumbel(size=logits.shape)
    return logits, (logits + noise).argmax(axis=1)


def naive_ece(probabilities: Floats, gold: Ints) -> float:
    total = 0.0
    for i in range(BINS):
        low, high = i / BINS, (i + 1) / BINS
        rows = [
            (row.max(), row.argmax() == g)
            for row, g in zip(probabilities, gold, strict=True)
            if low < row.max() <= high
        ]
        if rows:
            confidence, right = np.mean(rows, axis=0)
            total += len(rows) / len(gold) * abs(confidence - right)
    return total


@pytest.mark.parametrize("labels", [2, 3, 17])
def test_reliability_equals_its_oracles(labels: int) -> None:
    logits, gold = honest(400, labels)
    probabilities = softmax(2 * logits, axis=-1)
    found = reliability(probabilities, gold)
    assert found.ece == pytest.approx(naive_ece(probabilities, gold))
    nll = metrics.log_loss(gold, probabilities, labels=list(range(labels)))
    assert found.nll == pytest.approx(nll)
    one_hot = np.eye(labels)[gold]
    assert found.brier == pytest.approx(((probabilities - one_hot) ** 2).sum(axis=1).mean())
    assert sum(one.items for one in found.bins) == 400
    assert len(found.bins) == BINS


def test_the_brier_score_of_two_classes_is_twice_the_binary_one() -> None:
    logits, gold = honest(200, 2)
    probabilities = softmax(logits, axis=-1)
    binary = metrics.brier_score_loss(gold, probabilities[:, 1])
    assert reliability(probabilities, gold).brier == pytest.approx(2 * binary)


def test_bins_are_open_below_and_closed_above() -> None:
    probabilities = np.array([[1.0, 0.0], [0.6, 0.4], [0.5, 0.5]])
    found = reliability(probabilities, np.array([0, 1, 0]))
    filled = {round(one.high, 3): one for one in found.bins if one.items}
    assert sorted(filled) == [0.533, 0.6, 1.0]
    assert filled[1.0].accuracy == filled[1.0].confidence == 1.0
    assert filled[0.6].gap == pytest.approx(0.6)
    empty = found.bins[0]
    assert (empty.items, empty.confidence, empty.accuracy, empty.gap) == (0, None, None, 0)


def test_certain_and_wrong_is_finite() -> None:
    found = reliability(np.array([[1.0, 0.0]]), np.array([1]))
    assert found.ece == 1.0
    assert found.brier == 2.0
    assert np.isfinite(found.nll)


@pytest.mark.parametrize("true", [0.5, 1.0, 2.5, 6.0])
@pytest.mark.parametrize("labels", [2, 5])
def test_the_true_temperature_is_found(true: float, labels: int) -> None:
    logits, gold = honest(20_000, labels)
    found = fit_temperature(logits * true, gold)
    assert found.temperature == pytest.approx(true, rel=0.05)
    assert found.after.ece < 0.015
    assert found.after.nll <= found.before.nll
    if true != 1.0:
        assert found.before.ece > 2 * found.after.ece


def test_float32_logits_give_the_same_temperature() -> None:
    logits, gold = honest(500, 3)
    one = fit_temperature(logits * 3, gold).temperature
    other = fit_temperature((logits * 3).astype(np.float32), gold).temperature
    assert other == pytest.approx(one, rel=1e-3)


def test_answers_stay_the_same() -> None:
    logits, gold = honest(300, 3)
    found = fit_temperature(logits * 4, gold)
    scaled = softmax(logits * 4 / found.temperature, axis=-1)
    assert np.array_equal(scaled.argmax(axis=1), logits.argmax(axis=1))
    assert found.to_dict()["after"]["bins"][0]["items"] == 0


def test_a_temperature_stays_within_its_bounds() -> None:
    always_right = np.array([[2.0, 0.0], [0.0, 2.0]])
    assert COLDEST <= fit_temperature(always_right, np.array([0, 1])).temperature < 1
    always_wrong = fit_temperature(always_right, np.array([1, 0])).temperature
    assert 1 < always_wrong <= HOTTEST


def test_logits_that_say_nothing_keep_temperature_one() -> None:
    assert fit_temperature(np.zeros((4, 2)), np.array([0, 1, 0, 1])).temperature == 1.0


@pytest.mark.parametrize(
    ("rows", "gold", "message"),
    [
        (np.zeros((0, 2)), np.array([], dtype=np.int64), "with items above 0"),
        (np.zeros((2, 2)), np.array([0]), r"found \(2, 2\) and \(1,\)"),
        (np.zeros(2), np.array([0, 1]), r"expected \(items, labels\)"),
        (np.zeros((1, 2)), np.array([2]), "gold must hold indices of the 2 labels"),
        (np.zeros((1, 2)), np.array([-1]), "gold must hold indices of the 2 labels"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(rows: Floats, gold: Ints, message: str) -> None:
    with pytest.raises(ScoreError, match=message):
        fit_temperature(rows, gold)
    with pytest.raises(ScoreError, match=message):
        reliability(rows, gold)
