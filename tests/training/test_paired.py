"""The paired test against all swaps counted out, and the shares against the tasks' own scores."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny import examples, in_memory

from training.errors import ScoreError
from training.evaluate import evaluate
from training.evaluation import Evaluation
from training.paired import SHUFFLES, holm, p_value, shares

Floats = NDArray[np.float64]


def exact(one: Floats, other: Floats) -> float:
    """The share of all 2^n swaps that make a difference at least as large."""

    def difference(swaps: tuple[int, ...]) -> float:
        pairs = [(b, a) if s else (a, b) for s, a, b in zip(swaps, one, other, strict=True)]
        sums = [np.sum([pair[side] for pair in pairs], axis=0) for side in (0, 1)]
        return abs(float(sums[0][0] / sums[0][1] - sums[1][0] / sums[1][1]))

    seen = difference((0,) * len(one))
    every = [difference(swaps) for swaps in itertools.product((0, 1), repeat=len(one))]
    return float(np.mean([value >= seen - 1e-12 for value in every]))


@pytest.mark.parametrize("seed", range(4))
def test_as_if_every_swap_was_counted(seed: int) -> None:
    generator = np.random.default_rng(seed)
    totals = generator.integers(1, 6, size=(10, 1))
    one, other = (
        np.hstack([generator.integers(0, totals + 1), totals]).astype(np.float64) for _ in "ab"
    )
    expected = exact(one, other)
    noise = 4 * math.sqrt(expected * (1 - expected) / SHUFFLES) + 2 / SHUFFLES
    assert p_value(one, other) == pytest.approx(expected, abs=noise)
    assert p_value(other, one) == p_value(one, other) == p_value(one, other, seed=13)


def test_equal_answers_and_clear_ones() -> None:
    right, wrong = np.array([[1.0, 1.0]] * 40), np.array([[0.0, 1.0]] * 40)
    assert p_value(right, right) == 1.0
    assert p_value(right, wrong) == 1 / (SHUFFLES + 1)


def test_the_same_items_are_needed() -> None:
    with pytest.raises(ScoreError, match="3 items cannot be paired with 2"):
        p_value(np.ones((3, 2)), np.ones((2, 2)))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm(given: list[float], expected: list[float]) -> None:
    assert holm(given) == pytest.approx(expected)


SCORES: dict[str, Callable[[Evaluation], float]] = {
    "sentiment": lambda found: found.first.accuracy,
    "tagging": lambda found: found.first.accuracy,
    "aspects": lambda found: found.first.accuracy,
    "extraction": lambda found: found.measures["span_f1"].value,
    "pairs": lambda found: found.measures["pair_f1"].value,
    "language-model": lambda found: math.log(found.measures["perplexity"].value),
}
ARCHITECTURES = {
    "sentiment": "feed-forward",
    "tagging": "bilstm-tagger",
    "aspects": "aspect-lstm",
    "extraction": "bilstm-tagger",
    "pairs": "recurrent-encoder-decoder",
    "language-model": "window-language-model",
}


@pytest.mark.parametrize("task", sorted(SCORES))
def test_shares_add_up_to_the_score(task: str) -> None:
    model, asked = in_memory(task, ARCHITECTURES[task], steps=12), examples(task)
    found = shares(model, asked)
    assert found is not None
    assert found.shape == (len(asked), 2)
    upper, lower = found.sum(axis=0)
    assert upper / lower == pytest.approx(SCORES[task](evaluate(model, asked)))
    assert upper > 0, "a score of zero would prove nothing"
