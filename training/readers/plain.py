"""Texts without labels, for language models: one text a line, or blocks of tokenised lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from nlp.tasks.base import Example
from nlp.vocabulary import END
from training.readers.files import BadLines, Document, numbered_lines


@dataclass(frozen=True, slots=True)
class PlainText:
    """One text a line; blank lines are passed over."""

    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        for number, line in numbered_lines(document, self.encoding, bad):
            if line.strip():
                yield Example(line.strip(), "", document.at(number))


@dataclass(frozen=True, slots=True)
class WordBlocks:
    """Lines of words parted by blanks, as Penn Treebank's language-model text comes.

    An Example is a block of `lines` of them, the last of a file shorter: one tuple of words, with
    END behind each line's. A model reads on from line to line, as the published figures do.
    """

    lines: int = 100
    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        lines = numbered_lines(document, self.encoding, bad)
        filled = ((number, words) for number, line in lines if (words := line.split()))
        while block := list(islice(filled, self.lines)):
            together = tuple(word for _, words in block for word in (*words, END))
            yield Example(together, "", document.at(block[0][0]))
