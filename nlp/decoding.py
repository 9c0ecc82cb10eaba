"""Logits to probabilities and tag sequences, in numpy.

The linear-chain CRF follows Lafferty, McCallum and Pereira (2001): a path y scores
start[y0] + sum_t emission[t, y_t] + sum_t transition[y_t, y_t+1] + end[y_T].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def log_softmax(logits: NDArray[np.floating]) -> Floats:
    """Over the last axis, in double precision."""
    x: Floats = np.asarray(logits, dtype=np.float64)
    x = x - x.max(axis=-1, keepdims=True)
    total: Floats = np.exp(x).sum(axis=-1, keepdims=True)
    return x - np.log(total)


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Floats:
    """Over the last axis. A temperature above one flattens (Guo et al. 2017)."""
    return np.exp(log_softmax(np.asarray(logits, dtype=np.float64) / temperature))


@dataclass(frozen=True, slots=True)
class Chain:
    """Scores of a linear-chain CRF over K tags."""

    transitions: Floats  # (K, K): from row to column
    start: Floats  # (K,)
    end: Floats  # (K,)

    @classmethod
    def unpack(cls, packed: NDArray[np.floating]) -> "Chain":
        """From (K + 2, K): the transitions, then the start row, then the end row."""
        scores: Floats = np.asarray(packed, dtype=np.float64)
        return cls(scores[:-2], scores[-2], scores[-1])


def viterbi(emissions: NDArray[np.floating], chain: Chain) -> list[int]:
    """The best tag sequence. emissions: (time, K), time >= 1."""
    best = chain.start + emissions[0]
    back = []
    for emission in emissions[1:]:
        scores = best[:, None] + chain.transitions
        back.append(scores.argmax(axis=0))
        best = scores.max(axis=0) + emission
    path = [int((best + chain.end).argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return path[::-1]


def marginals(emissions: NDArray[np.floating], chain: Chain) -> Floats:
    """Probability of each tag at each place, by forward-backward. Shape: (time, K)."""
    forward = messages(np.asarray(emissions, np.float64), chain.start, chain.transitions)
    behind = messages(np.asarray(emissions[::-1], np.float64), chain.end, chain.transitions.T)
    log_weights = forward + behind[::-1] - emissions  # both sides counted the emission
    return np.exp(log_softmax(log_weights))


def messages(emissions: Floats, first: Floats, transitions: Floats) -> Floats:
    """Log weight of all paths that end in each tag at each place. Shape: (time, K)."""
    rows = [first + emissions[0]]
    for emission in emissions[1:]:
        scores = rows[-1][:, None] + transitions
        top = scores.max(axis=0)
        rows.append(top + np.log(np.exp(scores - top).sum(axis=0)) + emission)
    return np.stack(rows)
