"""Part-of-speech tags: one a word and layer (upos, xpos), each with a probability."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.decoding import Chain, marginals, softmax, viterbi
from nlp.features import Features
from nlp.sentences import sentence_bounds, split_evenly
from nlp.tasks.base import Arrays, Encoded, Item, Row, Window
from nlp.text import Splitter, Words, given_words
from nlp.vocabulary import Vocabulary

TRANSITIONS = "_transitions"
"""Suffix of the output that carries a layer's CRF, packed as `Chain.unpack` reads it."""


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
    equal parts. A word's score is its tag's probability (the CRF's exact marginal, where there is
    one).
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
        if isinstance(item, str):
            words = self.split(item)
            bounds = sentence_bounds(words, item)
        else:
            words = given_words(item)
            bounds = [(0, len(words.words))] if words.words else []
        parts = [part for a, b in bounds for part in split_evenly(a, b, self.window_tokens)]
        windows = (words.words[a:b] for a, b in parts)
        return Encoded(words, tuple(Window(w, self.vocabulary.ids(w)) for w in windows))

    def collate(self, windows: Sequence[Window]) -> Arrays:
        return self.features.collate(windows)

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> TaggingAnswer:
        words = encoded.words
        tags: dict[str, list[str]] = {layer: [] for layer in self.tags}
        scores: dict[str, list[float]] = {layer: [] for layer in self.tags}
        for window, row in zip(encoded.windows, rows, strict=True):
            for layer in self.tags:
                best, probabilities = self._best(layer, row, window.length)
                tags[layer].extend(self.tags[layer][i] for i in best)
                scores[layer].extend(probabilities)
        return TaggingAnswer(_tokens(words.words, _spans(words), tags, scores), len(rows))

    def calibrated(self, temperatures: Mapping[str, float]) -> "Tagging":
        """The same task with probabilities softened by temperatures fitted on dev, one a layer."""
        return replace(self, temperatures=temperatures)

    def _best(self, layer: str, row: Row, length: int) -> tuple[list[int], list[float]]:
        """The chosen tag of each word and its probability."""
        temperature = self.temperatures.get(layer, 1.0)
        emissions = row[layer][:length] / temperature
        if layer + TRANSITIONS not in row:
            probabilities = softmax(emissions)
            return _argmax(probabilities)
        chain = Chain.unpack(row[layer + TRANSITIONS]).scaled(temperature)
        best = viterbi(emissions, chain)
        chosen = marginals(emissions, chain)[np.arange(length), best]
        return best, chosen.tolist()


def _argmax(probabilities: NDArray[np.float64]) -> tuple[list[int], list[float]]:
    return probabilities.argmax(axis=-1).tolist(), probabilities.max(axis=-1).tolist()


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
