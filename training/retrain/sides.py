"""What a model gets of a data set, by the serving path, item by item."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nlp.model import Model
from nlp.tasks.base import AspectItem, Example, Floats
from nlp.text import split_words
from training.calibration import BINS
from training.errors import ScoreError
from training.evaluation import Judged
from training.paired import Shares, shares
from training.retrain.measured import Compared, Pairs, Side, Sureness
from training.tasks.labelled import Ids, Labelled, known_gold
from training.tasks.table import trainable

LENGTHS: Final[Mapping[str, tuple[int, float]]] = {
    "up to 10 words": (0, 10),
    "11 to 25 words": (11, 25),
    "26 words and more": (26, float("inf")),
}
"""Both ends included."""

_RESAMPLES: Final = 200


def compare(name: str, champion: Model, challenger: Model, examples: Sequence[Example]) -> Compared:
    """Both models on the same examples. Raises ScoreError where there is nothing to compare."""
    task = str(champion.manifest["task"])
    measure = "span F1" if task == "extraction" else "accuracy"
    return Compared(name, measure, side(champion, examples), side(challenger, examples))


def side(model: Model, examples: Sequence[Example]) -> Side:
    """Raises ScoreError for no examples, and for a task whose figure is no share of items."""
    trained = trainable(str(model.manifest["task"]))
    if isinstance(trained, Labelled):
        return _labelled(trained, model, examples)
    found = shares(model, examples)
    if found is None:
        raise ScoreError(f"answers of the task {model.manifest['task']} cannot be paired")
    known = trained.calibration(model, examples)
    return Side(
        shares=_pairs(found),
        slices=_by_length(found, examples),
        parts=trained.evaluate(model, examples, seed=0).slices,
        ece={layer: sureness(*one) for layer, one in known.items()},
    )


def sureness(probabilities: Floats, gold: Ids) -> Sureness:
    """ECE and its bootstrap standard error. probabilities: (items, labels), gold: (items,)."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == gold
    places = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.zeros((len(gold), BINS))
    gaps[np.arange(len(gold)), places] = confidence - right
    generator = np.random.default_rng(0)
    drawn = generator.multinomial(len(gold), np.full(len(gold), 1 / len(gold)), size=_RESAMPLES)
    samples = np.abs(drawn @ gaps).sum(axis=1) / len(gold)  # (resamples,)
    ece = float(np.abs(gaps.sum(axis=0)).sum() / len(gold))
    return Sureness(ece, float(samples.std()), len(gold))


def _labelled(trained: Labelled, model: Model, examples: Sequence[Example]) -> Side:
    judged = trained.judge(model, examples)
    first = next(iter(judged.values()))
    hits = [_hits(*row) for row in zip(first.gold, first.predicted, strict=True)]
    found = np.array([(hit.sum(), len(hit)) for hit in hits], np.float64).reshape(-1, 2)
    known = {layer: known_gold(model, layer, one) for layer, one in judged.items()}
    return Side(
        shares=_pairs(found),
        right=tuple(map(bool, np.concatenate(hits))),
        slices={**_by_class(first), **_by_length(found, examples)},
        parts=trained.slices(model, examples, judged),
        ece={layer: sureness(*one) for layer, one in known.items()},
    )


def _hits(gold: Sequence[str], said: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([g == s for g, s in zip(gold, said, strict=True)], bool)


def _by_class(judged: Judged) -> dict[str, Pairs]:
    """The F1 of each gold class, as shares of sums: twice the right ones, and those said and gold.

    Not its recall, which any model that leans less to one class loses there and wins in the others.
    """
    classes = sorted({label for row in judged.gold for label in row})
    return {f"F1 of class {label}": _of_class(label, judged) for label in classes}


def _of_class(label: str, judged: Judged) -> Pairs:
    """Of every item, those without the class too: the other model may say it there."""
    rows = []
    for gold, said in zip(judged.gold, judged.predicted, strict=True):
        right = sum(g == s == label for g, s in zip(gold, said, strict=True))
        rows.append((2 * right, gold.count(label) + said.count(label)))
    return _pairs(np.array(rows, np.float64))


def _by_length(found: Shares, examples: Sequence[Example]) -> dict[str, Pairs]:
    """found: (items, 2). Lengths that no example has are left out."""
    lengths = np.array([_words(example) for example in examples])
    masks = {
        name: (lengths >= least) & (lengths <= most) for name, (least, most) in LENGTHS.items()
    }
    return {name: _pairs(found[mask]) for name, mask in masks.items() if mask.any()}


def _words(example: Example) -> int:
    item = example.item.text if isinstance(example.item, AspectItem) else example.item
    return len(split_words(item).words) if isinstance(item, str) else len(item)


def _pairs(found: Shares) -> Pairs:
    return tuple((float(upper), float(lower)) for upper, lower in found)
