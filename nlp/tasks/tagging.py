"""Part-of-speech tags: one a word and layer (upos, xpos), each with a probability."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from nlp.decoding import Chain, marginals, softmax, viterbi
from nlp.features import Features
from nlp.sentences import sentence_bounds
from nlp.tasks.base import Arrays, AspectItem, Encoded, Floats, Item, Row, Window
from nlp.text import Splitter, Words, given_words
from nlp.vocabulary import Vocabulary

TRANSITIONS: Final = "_transitions"
"""Suffix of the output that carries a layer's CRF, packed as `Chain.unpack` reads it."""

_LEAST: Final = 1e-300


@dataclass(frozen=True, slots=True)
class TaggedToken:
    """A word, where it stands (None for words that came already tokenised) and its tags."""

    text: str
    start: int | None
    end: int | None
    tags: Mapping[str, str]
    scores: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """{"text", "start", "end", one key a layer, "score" of the first layer}."""
        score = next(iter(self.scores.values()))
        place = {"text": self.text, "start": self.start, "end": self.end}
        return {**place, **self.tags, "score": score}


@dataclass(frozen=True, slots=True)
class TaggingAnswer:
    tokens: tuple[TaggedToken, ...]
    windows: int

    def to_dict(self) -> dict[str, Any]:
        return {"tokens": [token.to_dict() for token in self.tokens], "windows": self.windows}


@dataclass(frozen=True, slots=True)
class Tagging:
    """A text is read sentence by sentence, as in training; a sentence over the limit is cut in
    equal parts. A word's score is its tag's probability: the softmax, or the CRF's exact marginal,
    with the temperature fitted on dev.
    """

    tags: Mapping[str, tuple[str, ...]]
    split: Splitter
    vocabulary: Vocabulary
    features: Features
    window_tokens: int = 256
    temperatures: Mapping[str, float] = field(default_factory=dict)

    @property
    def layers(self) -> Mapping[str, tuple[str, ...]]:
        return self.tags

    def encode(self, item: Item) -> Encoded:
        """Words that came already tokenised are one sentence. Raises TextError."""
        if isinstance(item, AspectItem):
            item = item.text
        if isinstance(item, str):
            words = self.split(item)
            bounds = sentence_bounds(words, item)
        else:
            words = given_words(item)
            bounds = [(0, len(words.words))] if words.words else []
        features, limit = self.features, self.window_tokens
        parts = features.windows(bounds, words.words, limit=limit, join=False)
        return Encoded(words, tuple(self.probe(words.words[a:b]) for a, b in parts))

    def collate(self, windows: Sequence[Window]) -> Arrays:
        return self.features.collate(windows)

    def distributions(self, encoded: Encoded, rows: Sequence[Row]) -> Mapping[str, Floats]:
        return {
            layer: _joined([self._probabilities(layer, row, n) for row, n in _sized(encoded, rows)])
            for layer in self.tags
        }

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> TaggingAnswer:
        words, places = encoded.words, np.arange(encoded.tokens)
        tags: dict[str, list[str]] = {}
        scores: dict[str, list[float]] = {}
        for layer, probabilities in self.distributions(encoded, rows).items():
            best = [i for row, n in _sized(encoded, rows) for i in _best(layer, row, n)]
            tags[layer] = [self.tags[layer][i] for i in best]
            scores[layer] = probabilities[places, best].tolist() if best else []
        return TaggingAnswer(_tokens(words.words, _spans(words), tags, scores), len(rows))

    def probe(self, words: Sequence[str]) -> Window:
        return self.features.window(words, self.vocabulary)

    def _probabilities(self, layer: str, row: Row, length: int) -> Floats:
        """Of one window's words: (length, tags)."""
        temperature = self.temperatures.get(layer, 1.0)
        if layer + TRANSITIONS not in row:
            return softmax(row[layer][:length], temperature)
        exact = marginals(row[layer][:length], Chain.unpack(row[layer + TRANSITIONS]))
        return softmax(np.log(np.maximum(exact, _LEAST)), temperature)


def _sized(encoded: Encoded, rows: Sequence[Row]) -> list[tuple[Row, int]]:
    return [(row, len(window.words)) for row, window in zip(rows, encoded.windows, strict=True)]


def _best(layer: str, row: Row, length: int) -> list[int]:
    """The chosen tag of each word of one window."""
    logits = row[layer][:length]
    if layer + TRANSITIONS in row:
        return viterbi(logits, Chain.unpack(row[layer + TRANSITIONS]))
    return [int(i) for i in logits.argmax(axis=-1)]


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros((0, 0))


def _spans(words: Words) -> list[tuple[int | None, int | None]]:
    if words.located:
        return list(zip(words.starts, words.ends, strict=True))
    return [(None, None)] * len(words.words)


def _tokens(
    words: Sequence[str],
    spans: Sequence[tuple[int | None, int | None]],
    tags: Mapping[str, Sequence[str]],
    scores: Mapping[str, Sequence[float]],
) -> tuple[TaggedToken, ...]:
    return tuple(
        TaggedToken(
            word,
            *span,
            {layer: tags[layer][i] for layer in tags},
            {layer: scores[layer][i] for layer in scores},
        )
        for i, (word, span) in enumerate(zip(words, spans, strict=True))
    )
