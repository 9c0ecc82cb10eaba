"""Are two systems that answered the same items different? Approximate randomisation.

Noreen (1989); Yeh (2000), "More accurate tests for the statistical significance of result
differences"; with several tests at once, Holm's (1979) correction.

Every figure here is a share of sums, so that one test serves all tasks: labels right / labels,
twice the right pairs / (found + annotated) for F1, -log p / words for perplexity. A figure that is
no such share (macro F1) is tested by its task's share, accuracy.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from nlp.model import Model
from nlp.tasks.base import AspectItem, Example
from nlp.tasks.extraction import ExtractionAnswer
from nlp.tasks.language_model import ScoreAnswer
from training.errors import ScoreError
from training.tasks import pairs
from training.tasks.labelled import Labelled
from training.tasks.table import trainable

Floats = NDArray[np.float64]
Shares = Floats
"""(items, 2): what an item adds to a figure's upper and to its lower sum."""

SHUFFLES: Final = 10_000
_BLOCK: Final = 250


def shares(model: Model, examples: Sequence[Example]) -> Shares | None:
    """What each example adds to the task's figure; None where the task has none such."""
    task = str(model.manifest["task"])
    trained = trainable(task)
    if isinstance(trained, Labelled):
        return _label_shares(trained, model, examples)
    return _SHARES[task](model, examples) if task in _SHARES else None


def p_value(one: Shares, other: Shares, *, seed: int = 13) -> float:
    """How often a difference this large comes up when the items' answers are swapped by chance.

    Raises ScoreError for systems that did not answer the same items.
    """
    if one.shape != other.shape:
        raise ScoreError(f"{len(one)} items cannot be paired with {len(other)}")
    generator = np.random.default_rng(seed)
    swapped = other - one  # what a swap gives to the first system, and takes from the other
    seen = abs(_share(one.sum(axis=0)) - _share(other.sum(axis=0)))
    extreme = 0
    for _ in range(SHUFFLES // _BLOCK):  # in blocks, so that a large set needs little memory
        moved = (generator.random((_BLOCK, len(one))) < 0.5) @ swapped  # (block, 2)
        first, second = one.sum(axis=0) + moved, other.sum(axis=0) - moved
        differences = np.abs(_share(first) - _share(second))
        extreme += int((differences >= seen - 1e-12).sum())
    return (extreme + 1) / (SHUFFLES + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p value as it stands when all are looked at together, in the order given."""
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def _share(sums: Floats) -> Floats:
    """(..., 2) -> (...)"""
    return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1e-12))


def _label_shares(trained: Labelled, model: Model, examples: Sequence[Example]) -> Shares:
    """Right labels and labels of the main layer."""
    first = next(iter(trained.judge(model, examples).values()))
    rows = zip(first.gold, first.predicted, strict=True)
    counts = [
        (sum(g == p for g, p in zip(gold, said, strict=True)), len(gold)) for gold, said in rows
    ]
    return np.array(counts, np.float64)


def _span_shares(model: Model, examples: Sequence[Example]) -> Shares:
    """Of the F1 of terms: twice those right, and those found and those annotated."""
    answers = model.answer(example.item for example in examples)
    found = [
        {(one.start, one.end) for one in cast(ExtractionAnswer, answer).aspects}
        for answer in answers
    ]
    asked = [cast(AspectItem, example.item).aspects for example in examples]
    gold = [{(one.start, one.end) for one in aspects if one.located} for aspects in asked]
    return _f1_shares(found, gold)


def _pair_shares(model: Model, examples: Sequence[Example]) -> Shares:
    """Of the F1 of pairs, likewise."""
    judged = pairs.judge(model, examples)
    found, gold = ([set(one.items()) for one in side] for side in (judged.found, judged.gold))
    return _f1_shares(found, gold)


def _f1_shares(found: Sequence[Set[Any]], gold: Sequence[Set[Any]]) -> Shares:
    rows = zip(found, gold, strict=True)
    return np.array([(2 * len(f & g), len(f) + len(g)) for f, g in rows], np.float64)


def _word_shares(model: Model, examples: Sequence[Example]) -> Shares:
    """Of the mean of -log p(word), of which perplexity is e to the power."""
    answers = [cast(ScoreAnswer, one) for one in model.answer(e.item for e in examples)]
    return np.array([(-one.log_probability, one.predictions) for one in answers], np.float64)


_SHARES: Final[Mapping[str, Callable[[Model, Sequence[Example]], Shares]]] = {
    "extraction": _span_shares,
    "language-model": _word_shares,
    "pairs": _pair_shares,
}
