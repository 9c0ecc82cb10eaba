"""What a model's traffic looks like, in memory that never grows: one histogram a feature.

length         words of an item
unknown_words  share of its words that the training split never had
confidence     probability of what the model says; of several things said of one item (tags,
               aspects) their mean, so that an item counts once: its words are no independent draws
perplexity     of the text under a language model
labels         how often each label was said; unordered, and an item may add several

Training keeps a sketch of dev in the manifest, the service one of its traffic; `nlp.drift` compares
the two. All counts are whole numbers, so that merging is exact in any order.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import numpy as np

from nlp.errors import ModelError
from nlp.tasks.base import AspectItem, Encoded, Item
from nlp.vocabulary import SPECIALS

FORMAT: Final = "valence-sketch/1"

LENGTH: Final = "length"
UNKNOWN_WORDS: Final = "unknown_words"
CONFIDENCE: Final = "confidence"
PERPLEXITY: Final = "perplexity"
LABELS: Final = "labels"


def _steps(first: int, last: int, a_doubling: int) -> tuple[float, ...]:
    """Whole numbers from `first` to `last`, so many to each doubling."""
    exponents = range(64 * a_doubling)
    numbers = dict.fromkeys(round(2 ** (i / a_doubling)) for i in exponents)
    return tuple(float(number) for number in numbers if first <= number <= last)


def _parts(first: int, last: int, whole: int) -> tuple[float, ...]:
    return tuple(i / whole for i in range(first, last + 1))


EDGES: Final[dict[str, tuple[float, ...]]] = {
    LENGTH: _steps(2, 4096, 4),
    UNKNOWN_WORDS: (1e-9, *_parts(1, 15, 50), *_parts(7, 19, 20)),
    CONFIDENCE: (*_parts(1, 49, 50), 0.985, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999),
    PERPLEXITY: _steps(2, 1_000_000, 2),
}
"""Between the bins of each ordered feature: bin i holds what is at least edge i - 1 and less than
edge i. Another choice of edges is another FORMAT.
"""

BRIEF_CHARACTERS: Final = 1000
MOST_LABELS: Final = 10_000
MOST_COUNT: Final = 1 << 53
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What is counted of one answered item; its text is not in it.

    unknown_words: None where the model's vocabulary has no word of training.
    labels: how often each was said of the item.
    scores: how many probabilities were given, certainty: their sum; sure: how many of them are at
        least the model's threshold (`nlp.drift`).
    """

    tokens: int
    unknown_words: float | None = None
    labels: Mapping[str, int] = field(default_factory=dict)
    scores: int = 0
    certainty: float = 0.0
    sure: int = 0
    perplexity: float | None = None

    @property
    def confidence(self) -> float | None:
        """An item's one count."""
        return self.certainty / self.scores if self.scores else None


@dataclass(frozen=True, slots=True)
class Look:
    """How items of one model are looked at.

    layer: the key of a word's label, where words have labels. trained: of the vocabulary.
    threshold: a probability from which on the model is called sure.
    """

    layer: str = ""
    trained: int = 0
    threshold: float = 1.0

    @classmethod
    def of(cls, manifest: Mapping[str, Any], threshold: float = 1.0) -> "Look":
        trained = manifest.get("text", {}).get("trained", 0)
        return cls(next(iter(manifest["layers"]), ""), trained, threshold)

    def see(self, encoded: Encoded, answer: Mapping[str, Any]) -> Seen:
        """One item as it was read, and answered as `Answer.to_dict` has it, of any task."""
        labels, scores = self.said(answer)
        return Seen(
            encoded.tokens,
            unknown_words(encoded, self.trained),
            labels,
            len(scores),
            sum(scores),
            sum(score >= self.threshold for score in scores),
            answer.get("perplexity"),
        )

    def said(self, answer: Mapping[str, Any]) -> tuple[Mapping[str, int], list[float]]:
        """Labels, counted, and probabilities of a text, of its words, or of its aspects."""
        if "label" in answer:
            return {answer["label"]: 1}, [answer["score"]]
        if "perplexity" in answer:
            return {}, []
        parts = next((answer[k] for k in ("tokens", "aspects", "pairs") if k in answer), ())
        key = self.layer if "tokens" in answer else "label"
        labels = Counter(part[key] for part in parts if key in part)
        return labels, [part["score"] for part in parts]


def brief(item: Item) -> bool:
    """Whether an item is short enough to be scored by a language model beside its own."""
    text = item.text if isinstance(item, AspectItem) else item
    return (len(text) if isinstance(text, str) else sum(map(len, text))) <= BRIEF_CHARACTERS


def unknown_words(encoded: Encoded, trained: int) -> float | None:
    """Share of the words, as the network reads them, that are none of the `trained` ones."""
    ids = [window.ids for window in encoded.windows]
    if trained <= len(SPECIALS) or not ids:
        return None
    joined = ids[0] if len(ids) == 1 else np.concatenate(ids)
    known = np.count_nonzero((joined >= len(SPECIALS)) & (joined < trained))
    return 1 - known / len(joined) if len(joined) else None


_SINGLES: Final = ("items", "labelled", "scores", "sure", "certainty")
_KEYS: Final = {"format", "counts", "labels", *_SINGLES}


@dataclass(slots=True)
class Sketch:
    """Counts of what was seen.

    items: all that was added. counts: by feature, one number a bin. labels: by label.
    labelled: items that added to `labels`.
    scores: probabilities seen; sure: those that reached the threshold; certainty: the sum of all,
        in millionths.
    """

    items: int = 0
    counts: dict[str, list[int]] = field(
        default_factory=lambda: {
            feature: [0] * (len(edges) + 1) for feature, edges in EDGES.items()
        }
    )
    labels: dict[str, int] = field(default_factory=dict)
    labelled: int = 0
    scores: int = 0
    sure: int = 0
    certainty: int = 0

    @property
    def sure_share(self) -> float | None:
        """Of all probabilities those that reached the threshold; None without one."""
        return self.sure / self.scores if self.scores else None

    @property
    def confidence(self) -> float | None:
        """The mean of all probabilities; None without one."""
        return self.certainty / _MILLION / self.scores if self.scores else None

    def total(self, feature: str) -> int:
        """Items that had an ordered feature."""
        return sum(self.counts[feature])

    def add(self, seen: Seen) -> None:
        self.items += 1
        self.count(LENGTH, seen.tokens)
        self.count(UNKNOWN_WORDS, seen.unknown_words)
        self.count(CONFIDENCE, seen.confidence)
        self.count(PERPLEXITY, seen.perplexity)
        self.labelled += bool(seen.labels)
        self.scores += seen.scores
        self.sure += seen.sure
        self.certainty += round(seen.certainty * _MILLION)
        for label, count in seen.labels.items():
            self.labels[label] = self.labels.get(label, 0) + count

    def count(self, feature: str, value: float | None) -> None:
        """One value of an ordered feature; None is none."""
        if value is not None:
            self.counts[feature][bisect_right(EDGES[feature], value)] += 1

    def merge(self, other: "Sketch") -> "Sketch":
        """A sketch of all that either has seen."""
        return Sketch(
            self.items + other.items,
            {name: _sums(counts, other.counts[name]) for name, counts in self.counts.items()},
            dict(Counter(self.labels) + Counter(other.labels)),
            self.labelled + other.labelled,
            self.scores + other.scores,
            self.sure + other.sure,
            self.certainty + other.certainty,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` takes them back."""
        return {
            "format": FORMAT,
            "items": self.items,
            "counts": {feature: list(counts) for feature, counts in self.counts.items()},
            "labels": dict(sorted(self.labels.items())),
            "labelled": self.labelled,
            "scores": self.scores,
            "sure": self.sure,
            "certainty": self.certainty,
        }

    @classmethod
    def from_dict(cls, value: object) -> "Sketch":
        """Raises ModelError for anything but what `to_dict` of this FORMAT gives."""
        if not isinstance(value, Mapping) or value.keys() != _KEYS or value["format"] != FORMAT:
            raise ModelError(f"a sketch must be an object of the format {FORMAT}")
        counts = {feature: _bins(value["counts"], feature) for feature in EDGES}
        labels, singles = _labels(value["labels"]), [value[key] for key in _SINGLES]
        if not all(map(_is_count, chain(singles, labels.values(), *counts.values()))):
            raise ModelError("a sketch's counts must be whole numbers from 0 to 2^53")
        return cls(value["items"], counts, labels, *singles[1:])


def _sums(ours: Sequence[int], theirs: Sequence[int]) -> list[int]:
    return [a + b for a, b in zip(ours, theirs, strict=True)]


def _bins(value: object, feature: str) -> list[int]:
    """The counts of one feature, as many as it has bins."""
    found = value.get(feature) if isinstance(value, Mapping) else None
    size = len(EDGES[feature]) + 1
    if not isinstance(found, list) or len(found) != size:
        raise ModelError(f"a sketch counts {size} bins of {feature}")
    return list(found)


def _labels(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping) or len(value) > MOST_LABELS:
        raise ModelError(f"a sketch holds an object of at most {MOST_LABELS} labels")
    return dict(value)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST_COUNT
