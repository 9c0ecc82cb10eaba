"""Differences and what they can show, against brute force and simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
from outcomes import sides
from scipy.stats import binomtest

from training.errors import ScoreError
from training.paired import p_value
from training.retrain.difference import (
    bootstrap,
    detectable_labels,
    difference,
    mcnemar,
    share,
    standard_error,
)
from training.retrain.policy import DEFAULT

QUICK = replace(DEFAULT, resamples=400)


def shares(right: list[bool]) -> np.ndarray:
    return np.array([(one, 1.0) for one in right], np.float64)


def spans(items: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Shares of F1: twice those right, and those found and annotated; the same items twice."""
    gold = generator.integers(0, 4, size=items)
    sides = []
    for _ in range(2):
        found = generator.integers(0, 4, size=items)
        hits = np.minimum(generator.binomial(np.minimum(gold, found), 0.7), gold)
        sides.append(np.stack([2 * hits, gold + found], axis=1).astype(np.float64))
    return sides[0], sides[1]


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (3, 9), (7, 7), (40, 21)])
def test_mcnemar_is_the_sum_of_binomial_tails(gained: int, lost: int) -> None:
    count, tail = gained + lost, min(gained, lost)
    low = sum(math.comb(count, k) for k in range(tail + 1)) / 2**count
    expected = min(1.0, 2 * low)
    assert mcnemar(gained, lost) == pytest.approx(expected)
    if count:
        assert mcnemar(gained, lost) == pytest.approx(binomtest(lost, count, 0.5).pvalue)


def test_every_figure_of_a_difference_by_hand() -> None:
    champion = [True] * 60 + [False] * 40
    challenger = [True] * 50 + [False] * 10 + [True] * 25 + [False] * 15
    found = difference(
        shares(champion), shares(challenger), right=(champion, challenger), policy=QUICK
    )
    assert (found.items, found.gained, found.lost) == (100, 25, 10)
    assert (found.champion, found.challenger) == (0.6, 0.75)
    assert found.value == pytest.approx(0.15)
    assert found.p == found.mcnemar == pytest.approx(binomtest(10, 35).pvalue)
    assert found.low < found.lower < found.value < found.high


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        one, other = sides(300, gained=0.12, lost=0.08, right=0.6, generator=generator)
        found = difference(shares(one), shares(other), right=(one, other), policy=QUICK)
        covered += found.low <= 0.04 <= found.high
    assert 0.90 <= covered / 200 <= 0.99


@pytest.mark.parametrize("kind", ["labels", "spans"])
def test_the_standard_error_is_the_bootstraps(kind: str) -> None:
    generator = np.random.default_rng(3)
    if kind == "spans":
        champion, challenger = spans(400, generator)
    else:
        one, other = sides(400, gained=0.1, lost=0.06, right=0.6, generator=generator)
        champion, challenger = shares(one), shares(other)
    drawn = bootstrap(champion, challenger, resamples=4000, seed=1)
    assert standard_error(champion, challenger) == pytest.approx(drawn.std(), rel=0.05)
    assert drawn.mean() == pytest.approx(share(challenger) - share(champion), abs=0.004)


def test_the_detectable_difference_is_detected_with_the_stated_power() -> None:
    """Of models that far apart, the exact test finds about four in five; it is a little shy."""
    items, psi = 600, 0.15
    delta = detectable_labels(psi, items, alpha=0.05, power=0.8)
    assert delta is not None
    generator = np.random.default_rng(9)
    discordant = generator.binomial(items, psi, size=2000)
    gained = generator.binomial(discordant, (psi + delta) / (2 * psi))
    found = [mcnemar(g, d - g) < 0.05 for g, d in zip(gained, discordant, strict=True)]
    assert 0.74 <= np.mean(found) <= 0.84


def test_the_detectable_difference_satisfies_its_own_formula() -> None:
    psi, items = 0.2, 1821
    delta = detectable_labels(psi, items, alpha=0.05, power=0.8)
    assert delta is not None
    spread = 1.959964 * math.sqrt(psi) + 0.841621 * math.sqrt(psi - delta**2)
    assert (spread / delta) ** 2 == pytest.approx(items, rel=1e-5)


@pytest.mark.parametrize(("psi", "items"), [(0.0, 500), (0.02, 40)])
def test_too_little_to_detect_anything_is_said(psi: float, items: int) -> None:
    assert detectable_labels(psi, items, alpha=0.05, power=0.8) is None


def test_items_of_several_labels_are_swapped_whole() -> None:
    generator = np.random.default_rng(7)
    champion, challenger = spans(120, generator)
    found = difference(champion, challenger, right=None, policy=QUICK)
    assert found.test == "approximate randomisation"
    assert found.p == p_value(champion, challenger)
    assert found.gained is found.mcnemar is None
    assert found.detectable == pytest.approx(
        (1.959964 + 0.841621) * standard_error(champion, challenger), rel=1e-5
    )


def test_labels_that_hang_together_are_counted_and_tested_by_item() -> None:
    champion = np.array([(2.0, 3.0), (1.0, 1.0)] * 40)
    challenger = np.array([(3.0, 3.0), (0.0, 1.0)] * 40)
    right = ([True, True, False, True] * 40, [True, True, True, False] * 40)
    found = difference(champion, challenger, right=right, policy=QUICK)
    assert (found.gained, found.lost) == (40, 40)
    assert found.test == "approximate randomisation"
    assert found.mcnemar == 1.0


def test_other_items_are_refused() -> None:
    with pytest.raises(ScoreError, match="3 items cannot be paired with 2"):
        difference(np.ones((3, 2)), np.ones((2, 2)), right=None, policy=QUICK)
    with pytest.raises(ScoreError, match="0 items"):
        difference(np.ones((0, 2)), np.ones((0, 2)), right=None, policy=QUICK)
