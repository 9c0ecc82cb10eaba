"""CoNLL-U, the format of Universal Dependencies: https://universaldependencies.org/format.html."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from nlp.tasks.base import Example
from training.readers.files import BadLineError, BadLines, Document, numbered_lines

UPOS: Final = frozenset(
    (
        *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART"),
        *("PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
    )
)
"""The universal tags; UD allows no others."""

_COLUMNS: Final = 10
_WORD: Final = re.compile(r"[1-9][0-9]*")
_RANGE: Final = re.compile(r"([1-9][0-9]*)-([1-9][0-9]*)")
_EMPTY: Final = re.compile(r"[0-9]+\.[1-9][0-9]*")
_VERSION: Final = re.compile(r"(?:\bv|\bUD |release )(\d+\.\d+)\b")

Line = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence. `words` are UD's syntactic words, `tokens` what stands in the text.

    words, upos, xpos: equally long; French "du" is one token and two words, "de" and "le".
    spaces: for each token, whether a blank follows it.
    text: the "# text" comment, "" where there is none.
    line: the number of the first line that is no comment.
    """

    words: tuple[str, ...]
    upos: tuple[str, ...]
    xpos: tuple[str, ...]
    tokens: tuple[str, ...]
    spaces: tuple[bool, ...]
    text: str
    line: int

    def spelled(self) -> str:
        """The text that the tokens spell; equals `text` in a sound treebank."""
        pieces = zip(self.tokens, self.spaces, strict=True)
        return "".join(token + " " * space for token, space in pieces).strip()


@dataclass(frozen=True, slots=True)
class Conllu:
    """Sentences as Examples: the words, and their UPOS and XPOS tags as the two layers."""

    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        for sentence in self.sentences(document, bad):
            gold = (sentence.upos, sentence.xpos)
            yield Example(sentence.words, gold, document.at(sentence.line))

    def sentences(self, document: Document, bad: BadLines) -> Iterator[Sentence]:
        """A malformed line leaves its whole sentence out, and is counted once."""
        for block in _blocks(numbered_lines(document, self.encoding, bad)):
            number, reason = _fault(block)
            if reason:
                bad.add(document.at(number), reason)
            else:
                yield _sentence(block)


def treebank_version(path: Path) -> str:
    """The newest release named in the README beside a treebank file, else "unknown".

    UD treebanks keep a changelog in their README, with entries such as "2025-05-15 v2.16".
    """
    readmes = sorted(path.parent.glob("README*"))
    found = [
        v for readme in readmes for v in _VERSION.findall(readme.read_text("utf-8", "replace"))
    ]
    return max(found, key=lambda v: tuple(map(int, v.split("."))), default="unknown")


def _blocks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Runs of lines between blank ones; those of comments alone are passed over."""
    block: list[Line] = []
    for number, line in chain(lines, [(0, "")]):
        if line.strip():
            block.append((number, line))
        elif any(not held.startswith("#") for _, held in block):
            yield block
            block = []


def _rows(block: list[Line]) -> list[tuple[int, list[str]]]:
    return [(n, line.split("\t")) for n, line in block if not line.startswith("#")]


def _fault(block: list[Line]) -> tuple[int, str]:
    """The first malformed line and why, or (0, "")."""
    expected = 1
    for number, row in _rows(block):
        try:
            expected = _next_id(row, expected)
        except BadLineError as error:
            return number, str(error)
    return (0, "") if expected > 1 else (block[0][0], "a sentence without words")


def _next_id(row: list[str], expected: int) -> int:
    """The word id that must follow this row. Raises BadLineError."""
    if len(row) != _COLUMNS:
        raise BadLineError(f"{len(row)} columns instead of {_COLUMNS}")
    if span := _RANGE.fullmatch(row[0]):
        return _checked_range(span, expected)
    if _EMPTY.fullmatch(row[0]):
        return expected
    if row[0] != str(expected):
        raise BadLineError(f"the word's id is not {expected}")
    if not row[1].strip():
        raise BadLineError("there is no word")
    if row[3] not in UPOS:
        raise BadLineError("the UPOS column holds no universal tag")
    return expected + 1


def _checked_range(span: re.Match[str], expected: int) -> int:
    if int(span[1]) != expected or int(span[2]) <= int(span[1]):
        raise BadLineError(f"the range of a multi-word token does not begin at {expected}")
    return expected


def _sentence(block: list[Line]) -> Sentence:
    rows = _rows(block)
    words = [row for _, row in rows if _WORD.fullmatch(row[0])]
    tokens = _surface([row for _, row in rows])
    return Sentence(
        words=tuple(row[1] for row in words),
        upos=tuple(row[3] for row in words),
        xpos=tuple(row[4] for row in words),
        tokens=tuple(row[1] for row in tokens),
        spaces=tuple("SpaceAfter=No" not in row[9].split("|") for row in tokens),
        text=_text(block),
        line=rows[0][0],
    )


def _surface(rows: list[list[str]]) -> list[list[str]]:
    """Multi-word tokens, and the words that stand in none."""
    surface, covered = [], 0
    for row in rows:
        if span := _RANGE.fullmatch(row[0]):
            covered = int(span[2])
            surface.append(row)
        elif _WORD.fullmatch(row[0]) and int(row[0]) > covered:
            surface.append(row)
    return surface


def _text(block: list[Line]) -> str:
    for _, line in block:
        if line.startswith("# text = "):
            return line.removeprefix("# text = ").strip()
    return ""
