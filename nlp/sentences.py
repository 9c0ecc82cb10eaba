"""Sentence bounds and windows over the words of a text."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nlp.text import Words

Ints = NDArray[np.int64]

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


def cut(
    bounds: Sequence[tuple[int, int]],
    limit: int,
    *,
    places: Sequence[int] | None = None,
    join: bool,
) -> list[tuple[int, int]]:
    """Ranges of words that take at most `limit` places each.

    bounds: half-open word ranges that follow one another. places: what each word takes, one where
    it is not given; none may take more than `limit`. join: neighbours are joined while they fit. A
    range that alone is longer is cut in equal parts, so that no part is a stump.
    """
    edges = None if places is None else np.concatenate([[0], np.cumsum(places)])
    found: list[tuple[int, int]] = []
    for start, end in bounds:
        if join and found and _size(found[-1][0], end, edges) <= limit:
            found[-1] = (found[-1][0], end)
        else:
            found.extend(_split(start, end, limit, edges))
    return found


def _size(start: int, end: int, edges: Ints | None) -> int:
    return end - start if edges is None else int(edges[end] - edges[start])


def _split(start: int, end: int, limit: int, edges: Ints | None) -> list[tuple[int, int]]:
    size = _size(start, end, edges)
    if size <= limit:  # nearly always; the arithmetic below would cost ten times as much
        return [(start, end)]
    parts = -(-size // limit)
    while True:  # words that take several places may need a part more than the arithmetic says
        ranges = list(pairwise(_even_edges(start, end, parts, edges)))
        fit = edges is None or all(_size(a, b, edges) <= limit for a, b in ranges)
        if fit or parts >= size:  # at the latest when each word stands alone
            return [(a, b) for a, b in ranges if a < b]
        parts += 1


def _even_edges(start: int, end: int, parts: int, edges: Ints | None) -> list[int]:
    if edges is None:
        return [int(edge) for edge in np.linspace(start, end, parts + 1).round()]
    wanted = np.linspace(edges[start], edges[end], parts + 1)
    return [int(edge) for edge in np.searchsorted(edges, wanted)]
