"""One label a text."""

from collections.abc import Sequence
from typing import cast

from nlp.tasks.base import Answer, Example, Task
from nlp.tasks.base import Item as Asked
from nlp.tasks.sentiment import LAYER, SentimentAnswer
from training.tasks.labelled import Labelled, Rows, cut_whole


def gold(example: Example, _: Task) -> Rows:
    return {LAYER: (cast(str, example.gold),)}


def said(answer: Answer, _: Task) -> Rows:
    return {LAYER: (cast(SentimentAnswer, answer).label,)}


def labels(examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
    """Sorted."""
    return {LAYER: tuple(sorted({cast(str, example.gold) for example in examples}))}


def golden(texts: Sequence[str]) -> list[Asked]:
    return list(texts)


SENTIMENT = Labelled(
    gold=gold,
    said=said,
    cut=cut_whole,
    labels=labels,
    slices=lambda *_: (),
    golden=golden,
    grouped=False,
)
