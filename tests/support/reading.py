"""Readers over bytes in memory."""

import io

from nlp.tasks.base import AspectItem, Example
from training.readers import Reader
from training.readers.files import BadLines, Document


def read(
    reader: Reader, text: str | bytes, *, name: str = "a.txt"
) -> tuple[list[Example], list[str]]:
    """The examples, and the malformed lines as "file:line: why"."""
    bad = BadLines()
    raw = text.encode() if isinstance(text, str) else text
    return list(reader(Document(name, io.BytesIO(raw)), bad)), bad.shown


def judged(example: Example) -> list[tuple[str, int | None, int | None, str]]:
    """Text, start, end and label of each aspect."""
    assert isinstance(example.item, AspectItem)
    aspects, labels = example.item.aspects, example.gold[0]
    return [(a.text, a.start, a.end, b) for a, b in zip(aspects, labels, strict=True)]
