"""Language models: how probable a text is, word by word, and what may follow.

What the network reads and gives, one row a window:

    words      (time,)  END and the words so far, 0 = padding
    asked      (k,)     1 + the place after which a word is asked for, 0 = padding
    following  (k,)     the word that did follow there, 0 where none is given

    next                  (trained vocabulary,) logits of the word after the last place asked
    next_log_probability  (k,) natural logs of the given words' probabilities, 0 where none is given

Scoring asks at every place and gives the words, so that only k numbers leave the network; going on
with a text asks at the last place alone, so that no other place costs a product with the whole
vocabulary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nlp.errors import EMPTY_TEXT, ModelError, TextError
from nlp.features import Features
from nlp.generation import NEXT as NEXT
from nlp.generation import Generation, GenerationPolicy, Ids
from nlp.joining import Joiner
from nlp.tasks.base import Arrays, AspectItem, Encoded, Floats, Item, Row, Window
from nlp.text import Splitter, Words, given_words
from nlp.vocabulary import END, UNKNOWN, Vocabulary

LOG_PROBABILITY: Final = "_log_probability"
"""Suffix of the output that carries the gold labels' log-probabilities instead of logits."""

ASKED: Final = "asked"
FOLLOWING: Final = "following"

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A word, where it stands (None for words that came already tokenised), the natural log of its
    probability after all that is before it, and whether it is outside the vocabulary: then that is
    the probability of any unknown word.
    """

    text: str
    start: int | None
    end: int | None
    log_probability: float
    unknown: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "log_probability": self.log_probability,
            "unknown": self.unknown,
        }


@dataclass(frozen=True, slots=True)
class ScoreAnswer:
    """The words, the log-probability that the text ends behind them, and the windows read."""

    tokens: tuple[ScoredToken, ...]
    end_log_probability: float
    windows: int

    @property
    def log_probability(self) -> float:
        """Natural log of the whole text's probability, its end included."""
        return sum(token.log_probability for token in self.tokens) + self.end_log_probability

    @property
    def predictions(self) -> int:
        """What perplexity is taken over: the words and the end, as is usual on Penn Treebank."""
        return len(self.tokens) + 1

    @property
    def perplexity(self) -> float:
        return exp(-self.log_probability / self.predictions)

    def to_dict(self) -> dict[str, Any]:
        return {
            "perplexity": self.perplexity,
            "log_probability": self.log_probability,
            "end_log_probability": self.end_log_probability,
            "tokens": [token.to_dict() for token in self.tokens],
            "windows": self.windows,
        }


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A text starts from END and ends with it. One that is longer than the window is read in
    windows that overlap: each later one scores only what is not scored yet, every word of it with
    at least half a window before it.
    """

    split: Splitter
    vocabulary: Vocabulary
    features: Features
    window_tokens: int = 256

    def __post_init__(self) -> None:
        if not self.vocabulary.knows(END):
            raise ModelError(f"a language model's vocabulary must hold {END!r}, the end of a text")

    @property
    def layers(self) -> Mapping[str, tuple[str, ...]]:
        """None: its labels are its words."""
        return {}

    def encode(self, item: Item) -> Encoded:
        """Words already tokenised may end with END, and may hold it between sentences that are
        read on. Raises TextError for a lone surrogate or a text without words.
        """
        item = item.text if isinstance(item, AspectItem) else item
        words = self.split(item) if isinstance(item, str) else given_words(_without_end(item))
        if not words.words:
            raise TextError(EMPTY_TEXT, "the text holds no words; send at least one")
        return Encoded(words, tuple(self._windows(words.words)))

    def collate(self, windows: Sequence[Window]) -> Arrays:
        return self.features.collate(windows)

    def distributions(self, encoded: Encoded, rows: Sequence[Row]) -> Mapping[str, Floats]:  # noqa: ARG002
        """None: there are no labels to choose among."""
        return {}

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> ScoreAnswer:
        read = list(zip(encoded.windows, rows, strict=True))
        scores = [row[NEXT + LOG_PROBABILITY][: len(w.arrays[FOLLOWING])] for w, row in read]
        following = [window.arrays[FOLLOWING] for window, _ in read]
        *logs, end = np.concatenate(scores).astype(np.float64).tolist()
        unknown = (np.concatenate(following) == UNKNOWN).tolist()
        tokens = zip(*_placed(encoded.words), logs, unknown[:-1], strict=True)
        return ScoreAnswer(tuple(ScoredToken(*token) for token in tokens), end, len(rows))

    def probe(self, words: Sequence[str]) -> Window:
        """One window whatever its length; the end behind the words is not asked for."""
        return self._window((END, *words[:-1]), self._following(words), asked=0)

    def training_windows(self, item: Item) -> list[Window]:
        """The text in windows that follow one another, every place of each asked.

        Raises TextError as `encode`.
        """
        words = self.encode(item).words.words
        read, following = (END, *words), self._following((*words, END))
        starts = range(0, len(read), self.window_tokens)
        cut = [slice(start, start + self.window_tokens) for start in starts]
        return [self._window(read[part], following[part], asked=0) for part in cut]

    def generate(self, prompt: str, policy: GenerationPolicy) -> Generation:
        """The search for a text behind the prompt, which may be empty. Raises TextError."""
        words = self.split(prompt)
        read = (END, *words.words)[-self.window_tokens :]
        ids = tuple(self.vocabulary.ids(read).tolist())
        return Generation(
            policy,
            self.vocabulary,
            lambda written: self._asking((*ids, *written)),
            Joiner(prompt, words.words),
            prompt_tokens=len(words.words),
            prompt_tokens_read=min(len(words.words), len(read)),
        )

    def _windows(self, words: Sequence[str]) -> list[Window]:
        read, following = (END, *words), self._following((*words, END))
        first = min(len(read), self.window_tokens)
        windows = [self._window(read[:first], following[:first], asked=0)]
        step = max(1, self.window_tokens // 2)
        for done in range(first, len(read), step):
            end = min(done + step, len(read))
            start = end - self.window_tokens
            asked = done - start
            windows.append(self._window(read[start:end], following[done:end], asked=asked))
        return windows

    def _window(self, words: Sequence[str], following: Integers, *, asked: int) -> Window:
        """asked: the first place after which a word is asked for."""
        places = np.arange(asked + 1, len(words) + 1, dtype=np.int64)
        arrays = {ASKED: places, FOLLOWING: following}
        return Window(tuple(words), self.vocabulary.ids(words), arrays)

    def _asking(self, ids: Ids) -> Window:
        """The last words of these ids, the word behind them asked for."""
        read = ids[-self.window_tokens :]
        arrays = {ASKED: np.array([len(read)]), FOLLOWING: np.zeros(1, np.int64)}
        words = tuple(self.vocabulary.words[i] for i in read)
        return Window(words, np.array(read, np.int64), arrays)

    def _following(self, words: Sequence[str]) -> Integers:
        """Ids that can be asked for: a word that only pretrained vectors know is unknown."""
        ids = self.vocabulary.ids(words)
        return np.where(ids < self.vocabulary.trained, ids, UNKNOWN)


def _without_end(words: Sequence[str]) -> Sequence[str]:
    return words[:-1] if words and words[-1] == END else words


def _placed(words: Words) -> list[Sequence[Any]]:
    """Words, starts, ends."""
    nowhere = [None] * len(words.words)
    places = (words.starts, words.ends) if words.located else (nowhere, nowhere)
    return [words.words, *places]
