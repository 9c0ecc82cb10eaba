"""The aspects a text speaks of: terms, each with its place and the probability that it is one.

The text's words are tagged B, I and O, as `nlp.spans` reads them, by any network that tags words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from nlp.decoding import Chain, marginals, softmax, viterbi
from nlp.spans import TAGS, Range, legal, span_probabilities, spans_of
from nlp.tasks.base import Arrays, AspectItem, Encoded, Floats, Item, Row, Window
from nlp.tasks.tagging import TRANSITIONS, Tagging

LAYER: Final = "aspect"
_LEAST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class FoundAspect:
    """A term and its probability. `text[start:end]` is it; words that came already tokenised have
    no places, and their blanks are ours.
    """

    text: str
    start: int | None
    end: int | None
    score: float

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "start": self.start, "end": self.end, "score": self.score}


@dataclass(frozen=True, slots=True)
class ExtractionAnswer:
    """The terms in the order of the text; none overlap. tags: of all its words."""

    aspects: tuple[FoundAspect, ...]
    windows: int
    tags: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"aspects": [one.to_dict() for one in self.aspects], "windows": self.windows}


@dataclass(frozen=True, slots=True)
class EncodedText(Encoded):
    """text: None for words that came already tokenised."""

    text: str | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """Windows as for tagging. The best legal sequence of tags gives the terms. A term's score is
    its exact probability under the network's scores (with a CRF or without), at the temperature
    that dev asked for.
    """

    tagging: Tagging
    temperature: float = 1.0

    @property
    def layers(self) -> Mapping[str, tuple[str, ...]]:
        return {LAYER: TAGS}

    def encode(self, item: Item) -> EncodedText:
        """Raises TextError."""
        if isinstance(item, AspectItem):
            item = item.text
        encoded = self.tagging.encode(item)
        return EncodedText(encoded.words, encoded.windows, item if isinstance(item, str) else None)

    def collate(self, windows: Sequence[Window]) -> Arrays:
        return self.tagging.collate(windows)

    def distributions(self, encoded: Encoded, rows: Sequence[Row]) -> Mapping[str, Floats]:
        """Of the words' tags, (words, tags): zero for tags that can be in no legal sequence."""
        found = [marginals(*scored) for scored in _scored(encoded, rows)]
        return {LAYER: np.concatenate(found) if found else np.zeros((0, len(TAGS)))}

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> ExtractionAnswer:
        tags: list[str] = []
        aspects: list[FoundAspect] = []
        for emissions, chain in _scored(encoded, rows):
            chosen = [TAGS[i] for i in viterbi(emissions, chain)]
            spans, first = spans_of(chosen), len(tags)
            scores = span_probabilities(emissions, chain, spans)
            for (start, end), score in zip(spans, scores, strict=True):
                aspects.append(self._found(encoded, (first + start, first + end), score))
            tags += chosen
        return ExtractionAnswer(tuple(aspects), len(rows), tuple(tags))

    def probe(self, words: Sequence[str]) -> Window:
        return self.tagging.probe(words)

    def _found(self, encoded: Encoded, span: Range, score: float) -> FoundAspect:
        (first, end), words = span, encoded.words
        certain = float(
            softmax(np.log(np.clip([1 - score, score], _LEAST, 1)), self.temperature)[1]
        )
        text = encoded.text if isinstance(encoded, EncodedText) else None
        if text is None or not words.located:
            return FoundAspect(" ".join(words.words[first:end]), None, None, certain)
        start, stop = words.starts[first], words.ends[end - 1]
        return FoundAspect(text[start:stop], start, stop, certain)


def _scored(encoded: Encoded, rows: Sequence[Row]) -> list[tuple[Floats, Chain]]:
    """Each window's scores, (words, tags), and its chain, in which illegal paths have no weight."""
    return [
        (np.asarray(row[LAYER][: len(window.words)], np.float64), legal(_chain(row)))
        for window, row in zip(encoded.windows, rows, strict=True)
    ]


def _chain(row: Row) -> Chain:
    """Without a CRF no tag cares for its neighbours, save that the sequence must be legal."""
    if LAYER + TRANSITIONS in row:
        return Chain.unpack(row[LAYER + TRANSITIONS])
    none = np.zeros(len(TAGS))
    return Chain(np.zeros((len(TAGS), len(TAGS))), none, none)
