"""Answers of a model, by the serving path, against gold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from nlp.model import Model
from nlp.tasks.base import Encoded, Example, Floats, Row
from nlp.tasks.sentiment import LAYER, SentimentAnswer
from nlp.tasks.tagging import TaggingAnswer
from nlp.vocabulary import Vocabulary
from training.calibration import Reliability, reliability
from training.errors import ScoreError
from training.items import gold_layers
from training.scores import Scores, Slice, known_unknown, score_labels, score_tags, whole_sentences

EMPTY: Final = frozenset({"_"})
"""What CoNLL-U writes where a tag is not given."""

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores and reliability by layer, and the accuracy on slices of the items."""

    layers: Mapping[str, Scores]
    reliability: Mapping[str, Reliability]
    slices: tuple[Slice, ...]

    @property
    def first(self) -> Scores:
        """The main layer's: sentiment, or upos."""
        return next(iter(self.layers.values()))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the manifest; without the reliability bins."""
        calibration = {layer: _headline(found) for layer, found in self.reliability.items()}
        return {
            "layers": {layer: scores.to_dict() for layer, scores in self.layers.items()},
            "calibration": calibration,
            "slices": [part.to_dict() for part in self.slices],
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """One layer over all items. A text's label counts as a row of one.

    gold, predicted: labels by item; probabilities: (all labels of all items, classes).
    """

    gold: tuple[tuple[str, ...], ...]
    predicted: tuple[tuple[str, ...], ...]
    probabilities: Floats


def evaluate(model: Model, examples: Sequence[Example], *, seed: int = 13) -> Evaluation:
    """Raises ScoreError for no examples, and for labels of which the model knows none."""
    judged = judge(model, examples)
    layers = {layer: _scores(model, layer, found, seed=seed) for layer, found in judged.items()}
    reliable = {
        layer: reliability(*with_known_gold(model, layer, found)) for layer, found in judged.items()
    }
    return Evaluation(layers, reliable, _slices(model, examples, judged))


def judge(model: Model, examples: Sequence[Example]) -> dict[str, Judged]:
    """What the model says of the examples, beside their gold, by layer.

    A layer that the examples leave empty ("_" everywhere) is left out. Raises ScoreError where
    there is nothing to judge.
    """
    gold = [gold_layers(example) for example in examples]
    layers = [layer for layer in model.task.layers if any(set(row[layer]) - EMPTY for row in gold)]
    if not layers:
        raise ScoreError("there is nothing to score: no example has a label")
    read = model.read([example.item for example in examples])
    said = [_answer_rows(model, encoded, rows) for encoded, rows in read]
    probabilities = [model.task.distributions(encoded, rows) for encoded, rows in read]
    return {
        layer: Judged(
            gold=tuple(rows[layer] for rows in gold),
            predicted=tuple(rows[layer] for rows in said),
            probabilities=np.concatenate([p[layer] for p in probabilities if len(p[layer])]),
        )
        for layer in layers
    }


def with_known_gold(model: Model, layer: str, judged: Judged) -> tuple[Floats, NDArray[np.int64]]:
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


def _answer_rows(model: Model, encoded: Encoded, rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Labels by layer, as `gold_layers` gives them."""
    answer = model.decode(encoded, rows)
    if isinstance(answer, SentimentAnswer):
        return {LAYER: (answer.label,)}
    tokens = cast(TaggingAnswer, answer).tokens
    return {layer: tuple(token.tags[layer] for token in tokens) for layer in model.task.layers}


def _scores(model: Model, layer: str, judged: Judged, *, seed: int) -> Scores:
    labels = model.task.layers[layer]
    if layer == LAYER:
        return score_labels(_only(judged.gold), _only(judged.predicted), labels=labels, seed=seed)
    return score_tags(judged.gold, judged.predicted, labels=labels, seed=seed)


def _slices(
    model: Model, examples: Sequence[Example], judged: Mapping[str, Judged]
) -> tuple[Slice, ...]:
    """Tagging only: words that training saw or not, and sentences without a wrong tag."""
    words = [example.item for example in examples if not isinstance(example.item, str)]
    if len(words) != len(examples):
        return ()
    first = next(iter(judged.values()))
    vocabulary: Vocabulary = cast(Any, model.task).vocabulary
    known = known_unknown(words, first.gold, first.predicted, knows=vocabulary.knows)
    return (*known, whole_sentences(first.gold, first.predicted))


def _only(rows: Iterable[Sequence[str]]) -> list[str]:
    return [row[0] for row in rows]


def _headline(found: Reliability) -> dict[str, float]:
    return {"ece": found.ece, "brier": found.brier, "nll": found.nll}
