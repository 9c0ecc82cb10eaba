"""XML as a stream of elements that know their lines.

Expat, which the standard library's own parsers stand on, is used directly since it alone tells
lines. A document with a document type is refused before anything of it is read: without one no
entity can be declared, so that nothing can expand or point outside the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from training.errors import DataError
from training.readers.files import Document

_CHUNK: Final = 1 << 16


@dataclass(slots=True)
class Element:
    """text: its own characters, those of its children left out. line: where its tag begins."""

    tag: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def child(self, tag: str) -> "Element | None":
        """The first child of that tag."""
        return next((child for child in self.children if child.tag == tag), None)

    def every(self, *tags: str) -> Iterator["Element"]:
        """All elements of those tags below this one, in the document's order."""
        for child in self.children:
            if child.tag in tags:
                yield child
            yield from child.every(*tags)


def elements(document: Document, tag: str) -> Iterator[Element]:
    """Each outermost element of that tag, as soon as it ends.

    The encoding is the one that the document declares, else UTF-8. Raises DataError, with the
    line, where the document is no well-formed XML or has a document type.
    """
    builder = _Builder(document, tag)
    while chunk := document.stream.read(_CHUNK):
        builder.feed(chunk)
        yield from builder.taken()
    builder.feed(b"", last=True)
    yield from builder.taken()


class _Builder:
    """Expat's events to elements; `open` holds those that have not ended, outermost first."""

    def __init__(self, document: Document, tag: str) -> None:
        self._document = document
        self._tag = tag
        self._open: list[Element] = []
        self._ended: list[Element] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._refuse

    def feed(self, chunk: bytes, *, last: bool = False) -> None:
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise DataError(f"{self._document.at(error.lineno)}: no XML: {reason}") from None

    def taken(self) -> list[Element]:
        taken, self._ended = self._ended, []
        return taken

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open and tag != self._tag:
            return
        element = Element(tag, self._parser.CurrentLineNumber, attributes)
        if self._open:
            self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        if not self._open:
            return
        element = self._open.pop()
        if not self._open:
            self._ended.append(element)

    def _characters(self, characters: str) -> None:
        if self._open:
            self._open[-1].text += characters

    def _refuse(self, *_: object) -> None:
        line = self._parser.CurrentLineNumber
        raise DataError(f"{self._document.at(line)}: a document type is not allowed; leave it out")
