"""Triplets and quadruples: aspects with the opinions on them, one tokenised sentence a line.

ASTE-Data-V2 (Xu et al. 2020)   sentence####[([aspect tokens], [opinion tokens], 'POS'), ...]
ASQP (Zhang et al. 2021)        sentence####[['aspect', 'category', 'positive', 'opinion'], ...]
ACOS (Cai et al. 2021)          sentence<tab>first,end CATEGORY label first,end<tab>...

The label of an opinion is taken as its aspect's; an aspect with several opinions comes several
times. A quadruple gives two aspects: the term, unless it is implicit, and the category.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from nlp.tasks.base import Aspect, Example
from training.readers.aspects import (
    POLARITIES,
    Judged,
    category_name,
    examples_of_lines,
    label_of,
    split_tokens,
    term,
    tokens_term,
)
from training.readers.files import BadLineError, BadLines, Document

SENTIMENTS: Final = {"POS": "positive", "NEG": "negative", "NEU": "neutral"}
NUMBERED: Final = {"0": "negative", "1": "neutral", "2": "positive"}
_SEPARATOR: Final = "####"
_IMPLICIT: Final = "NULL"
_SPAN: Final = re.compile(r"(\d+),(\d+)|-1,-1", re.ASCII)


@dataclass(frozen=True, slots=True)
class Triplets:
    """ASTE-Data-V2. labels: raw label to label; "" leaves the aspect out."""

    labels: Mapping[str, str] = field(default_factory=lambda: SENTIMENTS)
    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        return examples_of_lines(self._parsed, document, bad, encoding=self.encoding)

    def _parsed(self, line: str) -> tuple[str, list[Judged]]:
        text, rows = _literal(line)
        tokens = split_tokens(text)
        return text, [self._judged(row, tokens) for row in rows]

    def _judged(self, row: object, tokens: Sequence[str]) -> Judged:
        match row:
            case (list(places), list(), str(raw)) if _is_run(places):
                aspect = tokens_term(tokens, places[0], places[-1] + 1)
                return aspect, label_of(raw, self.labels)
        raise BadLineError("a triplet is not ([aspect tokens], [opinion tokens], 'LABEL')")


@dataclass(frozen=True, slots=True)
class Quadruples:
    """ASQP, which gives terms by their words: each is found at the first place that has them."""

    labels: Mapping[str, str] = field(default_factory=lambda: POLARITIES)
    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        return examples_of_lines(self._parsed, document, bad, encoding=self.encoding)

    def _parsed(self, line: str) -> tuple[str, list[Judged]]:
        text, rows = _literal(line)
        tokens = split_tokens(text)
        return text, [judged for row in rows for judged in self._judged(row, tokens)]

    def _judged(self, row: object, tokens: Sequence[str]) -> list[Judged]:
        match row:
            case [str(words), str(category), str(raw), str()]:
                label = label_of(raw, self.labels)
                found = [] if words == _IMPLICIT else [_found(words, tokens)]
                return [(aspect, label) for aspect in (*found, Aspect(category_name(category)))]
        raise BadLineError("a quadruple is not ['aspect', 'category', 'label', 'opinion']")


@dataclass(frozen=True, slots=True)
class SpanQuadruples:
    """ACOS, which gives terms by their tokens, half-open, and -1,-1 for implicit ones."""

    labels: Mapping[str, str] = field(default_factory=lambda: NUMBERED)
    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        return examples_of_lines(self._parsed, document, bad, encoding=self.encoding)

    def _parsed(self, line: str) -> tuple[str, list[Judged]]:
        text, *quadruples = line.split("\t")
        tokens = split_tokens(text)
        return text, [judged for one in quadruples for judged in self._judged(one, tokens)]

    def _judged(self, quadruple: str, tokens: Sequence[str]) -> list[Judged]:
        parts = quadruple.split(" ")
        spans = [_SPAN.fullmatch(part) for part in (parts[0], parts[-1])]
        if len(parts) != 4 or None in spans:
            raise BadLineError("a quadruple is not 'first,end CATEGORY label first,end'")
        label = label_of(parts[2], self.labels)
        span = spans[0]
        implicit = span is None or span[1] is None
        found = [] if implicit else [tokens_term(tokens, *map(int, parts[0].split(",")))]
        return [(aspect, label) for aspect in (*found, Aspect(category_name(parts[1])))]


def _literal(line: str) -> tuple[str, list[object]]:
    """The sentence, and the list that is written behind it."""
    text, found, written = line.partition(_SEPARATOR)
    if not found:
        raise BadLineError(f"there is no {_SEPARATOR} between a sentence and a list")
    try:
        rows = ast.literal_eval(written.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise BadLineError(f"there is no list behind {_SEPARATOR}") from None
    if not isinstance(rows, list):
        raise BadLineError(f"there is no list behind {_SEPARATOR}")
    return text, rows


def _is_run(places: list[object]) -> TypeGuard[list[int]]:
    """Whether these are token numbers that follow one another: a term has no gaps."""
    first = places[0] if places else None
    return type(first) is int and places == list(range(first, first + len(places)))


def _found(words: str, tokens: Sequence[str]) -> Aspect:
    """The term at the first run of tokens that are its words, or, where it is glued to a mark
    ("bathroom stall-"), at the only place of the text that spells it. Raises BadLineError.
    """
    wanted = words.split(" ")
    for first in range(len(tokens) - len(wanted) + 1):
        if list(tokens[first : first + len(wanted)]) == wanted:
            return tokens_term(tokens, first, first + len(wanted))
    text = " ".join(tokens)
    if text.count(words) != 1:
        raise BadLineError("the text does not hold the term")
    return term(text, text.index(words), text.index(words) + len(words))
