"""The XML of SemEval-2014 task 4, 2015 task 12 and 2016 task 5, and of MAMS, which is 2014's.

2014 has <aspectTerm> and <aspectCategory> elements. 2015 and 2016 have <Opinion> elements, each of
a category and, for restaurants, of a target: such an element gives two aspects, the term (unless
its target is "NULL", which is to say that the text names none) and the category.

A term must be what stands at its place in the text. The official files hold none that is not
(measured), so a place is never guessed at: such an element is malformed, and its whole sentence
is left out, for without one of its aspects it would teach a tagger that the term is none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nlp.tasks.base import Aspect, Example
from training.readers.aspects import (
    POLARITIES,
    Judged,
    aspect_example,
    category_name,
    label_of,
    term,
)
from training.readers.elements import Element, elements
from training.readers.files import BadLineError, BadLines, Document


class _BadElementError(BadLineError):
    """A sentence that cannot be read because of the element that begins at `line`."""

    def __init__(self, line: int, reason: object) -> None:
        super().__init__(str(reason))
        self.line = line


@dataclass(frozen=True, slots=True)
class SemEval:
    """Sentences as Examples; texts and places as the file has them.

    labels: raw polarity to label; "" leaves the aspect out.
    """

    labels: Mapping[str, str] = field(default_factory=lambda: POLARITIES)

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        for sentence in elements(document, "sentence"):
            try:
                yield self._example(sentence, document.at(sentence.line))
            except _BadElementError as error:
                bad.add(document.at(error.line), error)
            except BadLineError as error:
                bad.add(document.at(sentence.line), error)

    def _example(self, sentence: Element, source: str) -> Example:
        text = sentence.child("text")
        if text is None:
            raise BadLineError("a <sentence> without <text>")
        judged: list[Judged] = []
        for element in sentence.every("aspectTerm", "aspectCategory", "Opinion"):
            try:
                judged += self._judged(element, text.text)
            except BadLineError as error:
                raise _BadElementError(element.line, f"<{element.tag}>: {error}") from None
        return aspect_example(text.text, judged, source)

    def _judged(self, element: Element, text: str) -> list[Judged]:
        label = label_of(_attribute(element, "polarity"), self.labels)
        found: list[Aspect] = []
        if element.tag == "aspectTerm":
            found.append(_term(element, text, name="term"))
        elif element.attributes.get("target", "NULL") != "NULL":
            found.append(_term(element, text, name="target"))
        if element.tag != "aspectTerm":
            found.append(Aspect(category_name(_attribute(element, "category"))))
        return [(aspect, label) for aspect in found]


def _attribute(element: Element, name: str) -> str:
    if name not in element.attributes:
        raise BadLineError(f"there is no attribute {name!r}")
    return element.attributes[name]


def _term(element: Element, text: str, *, name: str) -> Aspect:
    found = term(text, _number(element, "from"), _number(element, "to"))
    if found.text != _attribute(element, name):
        raise BadLineError(f"the {name} is not what stands at {found.start} to {found.end}")
    return found


def _number(element: Element, name: str) -> int:
    value = _attribute(element, name)
    if not value.isascii() or not value.isdigit():
        raise BadLineError(f"the attribute {name!r} is no whole number")
    return int(value)
