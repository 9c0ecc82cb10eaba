"""Behavioural tests (Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList"): what a model must do, whatever its accuracy.

`behaviour.json` holds them, in our own sentences, by capability and kind: minimum functionality
(the label is known), invariance (another name, place or typing error changes no label), direction
(a negation lowers the probability of "positive"). A name in braces stands for each word of a list.
"""

import json
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Final, Literal, cast

from nlp.model import Model
from nlp.tasks.aspects import AspectsAnswer
from nlp.tasks.base import Answer, Aspect, AspectItem, Item
from nlp.tasks.sentiment import SentimentAnswer
from training.build import build
from training.retrain.measured import Capability, Kind

FILE: Final = "behaviour.json"


@dataclass(frozen=True, slots=True)
class Move:
    """How the probability of a label may change from the text to the other one."""

    label: str
    least: float = -1.0
    most: float = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """text: what is asked. label: what must be answered; "" where only the change counts.

    other: the second text, whose label must be the same or whose probability must move. aspect:
    what is asked about, of a model of aspects: a term of the texts, else a category.
    """

    text: str
    label: str = ""
    other: str = ""
    aspect: str = ""
    move: Move | None = None

    @property
    def labels(self) -> set[str]:
        """Those that the model must know for the case to mean anything."""
        return {label for label in (self.label, self.move.label if self.move else "") if label}


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of one capability; templates until `expanded`."""

    task: Literal["sentiment", "aspects"]
    capability: str
    kind: Kind
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """The file: word lists by name, and suites whose cases are templates over them."""

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    suites: tuple[Suite, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A label and the probability of each."""

    label: str
    scores: Mapping[str, float]


@cache
def suites() -> tuple[Suite, ...]:
    """All suites with their templates filled in."""
    raw = json.loads(files("training.retrain").joinpath(FILE).read_text(encoding="utf-8"))
    book = build(Book, raw)
    return tuple(
        Suite(one.task, one.capability, one.kind, tuple(_all_expanded(one.cases, book.words)))
        for one in book.suites
    )


def capabilities(
    champion: Model, challenger: Model, book: Sequence[Suite] | None = None
) -> tuple[Capability, ...]:
    """Both models on every suite of their task that their labels allow; none for other tasks."""
    task = str(champion.manifest["task"])
    found = []
    for suite in suites() if book is None else book:
        cases = [case for case in suite.cases if _fits(case, champion, challenger)]
        if suite.task == task and cases:
            passed = (passes(model, cases) for model in (champion, challenger))
            found.append(Capability(suite.capability, suite.kind, *passed))
    return tuple(found)


def passes(model: Model, cases: Sequence[Case]) -> tuple[bool, ...]:
    """Of each case, whether the model does what it asks."""
    pairs = [case for case in cases if case.other]
    said = iter(_said(model, [_item(case.text, case.aspect) for case in cases]))
    others = iter(_said(model, [_item(case.other, case.aspect) for case in pairs]))
    return tuple(_holds(case, next(said), next(others) if case.other else None) for case in cases)


def _holds(case: Case, said: Said, other: Said | None) -> bool:
    if case.label and said.label != case.label:
        return False
    if other is None:
        return True
    if case.move is None:
        return said.label == other.label
    change = other.scores[case.move.label] - said.scores[case.move.label]
    return case.move.least <= change <= case.move.most


def _fits(case: Case, *models: Model) -> bool:
    """Whether the models know the labels that the case speaks of."""
    known = [set(next(iter(model.task.layers.values()))) for model in models]
    return all(case.labels <= labels for labels in known)


def _item(text: str, aspect: str) -> Item:
    if not aspect:
        return text
    start = text.find(aspect)
    place = (None, None) if start < 0 else (start, start + len(aspect))
    return AspectItem(text, (Aspect(aspect, *place),))


def _said(model: Model, items: Sequence[Item]) -> list[Said]:
    read = _READ[str(model.manifest["task"])]
    return [read(answer) for answer in model.answer(items)]


def _of_text(answer: Answer) -> Said:
    found = cast(SentimentAnswer, answer)
    return Said(found.label, found.scores)


def _of_aspect(answer: Answer) -> Said:
    (found,) = cast(AspectsAnswer, answer).aspects
    return Said(found.label, found.scores)


_READ: Final[Mapping[str, Callable[[Answer], Said]]] = {
    "sentiment": _of_text,
    "aspects": _of_aspect,
}


def _all_expanded(cases: Sequence[Case], words: Mapping[str, tuple[str, ...]]) -> Iterator[Case]:
    for case in cases:
        yield from expanded(case, words)


def expanded(case: Case, words: Mapping[str, Sequence[str]]) -> Iterator[Case]:
    """One case for each choice of words; a name that stands in several places is the same word."""
    filled = (case.text, case.other, case.aspect)
    names = list(dict.fromkeys(name for text in filled for name in _placeholders(text)))
    for choice in product(*(words[name] for name in names)):
        fill = dict(zip(names, choice, strict=True))
        text, other, aspect = (one.format_map(fill) for one in filled)
        yield Case(text, case.label, other, aspect, case.move)


def _placeholders(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]
