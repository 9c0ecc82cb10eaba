"""How good a set of findings is: spans, pairs. Exact matches, counted text by text.

precision = right / found, recall = right / gold, F1 their harmonic mean, each over all texts
("micro"). A text in which nothing is to be found counts through what was found there.
"""

from collections.abc import Callable, Hashable, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import ScoreError
from training.evaluation import Measure
from training.scores import RESAMPLES, Interval, percentile_interval

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by text, (texts,) each: right ones among those found, all found, all of gold."""

    right: Ints
    found: Ints
    gold: Ints

    @classmethod
    def of(cls, found: Sequence[Set[Hashable]], gold: Sequence[Set[Hashable]]) -> "Tally":
        """Raises ScoreError for texts that differ in number, and where gold holds nothing."""
        if len(found) != len(gold):
            raise ScoreError(f"{len(found)} answers to {len(gold)} texts cannot be scored")
        if not any(gold):
            raise ScoreError("there is nothing to score: no text holds what is to be found")
        right = [len(ours & theirs) for ours, theirs in zip(found, gold, strict=True)]
        return cls(np.array(right), np.array(list(map(len, found))), np.array(list(map(len, gold))))


def found_measures(tally: Tally, name: str, *, seed: int | None) -> dict[str, Measure]:
    """`<name>_f1`, `<name>_precision` and `<name>_recall`; no precision where nothing was found.

    Intervals by a bootstrap over texts, whose findings hang together; none without a seed.
    """
    figures: dict[str, tuple[Callable[..., Any], Ints]] = {
        "f1": (_f1, tally.gold),
        "precision": (lambda right, found, _: right / found, tally.found),
        "recall": (lambda right, _, gold: right / gold, tally.gold),
    }
    counts = np.stack([tally.right, tally.found, tally.gold])  # (3, texts)
    drawn = None if seed is None else resampled(counts, seed=seed)
    return {
        f"{name}_{figure}": Measure(
            value=float(of(*counts.sum(axis=1))),
            items=int(items.sum()),
            interval=None if drawn is None else _interval(of, drawn),
        )
        for figure, (of, items) in figures.items()
        if items.any()
    }


def share_measure(right: Ints, total: Ints, *, seed: int | None) -> Measure | None:
    """right / total, both counted by text, (texts,); None where the total is 0."""
    if not total.any():
        return None
    counts = np.stack([right, total])
    drawn = None if seed is None else resampled(counts, seed=seed)
    return Measure(
        value=float(right.sum() / total.sum()),
        items=int(total.sum()),
        interval=None if drawn is None else _interval(np.divide, drawn),
    )


def _f1(right: Any, found: Any, gold: Any) -> Any:  # noqa: ANN401 - numbers or arrays of them
    return 2 * right / (found + gold)


def resampled(counts: Ints, *, seed: int) -> Floats:
    """Totals of each resample of the texts. counts: (kinds, texts). Returns (kinds, RESAMPLES)."""
    texts = counts.shape[1]
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(texts, np.full(texts, 1 / texts), size=RESAMPLES)
    return (counts @ drawn.T).astype(np.float64)


def _interval(of: Callable[..., Any], totals: Floats) -> Interval:
    """Resamples in which the figure has no meaning (nothing found) are left out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = of(*totals)
    return percentile_interval(values[~np.isnan(values)])
