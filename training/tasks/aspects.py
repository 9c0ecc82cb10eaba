"""One label an aspect of a text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from nlp.model import Model
from nlp.tasks.aspects import LAYER, PREFIX, STOP, AspectsAnswer, EncodedAspects
from nlp.tasks.base import Answer, Aspect, AspectItem, Encoded, Example, Task
from nlp.tasks.base import Item as Asked
from nlp.text import Splitter, split_words
from training.evaluation import Judged
from training.scores import Slice, flat, part
from training.tasks.labelled import Ids, Labelled, Rows

_CATEGORIES: Final = ("food", "price")
"""Asked of every golden text, beside a word of it."""


def gold(example: Example, _: Task) -> Rows:
    return {LAYER: cast(tuple[tuple[str, ...], ...], example.gold)[0]}


def said(answer: Answer, _: Task) -> Rows:
    return {LAYER: tuple(one.label for one in cast(AspectsAnswer, answer).aspects)}


def cut(encoded: Encoded, gold: Mapping[str, Ids]) -> Iterator[Mapping[str, Ids]]:
    """Each window of an aspect has the aspect's label."""
    for label, count in zip(gold[LAYER], cast(EncodedAspects, encoded).counts, strict=True):
        yield from [{LAYER: label}] * count


def labels(examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
    """Sorted."""
    return {LAYER: tuple(sorted({label for example in examples for label in example.gold[0]}))}


def words_of(example: Example, split: Splitter) -> Sequence[str]:
    """The text's words, and what is read of each aspect before them."""
    item = cast(AspectItem, example.item)
    asked = [(PREFIX, *split(aspect.text).words, STOP) for aspect in item.aspects]
    return [*split(item.text).words, *flat(asked)]


def slices(
    _: Model, examples: Sequence[Example], judged: Mapping[str, Judged]
) -> tuple[Slice, ...]:
    """The aspects of texts that mix labels, of texts that do not, of texts with one aspect; terms
    and categories; and the mixed texts of which every aspect is right, which a model that does not
    heed the aspect cannot get.
    """
    found = judged[LAYER]
    sizes = [len(row) for row in found.gold]
    mixed = np.array([len(set(row)) > 1 for row in found.gold], dtype=bool)
    alone = np.array(sizes) == 1
    rows = [_equal(*pair) for pair in zip(found.gold, found.predicted, strict=True)]
    right = np.concatenate(rows)
    items = [cast(AspectItem, example.item) for example in examples]
    located = np.array([aspect.located for item in items for aspect in item.aspects], dtype=bool)
    return (
        part("aspects of mixed texts", right, where=np.repeat(mixed, sizes)),
        part("aspects of texts of one label", right, where=np.repeat(~mixed & ~alone, sizes)),
        part("aspects that stand alone", right, where=np.repeat(alone, sizes)),
        part("terms", right, where=located),
        part("categories", right, where=~located),
        part("mixed texts, all aspects right", np.array([r.all() for r in rows]), where=mixed),
    )


def golden(texts: Sequence[str]) -> list[Asked]:
    """Each text with its middle word as a term and two categories; none where it has no words."""
    return [_golden(text) for text in texts]


def _golden(text: str) -> AspectItem:
    words = split_words(text)
    if not words.words:
        return AspectItem(text)
    middle = len(words.words) // 2
    term = Aspect(words.words[middle], words.starts[middle], words.ends[middle])
    return AspectItem(text, (term, *map(Aspect, _CATEGORIES)))


def _equal(gold: Sequence[str], predicted: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([g == p for g, p in zip(gold, predicted, strict=True)], dtype=bool)


ASPECTS: Final = Labelled(
    gold=gold,
    said=said,
    cut=cut,
    labels=labels,
    slices=slices,
    golden=golden,
    words_of=words_of,
)
