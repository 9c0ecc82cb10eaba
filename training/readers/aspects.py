"""What the readers of aspect data share: labels, names of categories, tokens as spans of a text.

A reader gives every annotation of its source, in the source's order: an aspect that is located is
a term of the text, one that is not is a category. Which of them a run wants, and what becomes of
an aspect that is annotated twice, is decided behind the readers, in `training.aspects`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from nlp.tasks.base import Aspect, AspectItem, Example
from training.readers.files import BadLineError, BadLines, Document, numbered_lines

POLARITIES: Final = {
    "positive": "positive",
    "negative": "negative",
    "neutral": "neutral",
    "conflict": "conflict",
}
"""SemEval's labels; "conflict" is both good and bad said of one aspect (2014 only)."""

Judged = tuple[Aspect, str]
"""An aspect and its label."""


def label_of(raw: str, labels: Mapping[str, str]) -> str:
    """The label that a raw one stands for. Raises BadLineError that says what is allowed."""
    if raw not in labels:
        raise BadLineError(f"the label is none of {', '.join(map(repr, labels))}")
    return labels[raw]


def category_name(raw: str) -> str:
    """A category in plain words: "FOOD#STYLE_OPTIONS" to "food style options"."""
    name = " ".join(raw.replace("#", " ").replace("_", " ").lower().split())
    if not name:
        raise BadLineError("the category has no name")
    return name


def aspect_example(text: str, judged: Sequence[Judged], source: str) -> Example:
    """An empty label leaves its aspect out. Raises BadLineError where there is no text."""
    if not text.strip():
        raise BadLineError("there is no text")
    kept = [(aspect, label) for aspect, label in judged if label]
    item = AspectItem(text, tuple(aspect for aspect, _ in kept))
    return Example(item, (tuple(label for _, label in kept),), source)


def term(text: str, start: int, end: int) -> Aspect:
    """The term that stands at code points start to end, half-open. Raises BadLineError."""
    if not 0 <= start < end <= len(text):
        raise BadLineError(f"{start} to {end} is no place in a text of {len(text)} characters")
    return Aspect(text[start:end], start, end)


def tokens_term(tokens: Sequence[str], first: int, end: int) -> Aspect:
    """Tokens first to end, half-open, as a term of the text in which blanks part the tokens.

    Raises BadLineError for tokens that the text does not have.
    """
    if not 0 <= first < end <= len(tokens):
        raise BadLineError(f"tokens {first} to {end} are no place in a text of {len(tokens)}")
    start = sum(len(token) + 1 for token in tokens[:first])
    text = " ".join(tokens[first:end])
    return Aspect(text, start, start + len(text))


def split_tokens(text: str) -> tuple[str, ...]:
    """Tokens parted by single blanks. Raises BadLineError for anything else."""
    tokens = tuple(text.split(" "))
    if not all(token and not token.isspace() for token in tokens):
        raise BadLineError("the text's tokens are not parted by single blanks")
    return tokens


def examples_of_lines(
    parse: Callable[[str], tuple[str, list[Judged]]],
    document: Document,
    bad: BadLines,
    *,
    encoding: str,
) -> Iterator[Example]:
    """One example a line; `parse` gives a line's text and aspects, or raises BadLineError."""
    for number, line in numbered_lines(document, encoding, bad):
        if not line.strip():
            continue
        place = document.at(number)
        try:
            yield aspect_example(*parse(line), place)
        except BadLineError as error:
            bad.add(place, error)
