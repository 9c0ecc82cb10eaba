"""Windows of words to padded arrays: one function a feature.

words       (batch, time)      vocabulary ids, 0 = padding
shapes      (batch, time)      how the word is written: see `word_shape`, 0 = padding
spellings   (batch, time)      row of the word in `characters`, 0 = padding
characters  (spellings, width) character ids of each distinct word of the batch, row 0 is padding

Any other name is an array that the windows bring along (`Window.arrays`): made by an extractor
(sub-words, terms, lexicon counts) from the words, or by the task itself (an aspect, a prefix).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from nlp.errors import ModelError
from nlp.sentences import cut
from nlp.tasks.base import Arrays, Window
from nlp.vocabulary import Vocabulary

Integers = NDArray[np.int64]
BROUGHT: Final = (
    *("terms", "counts", "lecture"),  # linear models: n-grams, how often, the lecture's six
    *("pieces", "firsts", "segments"),  # pretrained encoders: sub-words
    *("aspect", "places", "prefixed"),  # aspect sentiment
    *("asked", "following", "prefix"),  # language models, encoder-decoders
)
"""The arrays that windows bring along."""
WORD_CHARACTERS: Final = 20
_KEPT_CHARACTERS: Final = 64
"""Longer words are not remembered, lest a few requests of huge words fill the memory."""
SHAPES: Final = 12


class Extractor(Protocol):
    """Arrays of a window that depend on its words alone; kept with the version."""

    @property
    def names(self) -> tuple[str, ...]:
        """The arrays it makes."""

    def arrays(self, words: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """One row of each, unpadded."""

    def positions(self, words: Sequence[str]) -> list[int]:
        """Places that each word takes in the network."""

    def options(self) -> dict[str, Any]:
        """What the manifest keeps of it: JSON values."""

    def save(self, folder: Path) -> None:
        """Write the files that `options` does not hold."""


@dataclass(frozen=True, slots=True)
class Features:
    """Which arrays a network reads, the alphabet its characters are numbered by, and what makes
    the arrays that are not made here.
    """

    names: tuple[str, ...]
    alphabet: str = ""
    extractor: Extractor | None = None

    def __post_init__(self) -> None:
        known = (*_COLLATORS, *BROUGHT)
        unknown = [name for name in self.names if name not in known]
        if unknown:
            raise ModelError(f"unknown features {unknown}; known: {', '.join(known)}")

    def window(self, words: Sequence[str], vocabulary: Vocabulary) -> Window:
        """The window of these words."""
        ids = vocabulary.ids(words)
        if self.extractor is None:
            return Window(tuple(words), ids)
        arrays = self.extractor.arrays(words)
        return Window(tuple(words), ids, arrays, max(map(len, arrays.values())))

    def windows(
        self, bounds: Sequence[tuple[int, int]], words: Sequence[str], *, limit: int, join: bool
    ) -> list[tuple[int, int]]:
        """Word ranges of at most `limit` places in the network: sentences are joined while they
        fit (by choice), and one that is longer is cut in equal parts.
        """
        places = None if self.extractor is None else self.extractor.positions(words)
        return cut(bounds, limit, places=places, join=join)

    def collate(self, windows: Sequence[Window]) -> Arrays:
        """One padded batch. The time axis is the longest window, at least one."""
        arrays: Arrays = {}
        for name in self.names:
            if name in _COLLATORS:
                arrays.update(_COLLATORS[name](windows, self.alphabet))
            else:
                arrays[name] = _given(name, windows)
        return arrays


def _given(name: str, windows: Sequence[Window]) -> NDArray[Any]:
    missing = [name for window in windows if name not in window.arrays]
    if missing:
        raise ModelError(f"the task makes no array {name!r}, which the network reads")
    return _padded([window.arrays[name] for window in windows])


def _words(windows: Sequence[Window], _: str) -> Arrays:
    return {"words": _padded([window.ids for window in windows])}


def _shapes(windows: Sequence[Window], _: str) -> Arrays:
    shapes = [np.array([word_shape(w) for w in window.words], np.int64) for window in windows]
    return {"shapes": _padded(shapes)}


def _characters(windows: Sequence[Window], alphabet: str) -> Arrays:
    rows: dict[str, int] = {}
    spellings = [
        np.array([rows.setdefault(word, len(rows) + 1) for word in window.words], np.int64)
        for window in windows
    ]
    spelled = [np.zeros(1, np.int64), *(spell(word, alphabet) for word in rows)]
    return {"characters": _padded(spelled), "spellings": _padded(spellings)}


_COLLATORS: Final[dict[str, Callable[[Sequence[Window], str], Arrays]]] = {
    "words": _words,
    "shapes": _shapes,
    "characters": _characters,
}


def spell(word: str, alphabet: str) -> Integers:
    """Character ids: 0 padding, 1 unknown, then the alphabet. A long word keeps both its ends."""
    if len(word) > WORD_CHARACTERS:
        word = word[: WORD_CHARACTERS // 2] + word[-(WORD_CHARACTERS // 2) :]
    return _spelled(word, alphabet)


@lru_cache(maxsize=50_000)
def _spelled(word: str, alphabet: str) -> Integers:
    numbers = _numbered(alphabet)
    return np.array([numbers.get(character, 1) for character in word] or [1], np.int64)


@lru_cache(maxsize=64)
def _numbered(alphabet: str) -> dict[str, int]:
    return {character: i + 2 for i, character in enumerate(alphabet)}


def word_shape(word: str) -> int:
    """How a word is written: 1 to 11, for an embedding of SHAPES rows."""
    return _kept_shape(word) if len(word) <= _KEPT_CHARACTERS else _shape(word)


def _shape(word: str) -> int:
    if word.isdigit():
        return 1
    if not any(character.isalnum() for character in word):
        return 2 if len(word) == 1 else 3
    if any(character.isdigit() for character in word):
        return 4 if any(character.isalpha() for character in word) else 5
    inner = 6 if "-" in word[1:-1] else 0
    return inner or _letter_case(word)


_kept_shape = lru_cache(maxsize=50_000)(_shape)


def _letter_case(word: str) -> int:
    if word.islower():
        return 7
    if word.isupper():
        return 8 if len(word) == 1 else 9
    return 10 if word[0].isupper() and word[1:].islower() else 11


def _padded(rows: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Rows side by side, zeros behind the short ones. Shape: (rows, longest)."""
    kind = rows[0].dtype if rows else np.dtype(np.int64)
    out = np.zeros((len(rows), max([1, *(len(row) for row in rows)])), dtype=kind)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out
