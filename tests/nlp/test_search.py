"""Beam search against every sequence of a small Markov chain; sampling against brute force."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from nlp.decoding import Floats, log_softmax
from nlp.search import (
    GREEDY,
    BeamSearch,
    Hypothesis,
    Sampler,
    Sampling,
    distribution,
    length_penalty,
)

END = 0
EVERYTHING = 10_000
"""A width that no search below fills."""


@dataclass(frozen=True, slots=True)
class Markov:
    """A random chain: the next token depends on the last one. table: (tokens, tokens)."""

    table: Floats

    @classmethod
    def drawn(cls, tokens: int, seed: int, *, forbidden: float = 0.0) -> "Markov":
        rng = np.random.default_rng(seed)
        logits = rng.normal(scale=1.5, size=(tokens, tokens))
        logits[rng.random(logits.shape) < forbidden] = -np.inf
        logits[:, END] = np.where(np.isinf(logits).all(axis=1), 0.0, logits[:, END])
        return cls(log_softmax(logits))

    def next(self, prefix: tuple[int, ...]) -> Floats:
        row: Floats = self.table[prefix[-1] if prefix else END]
        return row

    def sequences(self, limit: int) -> Iterator[Hypothesis]:
        """Every sequence that ends within `limit` choices or is cut there, if it is possible."""
        level: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
        for _ in range(limit):
            longer = []
            for prefix, score in level:
                after = score + self.next(prefix)
                if after[END] > -np.inf:
                    yield Hypothesis(prefix, float(after[END]), True)
                tokens = [t for t in range(1, len(after)) if after[t] > -np.inf]
                longer += [((*prefix, t), float(after[t])) for t in tokens]
            level = longer
        yield from (Hypothesis(prefix, score, False) for prefix, score in level)


def searched(chain: Markov, search: BeamSearch) -> list[Hypothesis]:
    while prefixes := search.prefixes():
        assert len({len(prefix) for prefix in prefixes}) == 1
        search.take(np.stack([chain.next(prefix) for prefix in prefixes]))
    return search.best()


def value(hypothesis: Hypothesis, alpha: float) -> float:
    length = len(hypothesis.tokens) + (1 if hypothesis.finished else 0)
    return hypothesis.score / float(((5 + length) / 6) ** alpha)


chains = st.builds(Markov.drawn, st.integers(2, 4), st.integers(0, 10**6), forbidden=st.just(0.0))
gapped = st.builds(Markov.drawn, st.integers(2, 4), st.integers(0, 10**6), forbidden=st.just(0.4))
limits = st.integers(1, 5)
alphas = st.sampled_from([0.0, 0.3, 1.0, 2.5])


# -- beam search ---------------------------------------------------------------------------------


@settings(max_examples=60)
@given(chain=st.one_of(chains, gapped), limit=limits, alpha=alphas, n_best=st.integers(1, 6))
def test_a_beam_that_keeps_everything_finds_the_n_best_of_all(
    chain: Markov, limit: int, alpha: float, n_best: int
) -> None:
    search = BeamSearch(EVERYTHING, limit=limit, end=END, length_penalty=alpha, n_best=n_best)
    found = searched(chain, search)
    every = sorted(chain.sequences(limit), key=lambda h: value(h, alpha), reverse=True)
    assert len(found) == min(n_best, len(every))
    expected = [value(hypothesis, alpha) for hypothesis in every[:n_best]]
    np.testing.assert_allclose([value(h, alpha) for h in found], expected, atol=1e-12)
    possible = {(h.tokens, h.finished) for h in every}
    assert {(h.tokens, h.finished) for h in found} <= possible
    assert len({(h.tokens, h.finished) for h in found}) == len(found)


@settings(max_examples=60)
@given(chain=chains, limit=limits, alpha=alphas, width=st.integers(1, 4), n_best=st.integers(1, 4))
def test_stopping_early_changes_nothing(
    chain: Markov, limit: int, alpha: float, width: int, n_best: int
) -> None:
    """The reference goes on to the limit whatever has finished."""
    search = BeamSearch(width, limit=limit, end=END, length_penalty=alpha, n_best=n_best)
    reference = beam_to_the_limit(chain, width, limit)
    expected = sorted(reference, key=lambda h: value(h, alpha), reverse=True)[:n_best]
    assert searched(chain, search) == expected


def beam_to_the_limit(chain: Markov, width: int, limit: int) -> list[Hypothesis]:
    ended: list[Hypothesis] = []
    beam = [Hypothesis((), 0.0, False)]
    for _ in range(limit):
        grown = [
            Hypothesis(h.tokens, h.score + float(p), True)
            if token == END
            else Hypothesis((*h.tokens, token), h.score + float(p), False)
            for h in beam
            for token, p in enumerate(chain.next(h.tokens))
        ]
        grown = sorted(grown, key=lambda h: h.score, reverse=True)[:width]
        ended += [h for h in grown if h.finished]
        beam = [h for h in grown if not h.finished]
    return ended + beam


@settings(max_examples=40)
@given(chain=chains, limit=limits, alpha=alphas)
def test_width_one_is_greedy_whatever_the_penalty(chain: Markov, limit: int, alpha: float) -> None:
    tokens: list[int] = []
    finished = False
    while len(tokens) < limit and not finished:
        best = int(chain.next(tuple(tokens)).argmax())
        finished = best == END
        tokens += [] if finished else [best]
    (found,) = searched(chain, BeamSearch(1, limit=limit, end=END, length_penalty=alpha))
    assert (found.tokens, found.finished) == (tuple(tokens), finished)


@settings(max_examples=40)
@given(chain=chains, limit=limits, width=st.integers(1, 4))
def test_a_score_is_the_sum_of_the_choices(chain: Markov, limit: int, width: int) -> None:
    for found in searched(chain, BeamSearch(width, limit=limit, end=END, n_best=width)):
        path = [END, *found.tokens, *([END] if found.finished else [])]
        assert found.score == pytest.approx(sum(chain.table[a, b] for a, b in pairwise(path)))
        assert found.length == len(path) - 1


def test_it_stops_as_soon_as_nothing_can_win_any_more() -> None:
    table = np.log(np.array([[0.1, 0.9], [0.9, 0.1]]))  # token 1, then the end
    search = BeamSearch(2, limit=1000, end=END)
    steps = 0
    while prefixes := search.prefixes():
        search.take(np.stack([table[prefix[-1] if prefix else END] for prefix in prefixes]))
        steps += 1
    assert steps == 2
    assert search.best() == [Hypothesis((1,), 2 * float(np.log(0.9)), True)]


def test_the_penalty_turns_a_short_answer_into_a_long_one() -> None:
    table = np.log(np.array([[0.4, 0.6], [0.3, 0.7]]))
    short = searched(Markov(table), BeamSearch(4, limit=6, end=END))
    long = searched(Markov(table), BeamSearch(4, limit=6, end=END, length_penalty=2.0))
    assert (len(short[0].tokens), len(long[0].tokens)) == (0, 6)


def test_the_penalty_is_wus_formula() -> None:
    assert length_penalty(1, 0.7) == 1.0
    assert length_penalty(7, 1.0) == 2.0
    assert length_penalty(19, 0.5) == 2.0


def test_forbidden_tokens_are_never_taken_and_a_dead_end_is_dropped() -> None:
    nothing = np.full(3, -np.inf)
    search = BeamSearch(2, limit=5, end=END, n_best=2)
    search.take(np.array([[-np.inf, np.log(0.7), np.log(0.3)]]))
    assert search.prefixes() == [(1,), (2,)]
    search.take(np.stack([nothing, np.log([0.5, 0.25, 0.25])]))
    assert all(prefix[0] == 2 for prefix in search.prefixes())
    blocked = BeamSearch(2, limit=5, end=END)
    blocked.take(nothing[None])
    assert (blocked.prefixes(), blocked.best()) == ([], [])


def test_the_unfinished_compete_at_the_limit() -> None:
    table = np.log(np.array([[0.1, 0.9], [0.1, 0.9]]))
    found = searched(Markov(table), BeamSearch(2, limit=2, end=END, n_best=2))
    assert [(h.tokens, h.finished) for h in found] == [((1, 1), False), ((), True)]
    np.testing.assert_allclose([h.score for h in found], np.log([0.81, 0.1]))


@pytest.mark.parametrize(
    ("width", "limit", "alpha", "n_best"),
    [(0, 1, 0.0, 1), (1, 0, 0.0, 1), (1, 1, -0.1, 1), (1, 1, np.nan, 1), (1, 1, 0.0, 0)],
)
def test_impossible_searches_are_refused(width: int, limit: int, alpha: float, n_best: int) -> None:
    with pytest.raises(ValueError, match="must"):
        BeamSearch(width, limit=limit, end=END, length_penalty=alpha, n_best=n_best)


@pytest.mark.parametrize(
    "given_scores", [[[0.0]], [[-1.0, -1.0]] * 2, [-1.0, -1.0], [[0.5, -1.0]], [[np.nan, -1.0]]]
)
def test_what_are_no_log_probabilities_is_refused(given_scores: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="log-probabilit"):
        BeamSearch(2, limit=3, end=1).take(np.array(given_scores))


# -- sampling ------------------------------------------------------------------------------------

logits = arrays(np.float32, st.integers(1, 9), elements=st.floats(-20, 20, width=32))


def probabilities(values: NDArray[np.float32], temperature: float) -> Floats:
    weights = np.exp((values.astype(np.float64) - values.max()) / temperature)
    normalised: Floats = weights / weights.sum()
    return normalised


@given(values=logits, temperature=st.floats(0.2, 5), k=st.integers(1, 10))
def test_top_k_keeps_the_k_most_probable(
    values: NDArray[np.float32], temperature: float, k: int
) -> None:
    kept = sorted(range(len(values)), key=lambda i: (-values[i], i))[:k]
    full = probabilities(values, temperature)
    expected = np.array([full[i] if i in kept else 0.0 for i in range(len(values))])
    found = distribution(values, Sampling(temperature=temperature, top_k=k))
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-12)


@given(values=logits, temperature=st.floats(0.2, 5), p=st.floats(0.01, 1))
def test_top_p_keeps_the_fewest_that_reach_p(
    values: NDArray[np.float32], temperature: float, p: float
) -> None:
    full = probabilities(values, temperature)
    order = sorted(range(len(values)), key=lambda i: (-values[i], i))
    masses = np.array([full[order[:n]].sum() for n in range(1, len(order) + 1)])
    assume(np.abs(masses[:-1] - p).min(initial=1.0) > 1e-9)  # else rounding decides
    size = 1 + int((masses[:-1] < p).sum())
    found = distribution(values, Sampling(temperature=temperature, top_p=p))
    assert set(np.flatnonzero(found)) == {i for i in order[:size] if full[i] > 0}
    np.testing.assert_allclose(found[order[:size]], full[order[:size]] / masses[size - 1])


def test_top_p_cuts_what_top_k_left() -> None:
    values = np.log(np.array([0.4, 0.3, 0.2, 0.1]))
    found = distribution(values, Sampling(top_k=3, top_p=0.5))  # of 4/9, 3/9, 2/9 the first two
    np.testing.assert_allclose(found, [4 / 7, 3 / 7, 0, 0])


@given(values=logits, seed=st.integers(0, 99))
def test_a_temperature_towards_zero_is_greedy(values: NDArray[np.float32], seed: int) -> None:
    best = int(values.argmax())
    assert Sampler(GREEDY).draw(values)[0] == best
    ranked = np.sort(values)[::-1]
    assume(len(values) == 1 or ranked[0] - ranked[1] > 1e-3)
    for temperature in (1e-5, 1e-300):
        assert Sampler(Sampling(temperature=temperature, seed=seed)).draw(values)[0] == best


def test_draws_are_as_frequent_as_they_are_probable() -> None:
    values = np.array([1.0, -np.inf, 0.2, -0.7, 2.0])
    policy = Sampling(temperature=1.7, seed=3)
    sampler, draws = Sampler(policy), 4000
    counts = np.bincount([sampler.draw(values)[0] for _ in range(draws)], minlength=5)
    expected = distribution(values, policy)
    assert expected[1] == counts[1] == 0
    tolerance = 4 * np.sqrt(expected * (1 - expected) / draws)  # four standard errors
    assert (np.abs(counts / draws - expected) <= tolerance).all()


@given(values=logits, seed=st.integers(0, 999))
def test_equal_seeds_draw_equal_tokens_and_say_how_probable_they_were(
    values: NDArray[np.float32], seed: int
) -> None:
    policy = Sampling(temperature=2.0, top_k=5, seed=seed)
    a, b = Sampler(policy), Sampler(policy)
    first = [a.draw(values) for _ in range(5)]
    assert first == [b.draw(values) for _ in range(5)]
    plain = log_softmax(values)
    assert all(log_prob == plain[token] for token, log_prob in first)


def test_other_seeds_draw_other_tokens() -> None:
    samplers = [Sampler(Sampling(seed=seed)) for seed in range(5)]
    drawn = {tuple(s.draw(np.zeros(50))[0] for _ in range(5)) for s in samplers}
    assert len(drawn) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"seed": -1},
    ],
)
def test_impossible_policies_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
        Sampling(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [[-np.inf, -np.inf], [0.0, np.nan]])
def test_logits_that_allow_nothing_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="allow one token"):
        distribution(np.array(values), GREEDY)
