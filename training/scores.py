"""How good the answers are: counts, scores and intervals. numpy only; oracle: scikit-learn.

A score that has no meaning for the data (the recall of a class that no item has) is None, never 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.errors import ScoreError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

RESAMPLES: Final = 1000
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A percentile bootstrap interval."""

    low: float
    high: float
    level: float = LEVEL


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class. support: items that are of it; predicted: items said to be of it.

    precision is None where predicted is 0, recall and f1 where support is 0.
    """

    label: str
    support: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of `items` answers. Macro F1 is the mean over the classes with support.

    micro_f1 equals accuracy where each item has one label, and is given for comparison.
    confusion: confusion[i][j] counts the items of class i that were said to be class j.
    """

    items: int
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    micro_f1: float
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the manifest and the card."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Slice:
    """The accuracy on a part of the items; None where it holds none."""

    name: str
    items: int
    accuracy: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def score_labels(
    gold: Sequence[str], predicted: Sequence[str], *, labels: Sequence[str], seed: int = 13
) -> Scores:
    """Scores of one label an item. labels: the model's; gold may hold others, which always miss.

    Raises ScoreError for no items, or lengths that differ.
    """
    return _score(gold, predicted, labels, np.arange(len(gold)), seed=seed)


def score_tags(
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    *,
    labels: Sequence[str],
    seed: int = 13,
) -> Scores:
    """Scores of one tag a word; the bootstrap resamples sentences, whose words hang together.

    Raises ScoreError for no words, or sentences whose lengths differ.
    """
    lengths = check_parallel(gold, predicted)
    groups = np.repeat(np.arange(len(lengths)), lengths)
    return _score(flat(gold), flat(predicted), labels, groups, seed=seed)


def known_unknown(
    words: Sequence[Sequence[str]],
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    *,
    knows: Callable[[str], bool],
) -> tuple[Slice, Slice]:
    """Tagging accuracy on the words that training saw, and on those it did not."""
    check_parallel(words, gold)
    check_parallel(gold, predicted)
    known = np.array([knows(word) for word in flat(words)], dtype=bool)
    right = _equal(flat(gold), flat(predicted))
    return part("known words", right, where=known), part("unknown words", right, where=~known)


def whole_sentences(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Slice:
    """The share of sentences without a wrong tag."""
    check_parallel(gold, predicted)
    right = np.array(
        [tuple(one) == tuple(other) for one, other in zip(gold, predicted, strict=True)], dtype=bool
    )
    return part("whole sentences", right, where=np.ones(len(right), dtype=bool))


def quick_scores(gold: Sequence[str], predicted: Sequence[str]) -> tuple[float, float]:
    """Accuracy and macro F1, without intervals: what a dev score needs after each epoch."""
    index = {name: i for i, name in enumerate(sorted({*gold, *predicted}))}
    pairs = zip(gold, predicted, strict=True)
    cells = np.array([index[g] * len(index) + index[p] for g, p in pairs], np.int64)
    confusion = _confusion(cells, len(index))
    return _accuracy(confusion), _macro_f1(confusion)


def part(name: str, right: NDArray[np.bool_], *, where: NDArray[np.bool_]) -> Slice:
    """The accuracy where a mask is true. right, where: (items,)."""
    count = int(where.sum())
    return Slice(name, count, float(right[where].mean()) if count else None)


def flat(rows: Sequence[Sequence[str]]) -> list[str]:
    """All rows' entries, one after another."""
    return [entry for row in rows for entry in row]


def check_parallel(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Ints:
    """The rows' lengths, (rows,). Raises ScoreError where the two are not equally shaped."""
    ours, theirs = ([len(row) for row in rows] for rows in (gold, predicted))
    if ours != theirs:
        raise ScoreError("the gold and the predicted sentences differ in number or length")
    return np.array(ours, dtype=np.int64)


def _score(
    gold: Sequence[str],
    predicted: Sequence[str],
    labels: Sequence[str],
    groups: Ints,
    *,
    seed: int,
) -> Scores:
    if not gold or len(gold) != len(predicted):
        raise ScoreError(f"{len(predicted)} answers to {len(gold)} items cannot be scored")
    names = [*labels, *sorted(({*gold} | {*predicted}) - {*labels})]
    index = {name: i for i, name in enumerate(names)}
    cells = np.array(
        [index[g] * len(names) + index[p] for g, p in zip(gold, predicted, strict=True)]
    )
    confusion = _confusion(cells, len(names))
    accuracies, macros = _bootstrap(cells, groups, size=len(names), seed=seed)
    return Scores(
        items=len(gold),
        accuracy=_accuracy(confusion),
        accuracy_interval=percentile_interval(accuracies),
        macro_f1=_macro_f1(confusion),
        macro_f1_interval=percentile_interval(macros),
        micro_f1=_accuracy(confusion),
        classes=tuple(_class_score(names[i], confusion, i) for i in range(len(names))),
        confusion=tuple(tuple(map(int, row)) for row in confusion),
    )


def _equal(gold: Sequence[str], predicted: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([g == p for g, p in zip(gold, predicted, strict=True)], dtype=bool)


def _confusion(cells: Ints, size: int, weights: Floats | None = None) -> Floats:
    """Shape: (size, size). cells: gold * size + predicted, (items,)."""
    counts = np.bincount(cells, weights=weights, minlength=size * size)
    return counts.reshape(size, size).astype(np.float64)


def _accuracy(confusion: Floats) -> float:
    return float(confusion.trace() / confusion.sum())


def _macro_f1(confusion: Floats) -> float:
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    present = support > 0
    f1 = 2 * confusion.diagonal()[present] / (support + predicted)[present]
    return float(f1.mean())


def _class_score(label: str, confusion: Floats, i: int) -> ClassScore:
    hits = float(confusion[i, i])
    support, predicted = int(confusion[i].sum()), int(confusion[:, i].sum())
    return ClassScore(
        label=label,
        support=support,
        predicted=predicted,
        precision=hits / predicted if predicted else None,
        recall=hits / support if support else None,
        f1=2 * hits / (support + predicted) if support else None,
    )


def _bootstrap(cells: Ints, groups: Ints, *, size: int, seed: int) -> tuple[Floats, Floats]:
    """Accuracy and macro F1 of each resample of the groups, (RESAMPLES,) each.

    A resample is a weight a group: how often it was drawn. A resample without items (all its
    sentences empty) cannot be, since empty sentences are in no cell and are not drawn.
    """
    generator = np.random.default_rng(seed)
    _, groups = np.unique(groups, return_inverse=True)
    count = int(groups.max()) + 1
    results = np.empty((RESAMPLES, 2))
    for i in range(RESAMPLES):
        drawn = np.bincount(generator.integers(count, size=count), minlength=count)
        confusion = _confusion(cells, size, drawn[groups].astype(np.float64))
        results[i] = _accuracy(confusion), _macro_f1(confusion)
    return results[:, 0], results[:, 1]


def percentile_interval(values: Floats) -> Interval:
    """Of a figure's values over resamples, (resamples,); none of them may be NaN."""
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))
