"""Labelled texts: "<label> <text>" lines, one-label files, CSV, TSV and JSON lines."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from nlp.tasks.base import Example
from training.errors import DataError
from training.readers.files import BadLineError, BadLines, Document, numbered_lines

Row = TypeVar("Row")

UNLABELLED: Final = "unlabelled"
"""The label of texts that have none; word vectors can be trained on them."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def unchanged(text: str) -> str:
    """The cleaner that cleans nothing."""
    return text


@dataclass(frozen=True, slots=True)
class Meaning:
    """What raw labels and texts stand for.

    labels: raw label to label; "" leaves the example out. Empty: labels are taken as they are.
    clean: undoes the source's own escapes.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    clean: Callable[[str], str] = unchanged

    def example(self, text: str, raw_label: str, source: str) -> Example | None:
        """None where the label says to leave it out. Raises BadLineError."""
        label = self._label(raw_label.strip())
        if not label:
            return None
        cleaned = self.clean(text).strip()
        if not cleaned:
            raise BadLineError("there is no text")
        if _SURROGATE.search(cleaned):
            raise BadLineError("the text holds a lone surrogate")
        return Example(cleaned, label, source)

    def _label(self, raw: str) -> str:
        if not raw:
            raise BadLineError("there is no label")
        if self.labels and raw not in self.labels:
            raise BadLineError(f"the label is none of {', '.join(map(repr, self.labels))}")
        return self.labels.get(raw, raw)


def _examples(
    rows: Iterator[tuple[int, Row]],
    pair: Callable[[Row], tuple[str, str]],
    *,
    meaning: Meaning,
    document: Document,
    bad: BadLines,
) -> Iterator[Example]:
    """Each row as an Example; `pair` gives a row's text and raw label, or raises BadLineError."""
    for number, row in rows:
        try:
            example = meaning.example(*pair(row), document.at(number))
        except BadLineError as error:
            bad.add(document.at(number), error)
            continue
        if example is not None:
            yield example


def _filled_lines(document: Document, encoding: str, bad: BadLines) -> Iterator[tuple[int, str]]:
    lines = numbered_lines(document, encoding, bad)
    return ((number, line) for number, line in lines if line.strip())


@dataclass(frozen=True, slots=True)
class LabelFirst:
    """ "<label><separator><text>", one a line, as SST and MR come. Blank lines are passed over."""

    meaning: Meaning
    encoding: str = "utf-8"
    separator: str = " "

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        lines = _filled_lines(document, self.encoding, bad)
        return _examples(lines, self._pair, meaning=self.meaning, document=document, bad=bad)

    def _pair(self, line: str) -> tuple[str, str]:
        label, found, text = line.partition(self.separator)
        if not found:
            raise BadLineError(f"there is no {self.separator!r} between a label and a text")
        return text, label


@dataclass(frozen=True, slots=True)
class OneLabel:
    """A file of texts, one a line, that all have the same label. Blank lines are passed over."""

    label: str
    meaning: Meaning = field(default_factory=Meaning)
    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        lines = _filled_lines(document, self.encoding, bad)
        return _examples(lines, self._pair, meaning=self.meaning, document=document, bad=bad)

    def _pair(self, line: str) -> tuple[str, str]:
        return line, self.label


@dataclass(frozen=True, slots=True)
class JsonLines:
    """One JSON object a line. Labels may be strings, whole numbers or booleans.

    label: "" where there is none; every text is then `UNLABELLED`.
    """

    meaning: Meaning
    text: str = "text"
    label: str = "label"
    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        lines = _filled_lines(document, self.encoding, bad)
        return _examples(lines, self._pair, meaning=self.meaning, document=document, bad=bad)

    def _pair(self, line: str) -> tuple[str, str]:
        record = json_object(line)
        if not self.label:
            record[self.label] = UNLABELLED
        for key in (self.text, self.label):
            if key not in record:
                raise BadLineError(f"there is no field {key!r}")
        text, label = record[self.text], record[self.label]
        if not isinstance(text, str):
            raise BadLineError(f"the field {self.text!r} is no string")
        if not isinstance(label, str | int):
            raise BadLineError(f"the field {self.label!r} is no string or whole number")
        return text, json.dumps(label) if isinstance(label, bool) else str(label)


def json_object(line: str) -> dict[str, Any]:
    """A line's JSON object. Raises BadLineError."""
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "too deep"
        raise BadLineError(f"no JSON: {reason}") from None
    if not isinstance(record, dict):
        raise BadLineError("no JSON object")
    return record


@dataclass(frozen=True, slots=True)
class Columns:
    """CSV (RFC 4180: quotes may hold delimiters and line ends) or, unquoted, plain TSV.

    text, label: column names of the header line; where there is none, numbers from 1.
    extra: more columns than the header has are passed over, as some sources end lines with a tab.
    """

    meaning: Meaning
    text: str = "text"
    label: str = "label"
    delimiter: str = ","
    header: bool = True
    quoted: bool = True
    extra: bool = False
    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        rows = self._rows(document, bad)
        _, header = next(rows, (0, [])) if self.header else (0, None)
        text, label = (self._column(name, header, document) for name in (self.text, self.label))
        width = len(header) if header else max(text, label) + 1
        exact = bool(header) and not self.extra

        def pair(row: list[str]) -> tuple[str, str]:
            if len(row) < width or (exact and len(row) > width):
                raise BadLineError(f"{len(row)} columns instead of {width}")
            return row[text], row[label]

        return _examples(rows, pair, meaning=self.meaning, document=document, bad=bad)

    def _rows(self, document: Document, bad: BadLines) -> Iterator[tuple[int, list[str]]]:
        if not self.quoted:
            filled = _filled_lines(document, self.encoding, bad)
            return ((number, line.split(self.delimiter)) for number, line in filled)
        lines = numbered_lines(document, self.encoding, bad)
        return _csv_rows(lines, delimiter=self.delimiter, document=document, bad=bad)

    def _column(self, name: str, header: list[str] | None, document: Document) -> int:
        if header is not None and name in header:
            return header.index(name)
        if header is None and name.isdecimal() and int(name) > 0:
            return int(name) - 1
        known = f"its columns are {', '.join(header)}" if header else "columns are numbers from 1"
        raise DataError(f"{document.name} has no column {name!r}; {known}")


class _Feed:
    """Lines for csv.reader, which remember where the record being read began."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self.start = 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        number, line = next(self._lines)
        self.start = self.start or number
        return line + "\n"


def _csv_rows(
    lines: Iterator[tuple[int, str]], *, delimiter: str, document: Document, bad: BadLines
) -> Iterator[tuple[int, list[str]]]:
    feed = _Feed(lines)
    rows = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.start = 0
        try:
            row = next(rows, None)
        except csv.Error as error:
            bad.add(document.at(feed.start), f"no CSV: {error}")
            continue
        if row is None:
            return
        if row:
            yield feed.start, row
