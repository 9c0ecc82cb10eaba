"""Finding a sequence of tokens one step at a time, over any step function.

A step function tells, for each prefix, how probable each next token is. Nothing here knows a
network: the caller asks for the prefixes, has them scored, and hands the scores back.

    search = BeamSearch(4, limit=20, end=END_ID)
    while prefixes := search.prefixes():
        search.take(log_probs_of(prefixes))  # (prefixes, tokens)
    best = search.best()[0]

Greedy decoding is a beam of width 1.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nlp.decoding import Floats, log_softmax, softmax

_ROUNDING: Final = 1e-6
"""How far over zero a log-probability may lie before it counts as a mistake of the caller."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """tokens: without the end token. score: the sum of the log-probabilities of all choices, that
    of the end token among them. finished: the end token was chosen, not only the limit reached.
    """

    tokens: tuple[int, ...]
    score: float
    finished: bool

    @property
    def length(self) -> int:
        """The number of choices made: the tokens, and the end token where it was chosen."""
        return len(self.tokens) + self.finished


def length_penalty(length: int, alpha: float) -> float:
    """((5 + length) / 6)^alpha, by which a score is divided (Wu et al. 2016, equation 14)."""
    return float(((5 + length) / 6) ** alpha)


class BeamSearch:
    """The `width` best continuations are kept at every step; one that ends leaves the beam.

    What it looks for is the sequence, ended or of `limit` tokens, with the highest score divided by
    the length penalty. It stops when that is certain: a score only falls and the penalty is
    greatest at the limit, so an open hypothesis can reach score / penalty(limit) at most; once the
    n-th best finished one has that much, going on changes nothing. With a width that keeps every
    sequence the answer is the exact maximum.

    width: hypotheses kept open. limit: choices at most, the end token counted. end: its id.
    alpha (`length_penalty`): 0 favours short answers, higher values longer ones.
    n_best: how many answers `best` gives, and how many must be certain before the search stops.
    """

    def __init__(
        self, width: int, *, limit: int, end: int, length_penalty: float = 0.0, n_best: int = 1
    ) -> None:
        if width < 1 or limit < 1 or n_best < 1:
            raise ValueError("width, limit and n_best must each be at least 1")
        if not 0 <= length_penalty < np.inf:
            raise ValueError(f"length_penalty must be a number from 0 up, and is {length_penalty}")
        self._width = width
        self._limit = limit
        self._end = end
        self._alpha = length_penalty
        self._n_best = n_best
        self._steps = 0
        self._open: list[Hypothesis] = [Hypothesis((), 0.0, False)]
        self._finished: list[Hypothesis] = []

    def prefixes(self) -> list[tuple[int, ...]]:
        """What to extend next, all of one length; empty when the search is over."""
        return [] if self._is_over() else [hypothesis.tokens for hypothesis in self._open]

    def take(self, log_probs: NDArray[np.floating]) -> None:
        """log_probs: (prefixes, tokens), natural logs of the next token's probability after each
        prefix, in order; -inf forbids a token, and a prefix after which all are forbidden is a
        dead end. Raises ValueError for another shape and for values that are no log-probabilities.
        """
        totals = self._scores() + self._checked(log_probs)
        self._steps += 1
        grown = [self._grown(*place, totals) for place in _largest(totals, self._width)]
        self._finished += [hypothesis for hypothesis in grown if hypothesis.finished]
        self._finished = self._ranked(self._finished)[: self._n_best]
        self._open = [hypothesis for hypothesis in grown if not hypothesis.finished]

    def best(self) -> list[Hypothesis]:
        """The n best, best first; fewer where there are no more. Unfinished ones compete."""
        return self._ranked([*self._finished, *self._open])[: self._n_best]

    def value(self, hypothesis: Hypothesis) -> float:
        """What hypotheses are ranked by: the score divided by the length penalty."""
        return hypothesis.score / length_penalty(hypothesis.length, self._alpha)

    def _is_over(self) -> bool:
        if not self._open or self._steps >= self._limit:
            return True
        if len(self._finished) < self._n_best:
            return False
        within_reach = self._open[0].score / length_penalty(self._limit, self._alpha)
        return self.value(self._finished[-1]) >= within_reach

    def _scores(self) -> Floats:
        """(prefixes, 1)."""
        return np.array([[hypothesis.score] for hypothesis in self._open], dtype=np.float64)

    def _checked(self, log_probs: NDArray[np.floating]) -> Floats:
        given = np.asarray(log_probs, dtype=np.float64)
        prefixes = self.prefixes()
        if given.ndim != 2 or len(given) != len(prefixes) or self._end >= given.shape[1]:
            raise ValueError(f"{len(prefixes)} rows of log-probabilities must be given")
        if not (given <= _ROUNDING).all():  # NaN is not
            raise ValueError("a log-probability must be a number that is not over 0, or -inf")
        return np.minimum(given, 0.0)

    def _grown(self, row: int, token: int, totals: Floats) -> Hypothesis:
        tokens, score = self._open[row].tokens, float(totals[row, token])
        if token == self._end:
            return Hypothesis(tokens, score, True)
        return Hypothesis((*tokens, token), score, False)

    def _ranked(self, hypotheses: list[Hypothesis]) -> list[Hypothesis]:
        return sorted(hypotheses, key=self.value, reverse=True)  # stable: the earlier one wins ties


def _largest(scores: Floats, count: int) -> list[tuple[int, int]]:
    """(row, column) of the `count` largest finite entries, the largest first; ties by place."""
    flat = scores.ravel()
    places = np.flatnonzero(flat > -np.inf)
    if len(places) > count:
        least = np.partition(flat[places], -count)[-count]
        places = places[flat[places] >= least]
    order = np.argsort(-flat[places], kind="stable")[:count]
    width = scores.shape[1]
    return [divmod(int(place), width) for place in places[order]]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is drawn.

    temperature: logits are divided by it; 0 always takes the most probable token (greedy).
    top_k: only the k most probable tokens (Fan et al. 2018); 0 for all.
    top_p: only the fewest most probable tokens that together have at least this probability
        (nucleus sampling, Holtzman et al. 2020); 1 for all.
    seed: equal seeds and logits draw equal tokens.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < np.inf:
            raise ValueError(f"temperature must be a number from 0 up, and is {self.temperature}")
        if self.top_k < 0:
            raise ValueError(f"top_k must be 0 (all) or more, and is {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be over 0 and up to 1, and is {self.top_p}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, and is {self.seed}")


GREEDY: Final = Sampling(temperature=0.0)


class Sampler:
    """Draws token after token; its random numbers depend on the policy's seed alone."""

    def __init__(self, policy: Sampling) -> None:
        self._policy = policy
        self._random = np.random.default_rng(policy.seed)

    def draw(self, logits: NDArray[np.floating]) -> tuple[int, float]:
        """A token and its log-probability by the logits alone, before temperature and cuts.

        logits: (tokens,); -inf forbids a token, and one at least must be allowed.
        """
        chances = distribution(logits, self._policy)
        reached = np.cumsum(chances)
        place = int(np.searchsorted(reached, self._random.random() * reached[-1], side="right"))
        token = min(place, int(np.flatnonzero(chances)[-1]))  # rounding may pass the last one
        return token, float(log_softmax(logits)[token])


def distribution(logits: NDArray[np.floating], policy: Sampling) -> Floats:
    """The probability by which each token is drawn: temperature, then top-k, then top-p.

    logits: (tokens,). Returns (tokens,), which sums to one. Among equals the lower id is kept.
    Raises ValueError where no token is allowed.
    """
    values = np.asarray(logits, dtype=np.float64)
    if not (values > -np.inf).any() or np.isnan(values).any():
        raise ValueError("the logits must be numbers, and allow one token at least")
    if policy.temperature == 0:
        return _spread(np.ones(1), np.array([values.argmax()]), len(values))
    order = np.argsort(-values, kind="stable")  # most probable first
    ranked = values[order[: policy.top_k or None]]
    with np.errstate(over="ignore"):  # a tiny temperature sends all but the best to -inf
        chances = softmax(ranked - ranked[0], policy.temperature)
    before = np.cumsum(chances) - chances  # of all tokens more probable than each
    kept = chances[before < policy.top_p] if policy.top_p < 1 else chances
    return _spread(kept / kept.sum(), order, len(values))


def _spread(chances: Floats, order: NDArray[np.intp], size: int) -> Floats:
    """Probabilities by rank to probabilities by token: (size,)."""
    out = np.zeros(size)
    out[order[: len(chances)]] = chances
    return out
