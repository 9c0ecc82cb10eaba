"""The three-line form: a sentence with $T$ for the term, the term, and its label.

This is how ABSA-PyTorch and its many followers keep SemEval-2014. The lines are tokenised, blanks
between the tokens. Samples in a row that spell the same sentence become one Example.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from nlp.tasks.base import Aspect, Example
from training.readers.aspects import Judged, aspect_example, label_of
from training.readers.files import BadLineError, BadLines, Document, numbered_lines

PLACE: Final = "$T$"
SIGNS: Final = {"1": "positive", "-1": "negative", "0": "neutral"}

_Lines = list[tuple[int, str]]
_Sample = tuple[int, str, Judged]  # first line, sentence, aspect and label


@dataclass(frozen=True, slots=True)
class ThreeLines:
    """labels: raw label to label; "" leaves the aspect out. Blank lines are passed over."""

    labels: Mapping[str, str] = field(default_factory=lambda: SIGNS)
    encoding: str = "utf-8"

    def __call__(self, document: Document, bad: BadLines) -> Iterator[Example]:
        samples = self._samples(document, bad)
        for text, of_text in groupby(samples, key=lambda sample: sample[1]):
            numbers, _, judged = zip(*of_text, strict=True)
            yield aspect_example(text, judged, document.at(numbers[0]))

    def _samples(self, document: Document, bad: BadLines) -> Iterator[_Sample]:
        for lines in _threes(document, self.encoding, bad):
            number = lines[0][0]
            try:
                text, judged = self._sample([line for _, line in lines])
            except BadLineError as error:
                bad.add(document.at(number), error)
                continue
            yield number, text, judged

    def _sample(self, lines: list[str]) -> tuple[str, Judged]:
        if len(lines) != 3:
            raise BadLineError(f"{len(lines)} of the three lines: sentence, term, label")
        sentence, term, raw = lines
        if sentence.count(PLACE) != 1:
            raise BadLineError(
                f"the sentence holds {PLACE} {sentence.count(PLACE)} times, not once"
            )
        before, _, after = sentence.partition(PLACE)
        aspect = Aspect(term, len(before), len(before) + len(term))
        return before + term + after, (aspect, label_of(raw, self.labels))


def _threes(document: Document, encoding: str, bad: BadLines) -> Iterator[_Lines]:
    """Runs of three lines, without the blanks around them.

    A line with $T$ begins a new run, so that a lost or added line spoils one sample and no more.
    """
    held: _Lines = []
    for number, line in numbered_lines(document, encoding, bad):
        if held and (PLACE in line or (len(held) == 3 and line.strip())):
            yield held
            held = []
        if line.strip():
            held.append((number, line.strip()))
    if held:
        yield held
