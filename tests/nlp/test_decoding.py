"""Softmax, best paths and marginals against brute force over all tag sequences."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from nlp.decoding import Chain, log_softmax, marginals, softmax, viterbi

Floats = NDArray[np.float64]
logits = arrays(
    np.float32,
    array_shapes(min_dims=1, max_dims=3),
    elements=st.floats(-1e4, 1e4, width=32),
)


def drawn(time: int, tags: int, *, seed: int, scale: float) -> tuple[Floats, Chain]:
    rng = np.random.default_rng(seed)
    packed = rng.normal(scale=scale, size=(tags + 2, tags))
    return rng.normal(scale=scale, size=(time, tags)), Chain.unpack(packed)


def all_paths(emissions: Floats, chain: Chain) -> tuple[list[tuple[int, ...]], Floats]:
    """Every tag sequence and its score, summed by hand."""
    time, tags = emissions.shape
    paths = list(product(range(tags), repeat=time))
    return paths, np.array([score(path, emissions, chain) for path in paths])


def score(path: tuple[int, ...], emissions: Floats, chain: Chain) -> float:
    total = float(chain.start[path[0]] + chain.end[path[-1]])
    total += sum(float(emissions[place, tag]) for place, tag in enumerate(path))
    return total + sum(float(chain.transitions[a, b]) for a, b in pairwise(path))


EVERY_SIZE = pytest.mark.parametrize(("time", "tags"), [(1, 1), (1, 4), (2, 3), (4, 3), (6, 2)])
EVERY_SCALE = pytest.mark.parametrize("scale", [0.1, 3.0, 300.0])


@EVERY_SIZE
@EVERY_SCALE
def test_viterbi_finds_the_best_of_all_paths(time: int, tags: int, scale: float) -> None:
    for seed in range(10):
        emissions, chain = drawn(time, tags, seed=seed, scale=scale)
        paths, scores = all_paths(emissions, chain)
        assert tuple(viterbi(emissions, chain)) == paths[int(scores.argmax())]


@EVERY_SIZE
@EVERY_SCALE
def test_marginals_sum_the_probability_of_all_paths(time: int, tags: int, scale: float) -> None:
    for seed in range(10):
        emissions, chain = drawn(time, tags, seed=seed, scale=scale)
        paths, scores = all_paths(emissions, chain)
        weights = softmax(scores)
        expected = np.zeros((time, tags))
        for path, weight in zip(paths, weights, strict=True):
            expected[np.arange(time), path] += weight
        np.testing.assert_allclose(marginals(emissions, chain), expected, atol=1e-10)


def test_without_transitions_marginals_are_softmax_and_the_best_path_argmax() -> None:
    emissions, _ = drawn(50, 17, seed=3, scale=2.0)
    nothing = Chain.unpack(np.zeros((19, 17)))
    np.testing.assert_allclose(marginals(emissions, nothing), softmax(emissions), atol=1e-12)
    assert viterbi(emissions, nothing) == emissions.argmax(axis=1).tolist()


def test_long_sentences_neither_overflow_nor_vanish() -> None:
    emissions, chain = drawn(2000, 5, seed=1, scale=50.0)
    given_marginals = marginals(emissions.astype(np.float32), chain)
    np.testing.assert_allclose(given_marginals.sum(axis=1), 1.0)
    assert len(viterbi(emissions, chain)) == 2000


def test_the_packed_table_is_transitions_then_start_then_end() -> None:
    chain = Chain.unpack(np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.float32))
    assert chain.transitions.tolist() == [[1, 2], [3, 4]]
    assert chain.start.tolist() == [5, 6]
    assert chain.end.tolist() == [7, 8]


@given(logits, st.floats(0.05, 20))
def test_softmax_is_a_distribution_in_the_order_of_the_logits(
    values: NDArray[np.float32], temperature: float
) -> None:
    probabilities = softmax(values, temperature)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0)
    best = np.take_along_axis(values, probabilities.argmax(axis=-1)[..., None], axis=-1)
    np.testing.assert_allclose(best[..., 0], values.max(axis=-1), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(np.exp(log_softmax(values)), softmax(values))


def test_temperature_divides_the_logits() -> None:
    values = np.array([1.0, 2.0, 4.0])
    expected = np.exp(values / 2) / np.exp(values / 2).sum()
    np.testing.assert_allclose(softmax(values, 2.0), expected)
    assert softmax(values, 5.0).max() < softmax(values).max() < softmax(values, 0.2).max()


def test_huge_logits_do_not_overflow() -> None:
    assert softmax(np.array([1e30, 0.0])).tolist() == [1.0, 0.0]
    assert log_softmax(np.array([1e30, 1e30])).tolist() == pytest.approx([-np.log(2)] * 2)
