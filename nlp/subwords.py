"""Words to the sub-words of a pretrained encoder, by the tokenizer it was trained with.

pieces    (pieces,)  1 + sub-word id of each place, the encoder's own marks around the text
                     ([CLS] ... [SEP]) included; 0 is padding, in every vocabulary
firsts    (words,)   place in `pieces` of each word's first sub-word; 0, a mark's, is padding
segments  (pieces,)  of a text and an aspect: 0 on the text and the marks around it, 1 behind

A word is cut on its own, so that words and sub-words align and a word's offsets stay its own.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel

from nlp.errors import ModelError

KIND: Final = "sub-words"
TOKENIZER: Final = "tokenizer.json"

WORD_PIECES: Final = 16
"""A word of more sub-words is read by its first ones."""

ASPECT_PIECES: Final = 64
"""An aspect of more sub-words is read by its first ones."""

_WORD_CHARACTERS: Final = 100
"""So much of a word is read at all. BERT's tokenizers give up on longer ones."""

_KEPT_CHARACTERS: Final = 64
"""Longer words are not remembered, lest a few requests of huge words fill the memory."""

Integers = NDArray[np.int64]
_Pieces = tuple[int, ...]


class SubWords:
    """A `nlp.features.Extractor` over a tokenizer of the `tokenizers` library.

    unknown: the sub-word that stands for a word of which the tokenizer leaves nothing.
    """

    names: tuple[str, ...] = ("pieces", "firsts")

    def __init__(self, tokenizer: Tokenizer, *, unknown: int) -> None:
        """Raises ModelError for an `unknown` that is no sub-word of the tokenizer."""
        if not 0 <= unknown < tokenizer.get_vocab_size():
            size = tokenizer.get_vocab_size()
            raise ModelError(f"the unknown sub-word is {unknown}; the tokenizer has {size}")
        self.unknown = unknown
        self.tokenizer = _prepared(tokenizer)
        self._opening, self._middle, self._closing = _marks(self.tokenizer)
        self._kept: Callable[[str], _Pieces] = lru_cache(maxsize=50_000)(self._cut)

    def places_around(self, *, pair: bool = False) -> int:
        """Places of a row that are none of the text's: marks, and of a pair the longest aspect."""
        marks = len(self._opening) + len(self._closing)
        return marks + len(self._middle) + ASPECT_PIECES if pair else marks

    def pieces(self, word: str) -> _Pieces:
        """Ids of the word's sub-words: at least one, at most WORD_PIECES."""
        return self._kept(word) if len(word) <= _KEPT_CHARACTERS else self._cut(word)

    def positions(self, words: Sequence[str]) -> list[int]:
        """Sub-words of each word, the marks around the text not counted."""
        return [len(self.pieces(word)) for word in words]

    def arrays(self, words: Sequence[str]) -> dict[str, Integers]:
        """`pieces` and `firsts` of a text."""
        cut = [self.pieces(word) for word in words]
        ids = [*self._opening, *chain.from_iterable(cut), *self._closing]
        counts = np.array([len(self._opening), *map(len, cut)], np.int64)
        return {"pieces": np.array(ids, np.int64) + 1, "firsts": counts.cumsum()[:-1]}

    def pair(self, words: Sequence[str], aspect: Sequence[str]) -> dict[str, Integers]:
        """`pieces` and `segments` of a text and the aspect that is asked of it, as the encoder
        reads two sentences: [CLS] text [SEP] aspect [SEP].
        """
        text = [*self._opening, *chain.from_iterable(map(self.pieces, words))]
        asked = [*chain.from_iterable(map(self.pieces, aspect))][:ASPECT_PIECES]
        ids = [*text, *self._middle, *asked, *self._closing]
        behind = len(asked) + len(self._closing)
        segments = np.repeat(np.array([0, 1]), [len(ids) - behind, behind])
        return {"pieces": np.array(ids, np.int64) + 1, "segments": segments}

    def options(self) -> dict[str, Any]:
        """What the manifest keeps; the tokenizer lies in a file of its own."""
        return {"kind": KIND, "unknown": self.unknown}

    def save(self, folder: Path) -> None:
        self.tokenizer.save(str(folder / TOKENIZER))

    @classmethod
    def load(cls, options: Mapping[str, Any], folder: Path) -> "SubWords":
        """Raises ModelError for a missing or broken tokenizer.json, or a wrong `unknown`."""
        path, unknown = folder / TOKENIZER, options.get("unknown")
        if not isinstance(unknown, int) or isinstance(unknown, bool):
            raise ModelError("text.extractor.unknown must be the id of a sub-word")
        if not path.is_file():
            raise ModelError(f"{TOKENIZER} is missing")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ModelError(f"{TOKENIZER} is no tokenizer") from error
        return cls(tokenizer, unknown=unknown)

    def _cut(self, word: str) -> _Pieces:
        encoding = self.tokenizer.encode(word[:_WORD_CHARACTERS], add_special_tokens=False)
        return tuple(encoding.ids[:WORD_PIECES]) or (self.unknown,)


def _prepared(tokenizer: Tokenizer) -> Tokenizer:
    """A copy that cuts single words, whole, and reads marks in a text as text."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    copy.encode_special_tokens = True
    if isinstance(copy.pre_tokenizer, ByteLevel):  # there, a word begins with its blank
        copy.pre_tokenizer = ByteLevel(add_prefix_space=True)
    return copy


def _marks(tokenizer: Tokenizer) -> tuple[_Pieces, _Pieces, _Pieces]:
    """The ids that the tokenizer puts before, between and behind two sentences."""
    pair = tokenizer.encode("a", "a")
    sentence, ids = pair.sequence_ids, tuple(pair.ids)  # a mark belongs to no sentence
    first, second = sentence.index(0), sentence.index(1)
    between = second - sentence[:second][::-1].index(0)
    behind = len(ids) - sentence[::-1].index(1)
    return ids[:first], ids[between:second], ids[behind:]
