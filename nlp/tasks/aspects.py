"""Sentiment of aspects: one label for each aspect of a text, with a probability for each label.

An aspect is a term of the text ("menu") or a category that the text never names ("price"). Each is
read on its own, in a row of the batch that says which aspect is meant and where it stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nlp.decoding import softmax
from nlp.errors import EMPTY_TEXT, TextError
from nlp.features import Features
from nlp.sentences import sentence_bounds
from nlp.tasks.base import Arrays, Aspect, AspectItem, Encoded, Floats, Item, Row, Window
from nlp.tasks.located import Range, Term, around, resolve
from nlp.text import Splitter, Words, given_words
from nlp.vocabulary import Vocabulary

LAYER: Final = "sentiment"
ATTENTION: Final = "sentiment_attention"
"""The output, of networks that have one, with a weight a word: (batch, time), rows sum to one."""

PREFIX: Final = "aspect"
STOP: Final = "."
"""The lecture's baseline reads "aspect <aspect> . <text>"."""

FARTHEST: Final = 30
"""Distances, in words, are not told apart beyond."""

FAR: Final = 1 + FARTHEST
"""The place of a word that far from the term, and of all words where the aspect has none."""


@runtime_checkable
class PairExtractor(Protocol):
    """An extractor that reads a text and an aspect as two sentences."""

    def pair(self, words: Sequence[str], aspect: Sequence[str]) -> Mapping[str, NDArray[Any]]: ...


@dataclass(frozen=True, slots=True)
class Attended:
    """A word of the text, where it stands and how much of the reading it got."""

    text: str
    start: int
    end: int
    weight: float

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "start": self.start, "end": self.end, "weight": self.weight}


@dataclass(frozen=True, slots=True)
class JudgedAspect:
    """The most probable label of an aspect, its probability, and all (they sum to one).

    aspect: as it was asked, with the place that was found for it.
    attention: the words that were read and their weights, which sum to one; None where the network
        has none.
    """

    aspect: Aspect
    label: str
    score: float
    scores: Mapping[str, float]
    attention: tuple[Attended, ...] | None

    def to_dict(self) -> dict[str, Any]:
        """`start` and `end` of a term, `category` of an aspect that is not in the text."""
        aspect = self.aspect
        place: dict[str, Any] = {"category": aspect.text}
        if aspect.located:
            place = {"start": aspect.start, "end": aspect.end}
        said = {"label": self.label, "score": self.score, "scores": dict(self.scores)}
        found: dict[str, Any] = {"aspect": aspect.text, **place, **said}
        if self.attention is not None:
            found["attention"] = [word.to_dict() for word in self.attention]
        return found


@dataclass(frozen=True, slots=True)
class AspectsAnswer:
    """The aspects in the order in which they were asked."""

    aspects: tuple[JudgedAspect, ...]
    windows: int

    def to_dict(self) -> dict[str, Any]:
        return {"aspects": [one.to_dict() for one in self.aspects], "windows": self.windows}


@dataclass(frozen=True, slots=True)
class EncodedAspects(Encoded):
    """A text whose windows each belong to one of its aspects; windows of one aspect follow one
    another.

    starts: the first word of each window.
    counts: how many windows each aspect has.
    """

    aspects: tuple[Aspect, ...] = ()
    starts: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Aspects:
    """An aspect that is in the text is read in the whole sentences around it, as many as fit the
    limit; one that is not is read in all windows of the text, and its probabilities are theirs,
    averaged with their numbers of words as weights.
    """

    labels: tuple[str, ...]
    split: Splitter
    vocabulary: Vocabulary
    features: Features
    window_tokens: int = 256
    temperature: float = 1.0

    @property
    def layers(self) -> Mapping[str, tuple[str, ...]]:
        return {LAYER: self.labels}

    def encode(self, item: Item) -> EncodedAspects:
        """A text without aspects has no windows.

        Raises TextError for a lone surrogate, for aspects asked of a text without words, and for
        an aspect that is not where it is said to be.
        """
        if not isinstance(item, AspectItem):
            words = self.split(item) if isinstance(item, str) else given_words(item)
            return EncodedAspects(words, ())
        words = self.split(item.text)
        if item.aspects and not words.words:
            raise TextError(EMPTY_TEXT, "the text holds no words; send at least one")
        terms = resolve(item, words, self.split)
        ranges = self._ranges(words, item.text, terms)
        return EncodedAspects(
            words,
            tuple(
                self._window(words.words[a:b], term, a)
                for term, bounds in zip(terms, ranges, strict=True)
                for a, b in bounds
            ),
            tuple(term.aspect for term in terms),
            tuple(a for bounds in ranges for a, _ in bounds),
            tuple(len(bounds) for bounds in ranges),
        )

    def collate(self, windows: Sequence[Window]) -> Arrays:
        return self.features.collate(windows)

    def distributions(self, encoded: Encoded, rows: Sequence[Row]) -> Mapping[str, Floats]:
        """(aspects, labels)."""
        parts = [
            np.average(softmax(np.stack([row[LAYER] for row in own]), self.temperature), 0, shares)
            for own, shares, _ in _by_aspect(encoded, rows)
        ]
        return {LAYER: np.stack(parts) if parts else np.zeros((0, len(self.labels)))}

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> AspectsAnswer:
        aspects = encoded.aspects if isinstance(encoded, EncodedAspects) else ()
        probabilities = self.distributions(encoded, rows)[LAYER]
        read = _by_aspect(encoded, rows)
        judged = (
            self._judged(aspect, scores, _attended(encoded, *own))
            for aspect, scores, own in zip(aspects, probabilities, read, strict=True)
        )
        return AspectsAnswer(tuple(judged), len(rows))

    def probe(self, words: Sequence[str]) -> Window:
        """The middle word is the aspect: as a term in texts of odd length, else as a category."""
        middle, odd = len(words) // 2, len(words) % 2 == 1
        term = (middle, middle + 1) if odd else None
        return self._window(words, Term(Aspect(words[middle]), (words[middle],), term), 0)

    def _judged(
        self, aspect: Aspect, scores: Floats, attention: tuple[Attended, ...] | None
    ) -> JudgedAspect:
        best = int(scores.argmax())
        named = dict(zip(self.labels, scores.tolist(), strict=True))
        return JudgedAspect(aspect, self.labels[best], float(scores[best]), named, attention)

    def _ranges(self, words: Words, text: str, terms: Sequence[Term]) -> list[list[Range]]:
        """The word ranges that each aspect is read in."""
        if not terms:
            return []
        sentences, limit = sentence_bounds(words, text), self.window_tokens
        whole = self.features.windows(sentences, words.words, limit=limit, join=True)
        if len(whole) == 1:
            return [whole] * len(terms)
        extractor = self.features.extractor
        places = None if extractor is None else extractor.positions(words.words)
        return [
            whole if term.range is None else [around(term.range, sentences, places, limit)]
            for term in terms
        ]

    def _window(self, words: Sequence[str], term: Term, start: int) -> Window:
        """term: its range counts from the text's first word, the window begins at word `start`."""
        arrays = self._arrays(words, term, start)
        longest = max(len(words), *(len(array) for array in arrays.values()))
        return Window(tuple(words), self.vocabulary.ids(words), arrays, longest)

    def _arrays(self, words: Sequence[str], term: Term, start: int) -> dict[str, NDArray[Any]]:
        """What the network reads of the aspect: sub-words of the pair, or some of `aspect`,
        `places` and `prefixed`.
        """
        read: dict[str, NDArray[Any]] = {}
        if isinstance(self.features.extractor, PairExtractor):
            read.update(self.features.extractor.pair(words, term.words))
        if "aspect" in self.features.names:
            read["aspect"] = self.vocabulary.ids(term.words)
        if "places" in self.features.names:
            read["places"] = places_of(len(words), term.range, start)
        if "prefixed" in self.features.names:
            read["prefixed"] = self.vocabulary.ids([PREFIX, *term.words, STOP, *words])
        return read


def places_of(length: int, term: Range | None, start: int = 0) -> NDArray[np.int64]:
    """1 + the distance in words to the term, at most FAR: 1 is inside. Shape: (length,).

    term: in words of the text, of which the row begins at word `start`; None: all are FAR.
    """
    if term is None:
        return np.full(length, FAR, np.int64)
    words = np.arange(start, start + length)
    outside = np.maximum(term[0] - words, words - (term[1] - 1))
    return 1 + np.clip(outside, 0, FARTHEST)


def _by_aspect(
    encoded: Encoded, rows: Sequence[Row]
) -> list[tuple[Sequence[Row], Floats, Sequence[int]]]:
    """Each aspect's rows, the share of its words that each read, and its windows' numbers."""
    counts = encoded.counts if isinstance(encoded, EncodedAspects) else ()
    found: list[tuple[Sequence[Row], Floats, Sequence[int]]] = []
    first = 0
    for count in counts:
        numbers = range(first, first + count)
        sizes = np.array([len(encoded.windows[i].words) for i in numbers], np.float64)
        found.append((rows[first : first + count], sizes / sizes.sum(), numbers))
        first += count
    return found


def _attended(
    encoded: Encoded, rows: Sequence[Row], shares: Floats, numbers: Sequence[int]
) -> tuple[Attended, ...] | None:
    """The words an aspect's rows read, with their weights; a window's count by its share."""
    if not isinstance(encoded, EncodedAspects) or ATTENTION not in rows[0]:
        return None
    words = encoded.words
    return tuple(
        Attended(words.words[place], words.starts[place], words.ends[place], float(share * weight))
        for row, share, i in zip(rows, shares, numbers, strict=True)
        for place, weight in enumerate(
            row[ATTENTION][: len(encoded.windows[i].words)], start=encoded.starts[i]
        )
    )
