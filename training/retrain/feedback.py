"""Judgements to examples: which are trained on, which are held out, and which are left out."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from model_store.feedback import Judgement, Span
from nlp.tasks.base import Aspect, AspectItem, Example
from training.audit import conflict, example_key, grouped, text_key
from training.errors import DataError
from training.readers.aspects import POLARITIES
from training.recipe import Source
from training.retrain.request import TASKS

_TERM: Final = "neutral"
"""The label of a term that is only found: the file's form wants one, and the task reads none."""


class Feedback(Protocol):
    """What a retraining asks of `model_store.feedback`'s base."""

    def accepted(
        self, model: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Judgement]:
        """Those with a text, oldest first; received from `since` to `until`, half-open."""

    def counts(self, model: str) -> Mapping[str, int]:
        """accepted, with_text, quarantined, ..."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Each text once. left_out: judgements that were not used, by why."""

    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    left_out: Mapping[str, int]


def collect(
    judgements: Iterable[Judgement], *, task: str, labels: Sequence[str], holdout: float
) -> Collected:
    """labels: the champion's. Of equal texts the newest judgement counts; where they contradict one
    another, none does. Raises DataError for a task whose feedback cannot be learned from.
    """
    check_task(task)
    left_out: Counter[str] = Counter()
    examples = []
    for judgement in judgements:
        example = _example(judgement, task, frozenset(labels))
        if isinstance(example, str):
            left_out[example] += 1
        else:
            examples.append(example)
    sides: tuple[list[Example], list[Example]] = ([], [])
    for key, group in grouped(examples).items():
        if conflict(group) is not None:
            left_out["contradicting"] += len(group)
            continue
        left_out["repeated"] += len(group) - 1
        sides[is_held_out(key, holdout)].append(group[-1])
    return Collected(tuple(sides[0]), tuple(sides[1]), dict(left_out))


def check_task(task: str) -> None:
    """Raises DataError for a task whose feedback cannot be learned from."""
    if task not in TASKS:
        known = ", ".join(TASKS)
        raise DataError(f"feedback on the task {task} cannot be learned from; known: {known}")


def is_held_out(key: str, share: float) -> bool:
    """Whether a text is held out, by its key (`training.audit.text_key`) alone: for ever, and on
    every machine. What a share holds out, a larger one does too.
    """
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) < share * 2**64


def lines(examples: Iterable[Example]) -> str:
    """JSON lines that `source` reads."""
    return "".join(json.dumps(_row(one), ensure_ascii=False) + "\n" for one in examples)


def source(path: str, *, task: str, labels: Sequence[str], repeat: int = 1) -> Source:
    """The file as a recipe's source."""
    if task == "sentiment":
        return Source(file=path, format="jsonl", repeat=repeat)
    if task == "extraction":
        return Source(file=path, format="aspects", aspects="terms", repeat=repeat)
    known = {label: label for label in {*POLARITIES, *labels}}
    return Source(
        file=path, format="aspects", aspects="both", conflict="keep", labels=known, repeat=repeat
    )


def without(examples: Sequence[Example], *others: Iterable[Example]) -> list[Example]:
    """The examples whose text stands in none of the others."""
    held = {example_key(example) for other in others for example in other}
    return [example for example in examples if example_key(example) not in held]


def _example(judgement: Judgement, task: str, labels: frozenset[str]) -> Example | str:
    """An example, or why there is none."""
    text = judgement.text
    if text is None or not text_key(text):
        return "without a text"
    if judgement.task != task:
        return "of another task"
    if task == "sentiment":
        known = judgement.label is not None and judgement.label in labels
        return Example(text, judgement.label or "") if known else "of another label"
    if task == "aspects" and not {span.label for span in judgement.spans} <= labels:
        return "of another label"
    if not all(_fits(span, text) for span in judgement.spans):
        return "out of place"
    spans = [span for span in judgement.spans if span.located or task == "aspects"]
    if task == "aspects" and not spans:
        return "without an aspect"
    said = tuple(span.label if task == "aspects" else _TERM for span in spans)
    return Example(AspectItem(text, tuple(_aspect(span, text) for span in spans)), (said,))


def _fits(span: Span, text: str) -> bool:
    return not span.located or 0 <= span.start < span.end <= len(text)


def _aspect(span: Span, text: str) -> Aspect:
    if not span.located:
        return Aspect(span.category)
    return Aspect(text[span.start : span.end], span.start, span.end)


def _row(example: Example) -> dict[str, Any]:
    if not isinstance(example.item, AspectItem):
        return {"text": example.item, "label": example.gold}
    judged = zip(example.item.aspects, example.gold[0], strict=True)
    return {"text": example.item.text, "aspects": [_aspect_row(*pair) for pair in judged]}


def _aspect_row(aspect: Aspect, label: str) -> dict[str, Any]:
    place = {"start": aspect.start, "end": aspect.end} if aspect.located else {}
    return {"text": aspect.text, **place, "label": label}
