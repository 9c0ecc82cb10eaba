"""The terms of a text: trained on the tags of its words, scored by whole terms.

A term that is found counts if it stands exactly where one is annotated (SemEval-2014 task 4,
subtask 1); precision, recall and F1 are over the terms of all texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from nlp.model import Model
from nlp.spans import TAGS, tags_of
from nlp.tasks.base import Answer, AspectItem, Example, Floats, Task
from nlp.tasks.base import Item as Asked
from nlp.tasks.extraction import LAYER, Extraction, ExtractionAnswer
from nlp.tasks.located import covering
from nlp.text import Splitter
from training.calibration import reliability
from training.errors import ScoreError
from training.evaluation import Evaluation, Measure
from training.found_scores import resampled
from training.items import Item
from training.scores import Slice, flat, part, percentile_interval, quick_scores
from training.tasks.labelled import Ids, Labelled, Rows, cut_by_words

Place = tuple[int, int]
"""Code points, half-open."""


def tags(example: Example, task: Task) -> Rows:
    """A word that a term touches is of the term."""
    item = cast(AspectItem, example.item)
    words = cast(Extraction, task).tagging.split(item.text)
    spans = [covering(words, *place) for place in _places(example)]
    return {LAYER: tuple(tags_of(spans, len(words.words)))}


def said(answer: Answer, _: Task) -> Rows:
    return {LAYER: cast(ExtractionAnswer, answer).tags}


WORDS: Final = Labelled(
    gold=tags,
    said=said,
    cut=cut_by_words,
    labels=lambda _: {LAYER: TAGS},
    slices=lambda *_: (),
    golden=lambda texts: list(texts),
)
"""The words' tags, as of any other tagger."""


@dataclass(frozen=True, slots=True)
class Found:
    """The terms of one text: annotated, and found with their scores."""

    gold: tuple[Place, ...]
    said: tuple[Place, ...]
    scores: tuple[float, ...]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Terms found that are annotated, found, annotated."""
        return len({*self.gold} & {*self.said}), len(self.said), len({*self.gold})


class Extracting:
    """Words, items and layer scores are those of the tags; measures and calibration of terms."""

    def words(self, examples: Sequence[Example], split: Splitter) -> list[str]:
        return WORDS.words(examples, split)

    def layers(self, examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
        return WORDS.layers(examples)

    def items(self, examples: Sequence[Example], task: Task, *, strict: bool) -> list[Item]:
        return WORDS.items(examples, task, strict=strict)

    def evaluate(self, model: Model, examples: Sequence[Example], *, seed: int) -> Evaluation:
        """Raises ScoreError where the examples have no terms."""
        found = _found(examples, _answers(model, examples))
        evaluated = WORDS.evaluate(model, examples, seed=seed)
        known = {LAYER: reliability(*_sureness(found))} if _any_said(found) else {}
        measures = span_measures(found, seed=seed)
        return replace(evaluated, reliability=known, slices=_slices(found), measures=measures)

    def dev_score(self, model: Model, examples: Sequence[Example]) -> dict[str, float]:
        """Accuracy and macro F1 of the words' tags; precision, recall and F1 of the terms."""
        answers = _answers(model, examples)
        gold = [tags(example, model.task)[LAYER] for example in examples]
        accuracy, macro_f1 = quick_scores(flat(gold), flat([answer.tags for answer in answers]))
        precision, recall, f1 = _scores(_table(_found(examples, answers)).sum(axis=0))
        spans = {"span_f1": f1, "span_precision": precision, "span_recall": recall}
        return {"accuracy": accuracy, "macro_f1": macro_f1, **spans}

    def calibration(self, model: Model, dev: Sequence[Example]) -> Mapping[str, tuple[Floats, Ids]]:
        """Of the terms that were found: whether each is one. Nothing where none was found."""
        found = _found(dev, _answers(model, dev))
        return {LAYER: _sureness(found)} if _any_said(found) else {}

    def golden(self, texts: Sequence[str]) -> list[Asked]:
        return WORDS.golden(texts)


EXTRACTION: Final = Extracting()


def span_measures(found: Sequence[Found], *, seed: int) -> dict[str, Measure]:
    """Precision, recall and F1 of the terms, with intervals over resampled texts.

    Raises ScoreError where no text has a term.
    """
    table = _table(found)  # (texts, 3)
    if not table[:, 2].any():
        raise ScoreError("there is nothing to score: no example has a term")
    samples = np.array([_scores(row) for row in resampled(table.T, seed=seed).T])  # (resamples, 3)
    values = _scores(table.sum(axis=0))
    names = ("span_precision", "span_recall", "span_f1")
    items = int(table[:, 2].sum())
    return {
        name: Measure(value, items, percentile_interval(sample))
        for name, value, sample in zip(names, values, samples.T, strict=True)
    }


def _scores(counts: NDArray[Any]) -> tuple[float, float, float]:
    """Precision, recall, F1; 0 where nothing was found, or nothing is there to be found."""
    hits, said, gold = map(int, counts)
    return hits / max(said, 1), hits / max(gold, 1), 2 * hits / max(said + gold, 1)


def _table(found: Sequence[Found]) -> NDArray[np.int64]:
    return np.array([one.counts for one in found], np.int64).reshape(-1, 3)


def _answers(model: Model, examples: Sequence[Example]) -> list[ExtractionAnswer]:
    answers = model.answer(example.item for example in examples)
    return [cast(ExtractionAnswer, answer) for answer in answers]


def _found(examples: Sequence[Example], answers: Sequence[ExtractionAnswer]) -> list[Found]:
    return [
        Found(
            _places(example),
            tuple((one.start or 0, one.end or 0) for one in answer.aspects),
            tuple(one.score for one in answer.aspects),
        )
        for example, answer in zip(examples, answers, strict=True)
    ]


def _places(example: Example) -> tuple[Place, ...]:
    aspects = cast(AspectItem, example.item).aspects
    return tuple((one.start, one.end or 0) for one in aspects if one.start is not None)


def _any_said(found: Sequence[Found]) -> bool:
    return any(one.said for one in found)


def _sureness(found: Sequence[Found]) -> tuple[Floats, Ids]:
    """(terms found, 2): the probabilities that it is none and that it is one; whether it is."""
    scores = np.array([score for one in found for score in one.scores], np.float64)
    right = np.array([place in one.gold for one in found for place in one.said], np.int64)
    return np.stack([1 - scores, scores], axis=1), right


def _slices(found: Sequence[Found]) -> tuple[Slice, ...]:
    """Texts of which all terms and nothing else was found, by whether they have any."""
    right = np.array([{*one.gold} == {*one.said} for one in found], dtype=bool)
    some = np.array([bool(one.gold) for one in found], dtype=bool)
    return (
        part("texts with terms, all right", right, where=some),
        part("texts without terms, none found", right, where=~some),
    )
