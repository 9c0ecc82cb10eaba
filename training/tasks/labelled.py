"""Tasks that choose labels: one for a text, one for each word, one for each aspect.

Such a task differs from another in a few small functions; the rest is here, once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nlp.model import Model
from nlp.tasks.base import Answer, AspectItem, Encoded, Example, Floats, Row, Task
from nlp.tasks.base import Item as Asked
from nlp.text import Splitter
from training.calibration import reliability
from training.errors import DataError, ScoreError
from training.evaluation import Evaluation, Judged, Measure
from training.items import Item
from training.scores import Scores, Slice, flat, quick_scores, score_labels, score_tags

Ids = NDArray[np.int64]
Rows = Mapping[str, tuple[str, ...]]
"""Labels by layer; a text's label counts as a row of one."""

EMPTY: Final = frozenset({"_"})
"""What CoNLL-U writes where a tag is not given."""

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Labelled:
    """A `Trainable` whose gold is labels.

    gold: an example's labels by layer; the layer names may depend on the task.
    said: an answer's labels by layer.
    cut: the gold ids of an item's windows, window by window, by layer.
    labels: label set by layer of the training examples.
    slices, measures: further findings; (model, examples, what was judged) -> parts.
    golden: items of our own texts.
    grouped: the bootstrap resamples whole items, whose labels hang together (words, aspects).
    """

    gold: Callable[[Example, Task], Rows]
    said: Callable[[Answer, Task], Rows]
    cut: Callable[[Encoded, Mapping[str, Ids]], Iterator[Mapping[str, Ids]]]
    labels: Callable[[Sequence[Example]], dict[str, tuple[str, ...]]]
    slices: Callable[[Model, Sequence[Example], Mapping[str, Judged]], tuple[Slice, ...]]
    golden: Callable[[Sequence[str]], list[Asked]]
    measures: Callable[[Mapping[str, Judged], int], dict[str, Measure]] = lambda *_: {}
    words_of: Callable[[Example, Splitter], Sequence[str]] = lambda e, split: item_words(e, split)
    grouped: bool = True

    def words(self, examples: Sequence[Example], split: Splitter) -> list[str]:
        return [word for example in examples for word in self.words_of(example, split)]

    def layers(self, examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
        return self.labels(examples)

    def items(self, examples: Sequence[Example], task: Task, *, strict: bool) -> list[Item]:
        ids = {k: {label: i for i, label in enumerate(v)} for k, v in task.layers.items()}
        if not strict:
            examples = [example for example in examples if self.knows(example, task)]
        return [item for example in examples for item in self._items(example, task, ids)]

    def knows(self, example: Example, task: Task) -> bool:
        """Whether the task has every gold label of the example."""
        gold = self.gold(example, task)
        return all(set(gold[layer]) <= set(labels) for layer, labels in task.layers.items())

    def evaluate(self, model: Model, examples: Sequence[Example], *, seed: int) -> Evaluation:
        judged = self.judge(model, examples)
        layers = {k: self._scores(model, k, found, seed=seed) for k, found in judged.items()}
        reliable = {k: reliability(*known_gold(model, k, found)) for k, found in judged.items()}
        slices = self.slices(model, examples, judged)
        return Evaluation(layers, reliable, slices, self.measures(judged, seed))

    def dev_score(self, model: Model, examples: Sequence[Example]) -> dict[str, float]:
        """Accuracy and macro F1 of the main layer, accuracy of the others, and the measures."""
        judged = self.judge(model, examples)
        scores = {k: quick_scores(flat(v.gold), flat(v.predicted)) for k, v in judged.items()}
        (accuracy, macro_f1), *others = scores.values()
        named = zip(list(scores)[1:], others, strict=True)
        found = {f"{layer}_accuracy": accuracy for layer, (accuracy, _) in named}
        measures = {name: one.value for name, one in self.measures(judged, 0).items()}
        return {"accuracy": accuracy, "macro_f1": macro_f1, **found, **measures}

    def calibration(self, model: Model, dev: Sequence[Example]) -> dict[str, tuple[Floats, Ids]]:
        return {k: known_gold(model, k, found) for k, found in self.judge(model, dev).items()}

    def judge(self, model: Model, examples: Sequence[Example]) -> dict[str, Judged]:
        """What the model says of the examples, beside their gold, by layer.

        A layer that the examples leave empty ("_" everywhere) is left out. Raises ScoreError where
        there is nothing to judge.
        """
        task = model.task
        gold = [self.gold(example, task) for example in examples]
        layers = [layer for layer in task.layers if any(set(row[layer]) - EMPTY for row in gold)]
        if not layers:
            raise ScoreError("there is nothing to score: no example has a label")
        read = model.read([example.item for example in examples])
        said = [self.said(model.decode(encoded, rows), task) for encoded, rows in read]
        return {
            layer: Judged(
                gold=tuple(rows[layer] for rows in gold),
                predicted=tuple(rows[layer] for rows in said),
                probabilities=_probabilities(task, read, layer),
            )
            for layer in layers
        }

    def _items(
        self, example: Example, task: Task, ids: Mapping[str, Mapping[str, int]]
    ) -> Iterator[Item]:
        encoded, rows = task.encode(example.item), self.gold(example, task)
        gold = {layer: _ids(ids[layer], rows[layer], example) for layer in ids}
        for window, part in zip(encoded.windows, self.cut(encoded, gold), strict=True):
            yield Item(window, part)

    def _scores(self, model: Model, layer: str, judged: Judged, *, seed: int) -> Scores:
        labels = model.task.layers[layer]
        if self.grouped:
            return score_tags(judged.gold, judged.predicted, labels=labels, seed=seed)
        return score_labels(flat(judged.gold), flat(judged.predicted), labels=labels, seed=seed)


def known_gold(model: Model, layer: str, judged: Judged) -> tuple[Floats, Ids]:
    """Probabilities and gold ids, without the items whose gold label the model does not have.

    Raises ScoreError where no item is left.
    """
    labels = model.task.layers[layer]
    ids = {label: i for i, label in enumerate(labels)}
    gold = np.array([ids.get(label, -1) for row in judged.gold for label in row], np.int64)
    if not (gold >= 0).any():
        unknown = ", ".join(sorted({label for row in judged.gold for label in row})[:_SHOWN])
        known = ", ".join(labels)
        raise ScoreError(f"the model knows none of the labels {unknown}; it knows {known}")
    return judged.probabilities[gold >= 0], gold[gold >= 0]


def item_words(example: Example, split: Splitter) -> Sequence[str]:
    """The words of an example's text."""
    item = example.item.text if isinstance(example.item, AspectItem) else example.item
    return split(item).words if isinstance(item, str) else item


def cut_by_words(encoded: Encoded, gold: Mapping[str, Ids]) -> Iterator[Mapping[str, Ids]]:
    """A gold label a word: each window takes those of its own words."""
    start = 0
    for window in encoded.windows:
        end = start + len(window.words)
        yield {layer: row[start:end] for layer, row in gold.items()}
        start = end


def cut_whole(encoded: Encoded, gold: Mapping[str, Ids]) -> Iterator[Mapping[str, Ids]]:
    """A gold label a text: each window has it."""
    for _ in encoded.windows:
        yield {layer: row[0] for layer, row in gold.items()}


def _probabilities(task: Task, read: Sequence[tuple[Encoded, Sequence[Row]]], layer: str) -> Floats:
    found = [task.distributions(encoded, rows)[layer] for encoded, rows in read]
    return np.concatenate([rows for rows in found if len(rows)])


def _ids(ids: Mapping[str, int], labels: Sequence[str], example: Example) -> Ids:
    unknown = next((label for label in labels if label not in ids), None)
    if unknown is not None:
        known = ", ".join(sorted(ids))
        raise DataError(f"{example.source}: label {unknown!r} is not in training; known: {known}")
    return np.array([ids[label] for label in labels], np.int64)
