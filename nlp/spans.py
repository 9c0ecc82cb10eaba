"""Spans of words written as BIO tags (Ramshaw and Marcus 1995): B begins one, I goes on, O is none.

A sequence in which I follows O, or stands first, names no spans. It is ruled out before the best
sequence is sought, so none has to be mended afterwards.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nlp.decoding import Chain, messages

BEGIN: Final = "B"
INSIDE: Final = "I"
OUTSIDE: Final = "O"
TAGS: Final = (BEGIN, INSIDE, OUTSIDE)

Range = tuple[int, int]
"""Words from the first to before the second, half-open."""


def spans_of(tags: Sequence[str]) -> list[Range]:
    """The spans of a legal sequence, in order; an I without a span to go on begins one."""
    spans: list[Range] = []
    for i, tag in enumerate(tags):
        goes_on = tag == INSIDE and spans and spans[-1][1] == i
        if goes_on:
            spans[-1] = (spans[-1][0], i + 1)
        elif tag in (BEGIN, INSIDE):
            spans.append((i, i + 1))
    return spans


def tags_of(spans: Sequence[Range], length: int) -> list[str]:
    """The tags of `length` words; where spans overlap the first keeps its words."""
    tags = [OUTSIDE] * length
    for start, end in sorted(spans):
        if set(tags[start:end]) == {OUTSIDE}:
            tags[start:end] = [BEGIN, *[INSIDE] * (end - start - 1)]
    return tags


def legal(chain: Chain) -> Chain:
    """The chain over TAGS without the paths that name no spans: their weight is zero."""
    inside, outside = TAGS.index(INSIDE), TAGS.index(OUTSIDE)
    transitions, start = chain.transitions.copy(), chain.start.copy()
    transitions[outside, inside] = -np.inf
    start[inside] = -np.inf
    return Chain(transitions, start, chain.end)


def span_probabilities(
    emissions: NDArray[np.floating], chain: Chain, spans: Sequence[Range]
) -> list[float]:
    """The exact probability of each span: the share of all paths' weight that goes to the paths
    that have this span, with these bounds, whatever they say of the other words.

    emissions: (time, tags) of TAGS; chain: a legal one.
    """
    scores: NDArray[np.float64] = np.asarray(emissions, np.float64)
    if not spans:
        return []
    ahead = messages(scores, chain.start, chain.transitions)
    behind = messages(scores[::-1], chain.end, chain.transitions.T)[::-1]
    total = np.logaddexp.reduce(ahead[-1] + chain.end)
    weights = [_weight(scores, chain, ahead, behind, span) for span in spans]
    return [float(np.exp(min(0.0, weight - total))) for weight in weights]


def _weight(
    scores: NDArray[np.float64],
    chain: Chain,
    ahead: NDArray[np.float64],
    behind: NDArray[np.float64],
    span: Range,
) -> float:
    """Log weight of the paths that have the span. ahead, behind: (time, tags), both count the
    emission of their place.
    """
    begin, inside = TAGS.index(BEGIN), TAGS.index(INSIDE)
    start, end = span
    path = [begin, *[inside] * (end - start - 1)]
    weight = float(ahead[start, begin] + scores[start + 1 : end, inside].sum())
    weight += sum(float(chain.transitions[a, inside]) for a in path[:-1])
    if end == len(scores):
        return weight + float(chain.end[path[-1]])
    rest = chain.transitions[path[-1]] + behind[end]
    rest[inside] = -np.inf  # an I there would make the span longer
    return weight + float(np.logaddexp.reduce(rest))
