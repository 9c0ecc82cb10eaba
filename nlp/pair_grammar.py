"""The language of aspect-sentiment pairs: "menu positive ; price negative", word by word.

A network that writes pairs chooses, step by step, from one axis: the symbols (the end, the
separator, the labels), then the words of the text, which are copied by place. For S symbols:

output  0 end, 1 separator, 2 .. S-1 labels, S + j word j of the text: what a step chooses
prefix  0 padding, 1 begin, 2 + output: what the network reads as already written

Pairs stand in the order of the text and never overlap, so that every set of pairs is written in
exactly one way:

text = end | pair (separator pair)* end      pair = word (the next word)* label
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nlp.errors import ModelError
from nlp.vocabulary import END

SEPARATOR: Final = ";"
BEGIN: Final = 1
"""The prefix id from which every text of pairs starts."""

END_OUTPUT: Final = 0
"""The output that ends a text of pairs."""

_SHIFT: Final = 2
_SEPARATOR: Final = 1
_LABELS: Final = 2

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class WordPair:
    """An aspect by its words, half-open, and the number of its label among the labels."""

    start: int
    end: int
    label: int


@dataclass(frozen=True, slots=True)
class PairGrammar:
    """What may be written about a text of `words` words. symbols: see `check_symbols`."""

    symbols: int
    words: int

    @property
    def size(self) -> int:
        """Length of the output axis."""
        return self.symbols + self.words

    @property
    def longest(self) -> int:
        """Steps of the longest text of pairs, the end included: every word is a pair of its own."""
        return max(1, 3 * self.words)

    def allowed(self, written: Sequence[int]) -> Mask:
        """Which outputs may follow the outputs already written; none after the end. (size,)

        Whatever is allowed leads to an end: there are no dead ends to search in.
        """
        mask = np.zeros(self.size, np.bool_)
        last = written[-1] if written else _SEPARATOR
        if last >= self.symbols:
            mask[_LABELS : self.symbols] = True
            mask[last + 1 : last + 2] = True
        elif last >= _LABELS:
            mask[END_OUTPUT] = True
            mask[_SEPARATOR] = max(written) + 1 < self.size
        elif last == _SEPARATOR:
            mask[END_OUTPUT] = not written
            mask[max([self.symbols - 1, *written]) + 1 :] = True
        return mask

    def write(self, pairs: Iterable[WordPair]) -> list[int]:
        """Pairs that do not overlap to outputs, the end included."""
        written: list[int] = []
        for pair in sorted(pairs):
            written += [_SEPARATOR] if written else []
            written += [self.symbols + place for place in range(pair.start, pair.end)]
            written.append(_LABELS + pair.label)
        return [*written, END_OUTPUT]

    def read(self, written: Sequence[int]) -> list[tuple[WordPair, range]]:
        """The pairs of valid outputs, each with its steps: words and label, no separator.

        A pair that has no label yet is left out, so that a prefix may be read too.
        """
        found: list[tuple[WordPair, range]] = []
        first = 0
        for step, output in enumerate(written):
            if output == _SEPARATOR:
                first = step + 1
            elif _LABELS <= output < self.symbols:
                start, end = written[first] - self.symbols, written[step - 1] - self.symbols + 1
                found.append((WordPair(start, end, output - _LABELS), range(first, step + 1)))
        return found


def to_prefix(written: Sequence[int]) -> Integers:
    """Outputs already written to what the network reads: (1 + written,)."""
    return np.array([BEGIN, *(output + _SHIFT for output in written)], np.int64)


def symbols_of(labels: Iterable[str]) -> tuple[str, ...]:
    """The symbols of a model with these labels, in the order of the output axis."""
    return (END, SEPARATOR, *labels)


def check_symbols(symbols: Sequence[str]) -> None:
    """Raises ModelError unless they are the end, the separator and at least one label."""
    if tuple(symbols[:_LABELS]) != (END, SEPARATOR) or len(symbols) <= _LABELS:
        raise ModelError(
            f"the layer of a pairs model must be {END!r}, {SEPARATOR!r} and then its labels; "
            f"not {list(symbols)}"
        )
    if len(set(symbols)) != len(symbols):
        raise ModelError("the layer of a pairs model must not hold a symbol twice")


def labels_of(symbols: Sequence[str]) -> tuple[str, ...]:
    return tuple(symbols[_LABELS:])
