"""Sentiment of a text: one label with a probability for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nlp.decoding import softmax
from nlp.errors import EMPTY_TEXT, TextError
from nlp.explanation import explain
from nlp.features import Features
from nlp.sentences import sentence_bounds
from nlp.tasks.base import Arrays, AspectItem, Encoded, Floats, Item, Row, Window
from nlp.text import Splitter, given_words
from nlp.vocabulary import Vocabulary

LAYER = "sentiment"


@dataclass(frozen=True, slots=True)
class SentimentAnswer:
    """The most probable label, its probability, all probabilities (they sum to one), the number
    of windows that were read, and what spoke for the label where the model can tell
    (`nlp.explanation`).
    """

    label: str
    score: float
    scores: Mapping[str, float]
    windows: int
    explanation: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        told = {} if self.explanation is None else {"explanation": dict(self.explanation)}
        return {
            "label": self.label,
            "score": self.score,
            "scores": dict(self.scores),
            "windows": self.windows,
            **told,
        }


@dataclass(frozen=True, slots=True)
class Sentiment:
    """A long text is read in windows of whole sentences; its probabilities are the windows' own,
    averaged with the windows' numbers of words as weights.
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

    def encode(self, item: Item) -> Encoded:
        """Raises TextError for a lone surrogate or a text without words."""
        if isinstance(item, AspectItem):
            item = item.text
        text = item if isinstance(item, str) else None
        words = self.split(text) if text is not None else given_words(item)
        if not words.words:
            raise TextError(EMPTY_TEXT, "the text holds no words; send at least one")
        sentences = sentence_bounds(words, text)
        features, limit = self.features, self.window_tokens
        bounds = features.windows(sentences, words.words, limit=limit, join=True)
        return Encoded(words, tuple(self.probe(words.words[a:b]) for a, b in bounds))

    def collate(self, windows: Sequence[Window]) -> Arrays:
        return self.features.collate(windows)

    def distributions(self, encoded: Encoded, rows: Sequence[Row]) -> Mapping[str, Floats]:
        probabilities = softmax(np.stack([row[LAYER] for row in rows]), self.temperature)
        if len(rows) > 1:  # (windows, labels) -> (1, labels)
            weights = [len(window.words) for window in encoded.windows]
            probabilities = np.average(probabilities, axis=0, weights=weights, keepdims=True)
        return {LAYER: probabilities}

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> SentimentAnswer:
        scores = self.distributions(encoded, rows)[LAYER][0]
        best = int(scores.argmax())
        named = dict(zip(self.labels, scores.tolist(), strict=True))
        extractor = self.features.extractor
        told = explain(extractor, encoded, rows, layer=LAYER, label=best)
        return SentimentAnswer(self.labels[best], float(scores[best]), named, len(rows), told)

    def probe(self, words: Sequence[str]) -> Window:
        return self.features.window(words, self.vocabulary)
