"""Which data sets hold each other's texts: the audit across data sets.

Texts are compared as `training.audit` does within a recipe. Of a source only digests of its texts
are kept, so that all data sets together fit in memory.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from nlp.tasks.base import Aspect, Example
from training.audit import can_leak, conflict, grouped, judgements
from training.catalogue import DATASETS
from training.datasets import data_folder, load_unlabelled
from training.readers.labelled import UNLABELLED

_DIGEST_BYTES: Final = 8  # of a million texts, two share one with a chance below 1 in 10 million

Judgements = tuple[tuple[Aspect | None, object], ...]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A source without its texts.

    examples: all of them. conflicts: those whose text stands in the source with another label too.
    texts: digest of a text to its first label, or those of its aspects; () where it has none.
    recurring: the digests of tagged sentences so short that they recur by themselves.
    labels: those that occur.
    """

    name: str
    examples: int
    conflicts: int
    texts: Mapping[bytes, Judgements]
    recurring: frozenset[bytes]
    labels: frozenset[object]

    @property
    def duplicates(self) -> int:
        """Examples whose text stood earlier in the source."""
        return self.examples - len(self.texts)

    def to_dict(self) -> dict[str, Any]:
        counts = {"examples": self.examples, "texts": len(self.texts)}
        return {"source": self.name, **counts} | {
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
        }


@dataclass(frozen=True, slots=True)
class Overlap:
    """Distinct texts that stand in both of two sources.

    conflicts: those of them whose labels differ; None where the two have no label in common, as
    with polarity and subjectivity.
    """

    first: Fingerprint
    second: Fingerprint
    shared: int
    conflicts: int | None

    @property
    def of_first(self) -> float:
        """The share of the first's distinct texts that stand in the second."""
        return self.shared / len(self.first.texts) if self.first.texts else 0.0

    @property
    def of_second(self) -> float:
        """The share of the second's distinct texts that stand in the first."""
        return self.shared / len(self.second.texts) if self.second.texts else 0.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "first": self.first.name,
            "second": self.second.name,
            "shared": self.shared,
            "of_first": self.of_first,
            "of_second": self.of_second,
            "conflicts": self.conflicts,
        }


def fingerprint(name: str) -> Fingerprint:
    """Reads "dataset:split" or a file. Raises DataError where it is absent or altered."""
    return of_examples(name, load_unlabelled(name))


def of_examples(name: str, examples: Iterable[Example]) -> Fingerprint:
    """The fingerprint of examples that were read already."""
    groups = {_digest(key): group for key, group in grouped(examples).items()}
    texts = {digest: _judged(group[0]) for digest, group in groups.items()}
    return Fingerprint(
        name,
        examples=sum(map(len, groups.values())),
        conflicts=sum(len(group) for group in groups.values() if conflict(group) is not None),
        texts=texts,
        recurring=frozenset(d for d, group in groups.items() if not can_leak(group[0])),
        labels=frozenset(
            label for group in groups.values() for e in group for _, label in _judged(e)
        ),
    )


def overlap(first: Fingerprint, second: Fingerprint) -> Overlap:
    """Short tagged sentences, which recur by themselves, are not counted."""
    shared = [d for d in second.texts if d in first.texts and d not in second.recurring]
    comparable = not first.labels.isdisjoint(second.labels)
    torn = sum(_differ(first.texts[digest], second.texts[digest]) for digest in shared)
    return Overlap(first, second, shared=len(shared), conflicts=torn if comparable else None)


def overlaps(prints: Sequence[Fingerprint], *, least: float = 0.0) -> Iterator[Overlap]:
    """Each pair in order; those of which neither share reaches `least` are passed over, as are
    two splits of a data set that are cut from one file, since these are not meant to be apart.
    """
    for first, second in combinations(prints, 2):
        found = overlap(first, second)
        if max(found.of_first, found.of_second) >= least and not _akin(first.name, second.name):
            yield found


def present_sources() -> tuple[list[str], list[str]]:
    """Every "dataset:split" of the catalogue: those whose files the data folder has, the others.

    Raises DataError where VALENCE_DATA names no folder.
    """
    folder = data_folder()
    present: list[str] = []
    absent: list[str] = []
    for name in _named_splits():
        found = all((folder / file).is_file() for file in _files(name))
        (present if found else absent).append(name)
    return present, absent


def _named_splits() -> list[str]:
    return [f"{name}:{split}" for name, dataset in DATASETS.items() for split in dataset.splits]


def _files(name: str) -> set[str]:
    """None for a file of one's own."""
    dataset, _, split = name.partition(":")
    found = DATASETS.get(dataset)
    return {part.file for part in found.splits.get(split, ())} if found else set()


def _akin(first: str, second: str) -> bool:
    return not _files(first).isdisjoint(_files(second))


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).digest()


def _judged(example: Example) -> Judgements:
    labels = judgements(example)
    return tuple((asked, label) for asked, label in labels if label not in ("", UNLABELLED))


def _differ(first: Judgements, second: Judgements) -> bool:
    said = dict(first)
    return any(said.get(asked, label) != label for asked, label in second)
