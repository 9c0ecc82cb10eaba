"""BIO tags: against every sequence there is, by brute force."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.decoding import Chain, Floats, marginals, viterbi
from nlp.spans import TAGS, Range, legal, span_probabilities, spans_of, tags_of

tag_rows = st.lists(st.sampled_from(TAGS), max_size=8)


def is_legal(tags: tuple[str, ...]) -> bool:
    return all(before != "O" for before, tag in zip(("O", *tags), tags, strict=False) if tag == "I")


def random_chain(rng: np.random.Generator) -> Chain:
    return Chain(rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=3))


def paths(emissions: Floats, chain: Chain) -> dict[tuple[str, ...], float]:
    """Weight of every legal sequence, its scores added up one by one."""
    found = {}
    for path in product(range(3), repeat=len(emissions)):
        score = chain.start[path[0]] + chain.end[path[-1]]
        score += sum(emissions[t, tag] for t, tag in enumerate(path))
        score += sum(chain.transitions[a, b] for a, b in pairwise(path))
        tags = tuple(TAGS[tag] for tag in path)
        if is_legal(tags):
            found[tags] = float(np.exp(score))
    return found


def longhand_spans(tags: tuple[str, ...]) -> set[Range]:
    """A span is a B and the Is behind it."""
    starts = [i for i, tag in enumerate(tags) if tag == "B"]
    ends = (next((j for j in range(i + 1, len(tags)) if tags[j] != "I"), len(tags)) for i in starts)
    return set(zip(starts, ends, strict=True))


@given(tags=tag_rows.map(tuple).filter(is_legal))
def test_spans_to_tags_and_back(tags: tuple[str, ...]) -> None:
    assert set(spans_of(tags)) == longhand_spans(tags)
    assert tuple(tags_of(spans_of(tags), len(tags))) == tags


@given(tags=tag_rows)
def test_any_tags_give_spans_in_order_that_do_not_overlap(tags: list[str]) -> None:
    edges = [edge for span in spans_of(tags) for edge in span]
    assert edges == sorted(edges)
    assert sum(b - a for a, b in spans_of(tags)) == len(tags) - tags.count("O")


def test_of_overlapping_spans_the_first_keeps_its_words() -> None:
    assert tags_of([(2, 4), (0, 3)], 5) == ["B", "I", "I", "O", "O"]


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_best_sequence_marginals_and_spans_are_those_of_all_legal_sequences(
    length: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    emissions, chain = rng.normal(size=(length, 3)), random_chain(rng)
    weights = paths(emissions, chain)
    total = sum(weights.values())
    assert tuple(TAGS[i] for i in viterbi(emissions, legal(chain))) == max(
        weights, key=lambda tags: weights[tags]
    )
    exact = [[sum(w for tags, w in weights.items() if tags[t] == k) for k in TAGS]
             for t in range(length)]  # fmt: skip
    np.testing.assert_allclose(marginals(emissions, legal(chain)), np.array(exact) / total)
    spans = [(a, b) for a in range(length) for b in range(a + 1, length + 1)]
    expected = [
        sum(w for tags, w in weights.items() if span in longhand_spans(tags)) / total
        for span in spans
    ]
    np.testing.assert_allclose(span_probabilities(emissions, legal(chain), spans), expected)


@given(seed=st.integers(0, 200))
def test_no_score_makes_an_inside_tag_follow_none(seed: int) -> None:
    """Not even one that loves it."""
    rng = np.random.default_rng(seed)
    chain = random_chain(rng)
    chain.transitions[TAGS.index("O"), TAGS.index("I")] = 50
    chain.start[TAGS.index("I")] = 50
    best = viterbi(rng.normal(size=(6, 3)), legal(chain))
    assert is_legal(tuple(TAGS[i] for i in best))
