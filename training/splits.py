"""From a recipe's [data] and [audit] to the splits that the loop gets, and the one it never sees.

`prepare` reads every split, audits them together, and gives train and dev. The test split is
compared with the others there, by the keys of its texts, and then let go of; only `read_test`
gives its examples, to the scorer, once training is over.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, Final

import numpy as np

from nlp.tasks.base import Example
from training.audit import AuditReport, audit, check, example_key, leaked
from training.datasets import Loaded, SourceRecord, load
from training.errors import DataError
from training.readers.clean import detokenise
from training.recipe import DevFromTrain, Recipe, Source

_DEV_STREAM: Final = 1
_DETOKENISE_STREAM: Final = 2


@dataclass(frozen=True, slots=True)
class Splits:
    """What training may see. There is no test split here, so none can be selected on."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Splits, and the account of how they came about.

    sources: by split ("train", "dev", "test"); dev is empty where it is cut from train.
    dropped_leaks: training examples left out because their text stands in dev or test.
    detokenised: training examples put into (or added in) the form people type.
    """

    splits: Splits
    audit: AuditReport
    sources: dict[str, tuple[SourceRecord, ...]]
    dropped_leaks: int
    detokenised: int

    def to_dict(self) -> dict[str, Any]:
        """Counts, sources and audit as plain values; no texts."""
        return {
            "examples": {"train": len(self.splits.train), "dev": len(self.splits.dev)},
            "sources": {s: [r.to_dict() for r in records] for s, records in self.sources.items()},
            "audit": self.audit.to_dict(),
            "dropped_leaks": self.dropped_leaks,
            "detokenised": self.detokenised,
        }


@dataclass(frozen=True, slots=True)
class _Flagged:
    """Examples, each with whether its text is tokenised."""

    examples: tuple[Example, ...]
    tokenised: tuple[bool, ...]

    def where(self, kept: Sequence[bool]) -> "_Flagged":
        return _Flagged(tuple(compress(self.examples, kept)), tuple(compress(self.tokenised, kept)))


def prepare(recipe: Recipe) -> Prepared:
    """Reads, audits, drops leaks if told to, and detokenises. Raises DataError, AuditError."""
    read = _read_every(recipe)
    train, dev, test, dropped = _parted(recipe, read)
    report = audit({"train": train.examples, "dev": dev.examples, "test": test.examples})
    check(report, recipe.audit)
    examples, detokenised = _typed(recipe, train)
    _check_labels(examples, dev.examples)
    return Prepared(
        splits=Splits(examples, dev.examples),
        audit=report,
        sources={name: tuple(one.record for one in loaded) for name, loaded in read.items()},
        dropped_leaks=dropped,
        detokenised=detokenised,
    )


def read_all(recipe: Recipe) -> dict[str, tuple[Example, ...]]:
    """All splits by name, as `prepare` audits them: for a look at the data, never for the loop."""
    train, dev, test, _ = _parted(recipe, _read_every(recipe))
    return {"train": train.examples, "dev": dev.examples, "test": test.examples}


def read_test(recipe: Recipe) -> tuple[Example, ...]:
    """The test split, for the scorer. Raises DataError where the recipe names none."""
    if not recipe.data.test:
        raise DataError("the recipe names no test split; set data.test")
    return _flagged(_read(recipe, "test")).examples


def read_source(recipe: Recipe, source: Source) -> tuple[Example, ...]:
    """A source named on the command line, read as the recipe reads its own."""
    return _load(recipe, source).examples


def cut_dev(examples: Sequence[Example], share: float, *, seed: int) -> list[bool]:
    """For each example whether it goes to dev: about `share` of the texts of each label.

    Equal texts stay together, so that the cut makes no leak. Tagging has no label to cut by.
    """
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(examples):
        groups[example_key(example)].append(place)
    by_label: defaultdict[str, list[list[int]]] = defaultdict(list)
    for group in groups.values():
        gold = examples[group[0]].gold
        by_label[gold if isinstance(gold, str) else ""].append(group)
    return _marks(by_label, share, seed=seed, size=len(examples))


def _marks(
    by_label: dict[str, list[list[int]]], share: float, *, seed: int, size: int
) -> list[bool]:
    generator = np.random.default_rng([seed, _DEV_STREAM])
    marks = [False] * size
    for label in sorted(by_label):
        groups = by_label[label]
        for chosen in generator.permutation(len(groups))[: round(share * len(groups))]:
            for place in groups[chosen]:
                marks[place] = True
    return marks


def _read_every(recipe: Recipe) -> dict[str, tuple[Loaded, ...]]:
    return {name: _read(recipe, name) for name in ("train", "dev", "test")}


def _parted(
    recipe: Recipe, read: Mapping[str, Sequence[Loaded]]
) -> tuple[_Flagged, _Flagged, _Flagged, int]:
    """train, dev, test, and how many leaks were dropped from train."""
    test = _flagged(read["test"])
    train, dev = _with_dev(recipe, _flagged(read["train"]), _flagged(read["dev"]))
    train, dropped = _without_leaks(recipe, train, held_out=(dev.examples, test.examples))
    return train, dev, test, dropped


def _read(recipe: Recipe, split: str) -> tuple[Loaded, ...]:
    sources = getattr(recipe.data, split)
    if isinstance(sources, DevFromTrain):
        return ()
    return tuple(_load(recipe, source) for source in sources)


def _load(recipe: Recipe, source: Source) -> Loaded:
    limits = [limit for limit in (source.limit, recipe.data.limit) if limit is not None]
    limited = replace(source, limit=min(limits, default=None))
    return load(limited, task=recipe.task, seed=recipe.seed, on_bad_line=recipe.data.on_bad_line)


def _flagged(loaded: Sequence[Loaded]) -> _Flagged:
    return _Flagged(
        tuple(example for one in loaded for example in one.examples),
        tuple(one.tokenised for one in loaded for _ in one.examples),
    )


def _with_dev(recipe: Recipe, train: _Flagged, dev: _Flagged) -> tuple[_Flagged, _Flagged]:
    if not isinstance(recipe.data.dev, DevFromTrain):
        return train, dev
    marks = cut_dev(train.examples, recipe.data.dev.split_from_train, seed=recipe.seed)
    if not any(marks):
        raise DataError("data.dev.split_from_train cuts off no example; raise it, or add data")
    return train.where([not mark for mark in marks]), train.where(marks)


def _without_leaks(
    recipe: Recipe, train: _Flagged, *, held_out: Sequence[Sequence[Example]]
) -> tuple[_Flagged, int]:
    if not recipe.audit.drop_leaks:
        return train, 0
    marks = leaked(train.examples, held_out)
    return train.where([not mark for mark in marks]), sum(marks)


def _typed(recipe: Recipe, train: _Flagged) -> tuple[tuple[Example, ...], int]:
    """The training examples, with the recipe's share of the tokenised texts detokenised."""
    generator = np.random.default_rng([recipe.seed, _DETOKENISE_STREAM])
    drawn = generator.random(len(train.examples)) < recipe.data.detokenise
    examples: list[Example] = []
    count = 0
    for example, tokenised, chosen in zip(train.examples, train.tokenised, drawn, strict=True):
        typed = isinstance(example.item, str) and tokenised and bool(chosen)
        if not typed or recipe.data.detokenise_adds:
            examples.append(example)
        if typed:
            examples.append(replace(example, item=detokenise(str(example.item))))
        count += typed
    return tuple(examples), count


def _check_labels(train: Sequence[Example], dev: Sequence[Example]) -> None:
    """Sentiment: a dev label that training never shows is a slip in the recipe."""
    known = {example.gold for example in train if isinstance(example.gold, str)}
    strange = {example.gold for example in dev if isinstance(example.gold, str)} - known
    if strange:
        raise DataError(
            f"dev has labels that train has not: {', '.join(sorted(map(str, strange)))}"
        )
