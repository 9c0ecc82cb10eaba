"""Sentence bounds and windows over the words of a text."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from nlp.text import Words

_ENDS: Final = frozenset(".!?…。！？")
_CLOSERS: Final = frozenset("\"'”’»)]}") | {"''"}
_EITHER: Final = frozenset("\"'")
"""Quotes that open as well as close: the blanks around them tell which."""


def sentence_bounds(words: Words, text: str | None = None) -> list[tuple[int, int]]:
    """Half-open word ranges, one a sentence, that cover all words in order.

    A sentence ends after . ! ? … (or a run of them) and the closing marks that follow, and, where
    the text is known, at an empty line.
    """
    closers = [_closes(words, i) for i in range(len(words.words))]
    cuts = [i + 1 for i in range(len(words.words)) if _ends_sentence(words.words, closers, i)]
    if text is not None and words.located and "\n" in text:
        cuts = sorted({*cuts, *_blank_lines(words, text)})
    bounds = [0, *(cut for cut in cuts if cut < len(words.words)), len(words.words)]
    return [(a, b) for a, b in pairwise(bounds) if a < b]


def _closes(words: Words, i: int) -> bool:
    """True for a mark that belongs to what stands before it."""
    if words.words[i] not in _EITHER or not words.located or i == 0:
        return words.words[i] in _CLOSERS
    gap_behind = i + 1 == len(words.words) or words.ends[i] < words.starts[i + 1]
    return gap_behind or words.ends[i - 1] == words.starts[i]


def _ends_sentence(words: Sequence[str], closers: Sequence[bool], i: int) -> bool:
    """True where the word after `i` starts a sentence."""
    if i + 1 < len(words) and closers[i + 1]:
        return False
    while i > 0 and closers[i]:
        i -= 1
    return bool(words[i]) and words[i][0] in _ENDS and words[i][-1] in _ENDS


def _blank_lines(words: Words, text: str) -> list[int]:
    gaps = zip(words.ends, words.starts[1:], strict=False)
    return [i + 1 for i, (end, start) in enumerate(gaps) if text.count("\n", end, start) > 1]


def pack(bounds: Sequence[tuple[int, int]], limit: int) -> list[tuple[int, int]]:
    """Join neighbouring ranges while they fit `limit` words; cut a range that alone is longer.

    A range over the limit is cut in equal parts, so that no part is a stump.
    """
    packed: list[tuple[int, int]] = []
    for start, end in bounds:
        if packed and end - packed[-1][0] <= limit:
            packed[-1] = (packed[-1][0], end)
        else:
            packed.extend(split_evenly(start, end, limit))
    return packed


def split_evenly(start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """The half-open range cut into the fewest equal parts of at most `limit`."""
    if end - start <= limit:  # nearly always; the arithmetic below would cost ten times as much
        return [(start, end)]
    parts = -(-(end - start) // limit)
    edges = np.linspace(start, end, parts + 1).round().astype(int).tolist()
    return list(pairwise(edges))
