"""A language model whose every probability is known: the next word depends on the last one."""

from collections.abc import Sequence

import numpy as np

from nlp.decoding import Floats, log_softmax
from nlp.features import Features
from nlp.model import Model
from nlp.tasks.base import Arrays
from nlp.tasks.language_model import LOG_PROBABILITY, NEXT, LanguageModel
from nlp.text import split_words
from nlp.vocabulary import END, PAD, SPECIALS, Vocabulary


class Bigrams:
    """A runtime that reads a table instead of a network, and remembers its batches.

    logits: (words, words), from the last word read to the next one.
    """

    name, device = "onnx", "cpu"

    def __init__(self, logits: Floats) -> None:
        self.logits = logits.astype(np.float32)
        self.seen: list[Arrays] = []

    def run(self, arrays: Arrays) -> Arrays:
        self.seen.append(arrays)
        words, asked, following = arrays["words"], arrays["asked"], arrays["following"]
        before = np.take_along_axis(words, np.maximum(asked - 1, 0), axis=1)  # (batch, k)
        logs = log_softmax(self.logits)[before, following]
        last = (asked != PAD).sum(axis=1) - 1
        return {
            NEXT: self.logits[before[np.arange(len(words)), last]],
            NEXT + LOG_PROBABILITY: np.where(following != PAD, logs, 0).astype(np.float32),
        }


def bigram_model(
    words: Sequence[str], *, seed: int = 0, window: int = 64, more: Sequence[str] = ()
) -> tuple[Model, Bigrams]:
    """Random bigrams over END and these words. `more`: words of pretrained vectors alone."""
    known = (*SPECIALS, END, *words)
    vocabulary = Vocabulary([*known, *more], trained=len(known), lowercase=False)
    rng = np.random.default_rng(seed)
    runtime = Bigrams(rng.normal(scale=1.5, size=(len(vocabulary), len(known))))
    features = Features(("words", "asked", "following"))
    task = LanguageModel(split_words, vocabulary, features, window)
    return Model({}, task, runtime), runtime
