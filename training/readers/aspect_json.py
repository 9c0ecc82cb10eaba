"""Aspects in JSON lines, the form for data of one's own.

{"text": "...", "aspects": [{"text": "price", "label": "negative"},
                            {"text": "menu", "start": 38, "end": 42, "label": "positive"}]}

Places are code points, half-open; an aspect without them is a category. A text without aspects
has an empty list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nlp.tasks.base import Aspect, Example
from training.readers.aspects import POLARITIES, Judged, examples_of_lines, label_of, term
from training.readers.files import BadLineError, BadLines, Document
from training.readers.labelled import json_object


@dataclass(frozen=True, slots=True)
class AspectJson:
    """labels: raw label to label; "" leaves the aspect out."""

    labels: Mapping[str, str] = field(default_factory=lambda: POLARITIES)
    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        return examples_of_lines(self._parsed, document, bad, encoding=self.encoding)

    def _parsed(self, line: str) -> tuple[str, list[Judged]]:
        match json_object(line):
            case {"text": str(text), "aspects": list(aspects)}:
                return text, [self._judged(aspect, text) for aspect in aspects]
        raise BadLineError("there must be a string 'text' and a list 'aspects'")

    def _judged(self, aspect: object, text: str) -> Judged:
        match aspect:
            case {"text": str(said), "label": str(raw)} if said and isinstance(aspect, dict):
                return _placed(aspect, said, text), label_of(raw, self.labels)
        raise BadLineError("an aspect must have the strings 'text' and 'label'")


def _placed(aspect: Mapping[str, object], said: str, text: str) -> Aspect:
    start, end = aspect.get("start"), aspect.get("end")
    if start is None and end is None:
        return Aspect(said)
    if type(start) is not int or type(end) is not int:
        raise BadLineError("the fields 'start' and 'end' are whole numbers, or both absent")
    found = term(text, start, end)
    if found.text != said:
        raise BadLineError(f"the aspect is not what stands at {start} to {end}")
    return found
