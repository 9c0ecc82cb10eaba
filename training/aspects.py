"""Which of a source's aspects a run gets, and what becomes of those annotated twice.

Sources annotate one aspect several times: by several opinions on it (ASTE), or under several
categories (SemEval-2015). For the sentiment of aspects and for pairs, equal labels are merged and
an aspect with differing ones is left out, for it has no right answer. For extraction the label
means nothing: there every term counts, once, also one of "conflict", or of differing labels.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final, Literal

from nlp.tasks.base import Aspect, AspectItem, Example

Kind = Literal["terms", "categories", "both"]

ASPECT_TASKS: Final = ("aspects", "extraction", "pairs")
"""The recipe tasks that data sets of aspects serve."""

_CONFLICT: Final = "conflict"


@dataclass(frozen=True, slots=True)
class Choice:
    """aspects: terms of the text, categories, or both. conflict: whether that label is kept."""

    task: str
    aspects: Kind = "terms"
    conflict: Literal["drop", "keep"] = "drop"

    def wants(self, aspect: Aspect) -> bool:
        return self.aspects == "both" or aspect.located == (self.aspects == "terms")

    def keeps(self, label: str) -> bool:
        return label != _CONFLICT or self.conflict == "keep" or self.task == "extraction"


@dataclass(slots=True)
class AspectCounts:
    """Of the wanted kind: found = used + merged + torn + conflict.

    merged: the same aspect with the same label again. torn: left out, as its labels differ.
    """

    found: int = 0
    used: int = 0
    merged: int = 0
    torn: int = 0
    conflict: int = 0

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def choose(examples: Iterable[Example], choice: Choice, counts: AspectCounts) -> list[Example]:
    """The examples with the chosen aspects: terms by their place, then categories as they come.

    Examples left without an aspect are left out for the task "aspects" alone: for the others they
    teach that a text may hold none.
    """
    chosen = [_chosen(example, choice, counts) for example in examples]
    return chosen if choice.task != "aspects" else [e for e in chosen if any(e.gold)]


def _chosen(example: Example, choice: Choice, counts: AspectCounts) -> Example:
    item = example.item
    if not isinstance(item, AspectItem):
        return example
    wanted = [
        (aspect, label)
        for aspect, label in zip(item.aspects, example.gold[0], strict=True)
        if choice.wants(aspect)
    ]
    kept = [(aspect, label) for aspect, label in wanted if choice.keeps(label)]
    labels: dict[Aspect, list[str]] = {}
    for aspect, label in kept:
        labels.setdefault(aspect, []).append(label)
    sound = {a: each for a, each in labels.items() if choice.task == "extraction" or _agree(each)}
    counts.found += len(wanted)
    counts.conflict += len(wanted) - len(kept)
    counts.used += len(sound)
    counts.merged += sum(len(each) - 1 for each in sound.values())
    counts.torn += sum(len(each) for aspect, each in labels.items() if aspect not in sound)
    aspects = sorted(sound, key=_place)
    gold = (tuple(sound[aspect][0] for aspect in aspects),)
    return Example(AspectItem(item.text, tuple(aspects)), gold, example.source)


def _agree(labels: list[str]) -> bool:
    return len(set(labels)) == 1


def _place(aspect: Aspect) -> tuple[bool, int, int]:
    return (not aspect.located, aspect.start or 0, aspect.end or 0)
