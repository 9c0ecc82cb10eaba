"""One tag a word and layer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from nlp.model import Model
from nlp.tasks.base import Answer, Example, Task
from nlp.tasks.base import Item as Asked
from nlp.tasks.tagging import TaggingAnswer
from nlp.text import split_words
from nlp.vocabulary import Vocabulary
from training.evaluation import Judged
from training.scores import Slice, known_unknown, whole_sentences
from training.tasks.labelled import Labelled, Rows, cut_by_words

TAG_LAYERS: Final = ("upos", "xpos")
"""What the rows of tags of an Example's gold are, in order."""

_TOKENISED: Final = 4


def gold(example: Example, _: Task) -> Rows:
    rows = cast(tuple[tuple[str, ...], ...], example.gold)
    return dict(zip(TAG_LAYERS, rows, strict=True))


def said(answer: Answer, task: Task) -> Rows:
    tokens = cast(TaggingAnswer, answer).tokens
    return {layer: tuple(token.tags[layer] for token in tokens) for layer in task.layers}


def labels(examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
    """Sorted; a layer that the data leaves empty ("_") is left out."""
    rows = zip(*(example.gold for example in examples), strict=True)
    tags = [tuple(sorted({tag for row in layer for tag in row})) for layer in rows]
    return {name: t for name, t in zip(TAG_LAYERS, tags, strict=False) if t != ("_",)}


def slices(
    model: Model, examples: Sequence[Example], judged: Mapping[str, Judged]
) -> tuple[Slice, ...]:
    """Words that training saw or not, and sentences without a wrong tag."""
    words = [cast(Sequence[str], example.item) for example in examples]
    first = next(iter(judged.values()))
    vocabulary: Vocabulary = cast(Any, model.task).vocabulary
    known = known_unknown(words, first.gold, first.predicted, knows=vocabulary.knows)
    return (*known, whole_sentences(first.gold, first.predicted))


def golden(texts: Sequence[str]) -> list[Asked]:
    """The first ones also as words."""
    words: list[Asked] = [list(split_words(line).words) for line in texts[:_TOKENISED]]
    return [*texts, *words]


TAGGING = Labelled(
    gold=gold, said=said, cut=cut_by_words, labels=labels, slices=slices, golden=golden
)
