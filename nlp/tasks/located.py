"""Where the aspects of a text stand: places in characters to words, and the other way round."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from nlp.errors import BAD_ASPECT, TextError
from nlp.tasks.base import Aspect, AspectItem
from nlp.text import Splitter, Words
from nlp.vocabulary import normal_form

LONGEST: Final = 32
"""Words that an aspect without a place may have, and that are read of a longer one with a place."""

Range = tuple[int, int]
"""Words from the first to before the second, half-open."""


@dataclass(frozen=True, slots=True)
class Term:
    """An aspect against the words of its text.

    aspect: with its place in the text, where it has one. words: the aspect's own.
    range: the words of the text that it covers, at least in part; None for a category.
    """

    aspect: Aspect
    words: tuple[str, ...]
    range: Range | None


def resolve(item: AspectItem, words: Words, split: Splitter) -> list[Term]:
    """The aspects of a text, in order, each with its place.

    An aspect with a place is taken at its word. One without is a term where the text has it, whole
    words in any letter case (its first occurrence, if there are more), and a category elsewhere.
    Raises TextError for an aspect without words, or without a place and of more than LONGEST, for
    a lone surrogate, and for a place that is not in the text or holds another text.
    """
    return [
        _resolved(aspect, i + 1, item.text, words, split) for i, aspect in enumerate(item.aspects)
    ]


def _resolved(aspect: Aspect, number: int, text: str, words: Words, split: Splitter) -> Term:
    own = split(aspect.text).words
    placeless = aspect.start is None and aspect.end is None
    if not own or (placeless and len(own) > LONGEST):
        raise _bad(number, f"holds {len(own)} words; it may hold 1 to {LONGEST}")
    if placeless:
        return _found(aspect, own, words)
    _check_place(aspect, number, text)
    start, end = aspect.start or 0, aspect.end or 0
    return Term(aspect, own[:LONGEST], covering(words, start, end))


def _found(aspect: Aspect, own: tuple[str, ...], words: Words) -> Term:
    first = occurrence(own, words.words)
    if first is None:
        return Term(aspect, own, None)
    last = first + len(own)
    place = replace(aspect, start=words.starts[first], end=words.ends[last - 1])
    return Term(place, own, (first, last))


def _check_place(aspect: Aspect, number: int, text: str) -> None:
    start, end = aspect.start, aspect.end
    if start is None or end is None:
        raise _bad(number, "has one of start and end; give both or neither")
    if not 0 <= start < end <= len(text):
        whole = f"0 <= start < end <= {len(text)}, the code points of the text"
        raise _bad(number, f"stands from {start} to {end}; it must be {whole}")
    if text[start:end] != aspect.text:
        raise _bad(number, f"is not what the text holds from code point {start} to {end}")


def _bad(number: int, message: str) -> TextError:
    return TextError(BAD_ASPECT, f"aspect {number} {message}")


def occurrence(wanted: Sequence[str], words: Sequence[str]) -> int | None:
    """The first word from which `wanted` stands in `words`, letter case aside; None without one.

    Words hold no line end, so the search is one of texts: linear, whatever the words are.
    """
    before, behind = _lines(words), _lines(wanted)
    place = before.find(behind)
    return None if place < 0 else before.count("\n", 0, place)


def _lines(words: Sequence[str]) -> str:
    return "\n" + "".join(normal_form(word, lowercase=True) + "\n" for word in words)


def covering(words: Words, start: int, end: int) -> Range:
    """The words that have characters of text[start:end]."""
    return bisect_right(words.ends, start), bisect_left(words.starts, end)


def around(
    term: Range, sentences: Sequence[Range], places: Sequence[int] | None, limit: int
) -> Range:
    """The whole sentences around a term, as many as take at most `limit` places; of a sentence
    that alone takes more, the words around the term.

    sentences: all of the text, in order. places: what each word takes, one where it is not given.
    """
    edges = list(accumulate(places or [1] * sentences[-1][1], initial=0))
    first = bisect_right([a for a, _ in sentences], term[0]) - 1
    last = bisect_left([b for _, b in sentences], term[1])
    starts, ends = [a for a, _ in sentences[: first + 1]], [b for _, b in sentences[last:]]
    if edges[ends[0]] - edges[starts[-1]] > limit:
        within = range(starts[-1], term[0] + 1), range(term[1], ends[0] + 1)
        return _grown(list(within[0]), list(within[1]), edges, limit)
    return _grown(starts, ends, edges, limit)


def _grown(starts: list[int], ends: list[int], edges: Sequence[int], limit: int) -> Range:
    """From the nearest start and end outwards, in turns, while the range takes at most `limit`.

    starts: ascending, the last is the nearest; ends: ascending, the first is. A range that is too
    long from the first keeps its front.
    """
    start, end = starts.pop(), ends.pop(0)
    while edges[end] - edges[start] > limit and end - start > 1:
        end -= 1
    growing = True
    while growing:
        growing = False
        if ends and edges[ends[0]] - edges[start] <= limit:
            end, growing = ends.pop(0), True
        if starts and edges[end] - edges[starts[-1]] <= limit:
            start, growing = starts.pop(), True
    return start, end
