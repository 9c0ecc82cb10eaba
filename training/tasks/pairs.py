"""Aspect-sentiment pairs, written by generation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from nlp.model import Model
from nlp.pair_grammar import WordPair, symbols_of
from nlp.tasks.base import Aspect, AspectItem, Example, Floats, OnePass, Task
from nlp.tasks.base import Item as Asked
from nlp.tasks.located import covering
from nlp.tasks.pairs import LAYER, EncodedPairs, Pairs, PairsAnswer
from nlp.text import Splitter, split_words
from training.calibration import Reliability, reliability
from training.errors import DataError, ScoreError
from training.evaluation import Evaluation, Measure
from training.found_scores import Tally, found_measures, share_measure
from training.items import Item

Ids = NDArray[np.int64]
Span = tuple[int, int]
Labelled = dict[Span, str]
"""Labels by place in the text, in code points."""

_TOKENISED: Final = 4


@dataclass(frozen=True, slots=True)
class Targets:
    """What the network is to write of a text, and what its words could not say.

    windows: pairs by window, in words of the window.
    widened: aspects whose bounds cut a word; they are written as the whole words.
    overlapping: left out, because an earlier aspect has words of theirs.
    parted: left out, because no window holds them whole.
    """

    windows: list[list[WordPair]]
    widened: int = 0
    overlapping: int = 0
    parted: int = 0

    @property
    def exact(self) -> int:
        """Aspects that can be written with the very bounds they have."""
        return sum(map(len, self.windows)) - self.widened


@dataclass(frozen=True, slots=True)
class Judged:
    """The answers beside their gold, text by text; `scores`: of the answers' pairs, in order."""

    found: tuple[Labelled, ...]
    gold: tuple[Labelled, ...]
    scores: tuple[tuple[float, ...], ...]


class PairsTraining:
    """A `Trainable`; see there. Gold is scored as it was annotated, not as it was written."""

    def words(self, examples: Sequence[Example], split: Splitter) -> list[str]:
        return [word for example in examples for word in split(_item(example).text).words]

    def layers(self, examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
        labels = {label for example in examples for label in example.gold[0]}
        if not labels:
            raise DataError("no training example has an aspect that stands in its text")
        return {LAYER: symbols_of(sorted(labels))}

    def items(self, examples: Sequence[Example], task: Task, *, strict: bool) -> list[Item]:
        pairs = cast(Pairs, task)
        unknown = [e for e in examples if set(e.gold[0]) - set(pairs.labels)]
        if strict and unknown:
            strange = sorted(set(unknown[0].gold[0]) - set(pairs.labels))
            known = ", ".join(pairs.labels)
            raise DataError(
                f"{unknown[0].source}: label {strange[0]!r} is not in training; {known}"
            )
        left_out = set(map(id, unknown))
        return [item for e in examples if id(e) not in left_out for item in _items(e, pairs)]

    def evaluate(self, model: Model, examples: Sequence[Example], *, seed: int) -> Evaluation:
        judged = judge(model, examples)
        measures = _measures(judged, seed=seed)
        measures["reachable"] = _reachable(cast(Pairs, model.task), examples)
        found = _reliability(judged)
        return Evaluation({}, {} if found is None else {LAYER: found}, (), measures)

    def dev_score(self, model: Model, examples: Sequence[Example]) -> dict[str, float]:
        """Greedily decoded: the beam's gain is small and the same for all epochs."""
        greedy = replace(model, task=replace(cast(Pairs, model.task), beam=1))
        measures = _measures(judge(greedy, examples), seed=None)
        return {"pair_f1": 0.0, "span_f1": 0.0} | {k: one.value for k, one in measures.items()}

    def calibration(self, model: Model, dev: Sequence[Example]) -> dict[str, tuple[Floats, Ids]]:
        """Every step of the gold texts of pairs, what stands before it being gold: probabilities
        among what the grammar allows there, padded with zeros, and the output that follows.
        """
        task = cast(Pairs, model.task)
        items = self.items(dev, task, strict=False)
        read = OnePass([item.window for item in items])
        model.run([read])
        gold = [item.gold[LAYER] for item in items]
        steps = [
            np.exp(task.step_scores(row, item.window, ids[:i].tolist()))
            for item, row, ids in zip(items, read.rows(), gold, strict=True)
            for i in range(len(ids))
        ]
        return {LAYER: (_padded(steps), np.concatenate(gold))}

    def golden(self, texts: Sequence[str]) -> list[Asked]:
        """The first ones also as words."""
        return [*texts, *(list(split_words(text).words) for text in texts[:_TOKENISED])]


PAIRS: Final = PairsTraining()


def targets(example: Example, encoded: EncodedPairs, labels: Sequence[str]) -> Targets:
    """Aspects to words of windows. A label must be one of `labels`."""
    starts = encoded.starts
    windows: list[list[WordPair]] = [[] for _ in starts]
    widened = overlapping = parted = last = 0
    for aspect, label in sorted(_located(example), key=lambda pair: pair[0].start or 0):
        first, end = covering(encoded.words, aspect.start or 0, aspect.end or 0)
        window = int(np.searchsorted(starts, first, side="right")) - 1
        inside = first < end <= starts[window] + len(encoded.windows[window].words)
        if not inside or first < last:
            parted, overlapping = parted + (not inside), overlapping + inside
            continue
        offset, last = starts[window], end
        windows[window].append(WordPair(first - offset, end - offset, labels.index(label)))
        place = (encoded.words.starts[first], encoded.words.ends[end - 1])
        widened += place != (aspect.start, aspect.end)
    return Targets(windows, widened, overlapping, parted)


def judge(model: Model, examples: Sequence[Example]) -> Judged:
    """By the serving path. Raises ScoreError for no examples."""
    if not examples:
        raise ScoreError("there is nothing to score: there are no examples")
    answers = [cast(PairsAnswer, one) for one in model.answer([_item(e).text for e in examples])]
    return Judged(
        found=tuple(
            {(p.start or 0, p.end or 0): p.label for p in answer.pairs} for answer in answers
        ),
        gold=tuple(
            {(a.start or 0, a.end or 0): label for a, label in _located(example)}
            for example in examples
        ),
        scores=tuple(tuple(pair.score for pair in answer.pairs) for answer in answers),
    )


def _item(example: Example) -> AspectItem:
    """Raises DataError for an example of another task."""
    if not isinstance(example.item, AspectItem):
        raise DataError(f"{example.source}: pairs need a text with its aspects")
    return example.item


def _located(example: Example) -> list[tuple[Aspect, str]]:
    """The aspects that stand in the text, each with its label."""
    judged = zip(_item(example).aspects, example.gold[0], strict=True)
    return [(aspect, label) for aspect, label in judged if aspect.located]


def _items(example: Example, task: Pairs) -> list[Item]:
    encoded = task.encode(example.item)
    wanted = targets(example, encoded, task.labels).windows
    items = []
    for window, pairs in zip(encoded.windows, wanted, strict=True):
        written = task.grammar(window).write(pairs)
        gold = {LAYER: np.array(written, np.int64)}
        items.append(Item(task.window(window.words, written[:-1]), gold))
    return items


def _reachable(task: Pairs, examples: Sequence[Example]) -> Measure:
    """The share of the gold pairs that can be written as annotated: what bounds the recall."""
    known = [e for e in examples if set(e.gold[0]) <= set(task.labels)]
    exact = sum(targets(e, task.encode(e.item), task.labels).exact for e in known)
    total = sum(len(_located(example)) for example in examples)
    return Measure(exact / total, total)


def _measures(judged: Judged, *, seed: int | None) -> dict[str, Measure]:
    """F1, precision and recall of pairs and of their spans alone; how many of the spans that are
    right have the right label.
    """
    pairs = Tally.of(
        [set(one.items()) for one in judged.found], [set(g.items()) for g in judged.gold]
    )
    spans = Tally.of([set(one) for one in judged.found], [set(one) for one in judged.gold])
    labels = share_measure(pairs.right, spans.right, seed=seed)
    return {
        **found_measures(pairs, "pair", seed=seed),
        **found_measures(spans, "span", seed=seed),
        **({} if labels is None else {"label_accuracy": labels}),
    }


def _reliability(judged: Judged) -> Reliability | None:
    """Of the statement that a found pair is right; None where none was found."""
    rows = zip(judged.found, judged.gold, judged.scores, strict=True)
    said = [
        (score, gold.get(span) == label)
        for found, gold, scores in rows
        for (span, label), score in zip(found.items(), scores, strict=True)
    ]
    if not said:
        return None
    scores, right = np.array([s for s, _ in said]), np.array([r for _, r in said], np.int64)
    return reliability(np.stack([1 - scores, scores], axis=1), right)


def _padded(rows: Sequence[Floats]) -> Floats:
    """(rows, longest), zeros behind."""
    out = np.zeros((len(rows), max(map(len, rows))))
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out
