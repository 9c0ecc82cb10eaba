"""Aspects as training sees them: items, labels, slices, golden items."""

import json
from importlib.resources import files

import numpy as np
import pytest
from tiny import JUDGED, examples

from nlp.features import Features
from nlp.model import Model
from nlp.tasks.aspects import LAYER, Aspects
from nlp.tasks.base import Arrays, Aspect, AspectItem, Example
from nlp.text import split_words
from nlp.vocabulary import build_vocabulary
from training.errors import DataError, ScoreError
from training.tasks.aspects import ASPECTS

LABELS = ("negative", "neutral", "positive")
LEARNT = examples("aspects")
VOCABULARY = build_vocabulary(ASPECTS.words(LEARNT, split_words), lowercase=True)


def task(window_tokens: int = 64) -> Aspects:
    features = Features(("words", "aspect", "places"))
    return Aspects(LABELS, split_words, VOCABULARY, features, window_tokens)


class Opinions:
    """A runtime that says of each aspect, by its first word, what it was told to."""

    name, device = "told", "cpu"

    def __init__(self, opinions: dict[str, str]) -> None:
        self.opinions = {VOCABULARY.id(word): label for word, label in opinions.items()}

    def run(self, arrays: Arrays) -> Arrays:
        said = [LABELS.index(self.opinions[int(row[0])]) for row in arrays["aspect"]]
        return {LAYER: np.eye(3, dtype=np.float32)[said] * 3}


def model(**opinions: str) -> Model:
    told = {word.split()[0]: label for _, asked in JUDGED for word, label in asked.items()}
    return Model({}, task(), Opinions({**told, **opinions}))


def test_words_of_texts_and_aspects_and_what_the_baseline_adds_are_known() -> None:
    assert all(VOCABULARY.knows(word) for word in ("aspect", ".", "price", "life", "soup"))


def test_labels_are_those_of_the_examples() -> None:
    assert ASPECTS.layers(LEARNT) == {LAYER: LABELS}
    assert ASPECTS.layers(LEARNT[:2]) == {LAYER: ("negative", "positive")}


def test_an_item_an_aspect_with_its_label() -> None:
    items = ASPECTS.items(LEARNT, task(), strict=True)
    found = [LABELS[int(item.gold[LAYER])] for item in items]
    assert found == [label for _, asked in JUDGED for label in asked.values()]
    words = [VOCABULARY.words[int(item.window.arrays["aspect"][0])] for item in items]
    assert words == [aspect.split()[0] for _, asked in JUDGED for aspect in asked]


def test_all_windows_of_a_category_have_its_label_and_a_term_has_one() -> None:
    text = "The soup was cold. We left."
    example = Example(
        AspectItem(text, (Aspect("price"), Aspect("soup"))), (("neutral", "negative"),)
    )
    items = ASPECTS.items([example], task(window_tokens=6), strict=True)
    assert [int(item.gold[LAYER]) for item in items] == [1, 1, 0]


def test_a_label_that_training_lacks_is_refused_or_left_out() -> None:
    torn = Example(AspectItem("The soup.", (Aspect("soup"),)), (("conflict",),), "reviews.xml:3")
    with pytest.raises(DataError, match=r"reviews.xml:3: label 'conflict' is not in training"):
        ASPECTS.items([torn], task(), strict=True)
    assert ASPECTS.items([torn], task(), strict=False) == []


def test_slices_tell_terms_categories_and_mixed_texts_apart() -> None:
    """Price is told wrong of the first text, food of the first and third, battery of the last."""
    wrong = model(battery="negative", food="negative")
    plain = Example(AspectItem("Lovely soup.", (Aspect("soup", 7, 11),)), (("positive",),))
    even = Example(AspectItem("Soup.", (Aspect("soup"), Aspect("food"))), (("positive",) * 2,))
    found = ASPECTS.evaluate(wrong, [*LEARNT, plain, even], seed=1)
    slices = {part.name: (part.items, part.accuracy) for part in found.slices}
    assert slices == {
        "aspects of mixed texts": (14, pytest.approx(10 / 14)),
        "aspects of texts of one label": (2, pytest.approx(1 / 2)),
        "aspects that stand alone": (1, 1.0),
        "terms": (9, pytest.approx(8 / 9)),
        "categories": (8, pytest.approx(4 / 8)),
        "mixed texts, all aspects right": (4, pytest.approx(1 / 4)),
    }
    assert found.first.accuracy == pytest.approx(12 / 17)
    dev = ASPECTS.dev_score(wrong, [*LEARNT, plain, even])
    assert dev["accuracy"] == pytest.approx(12 / 17)
    assert dev["macro_f1"] == pytest.approx(found.first.macro_f1)


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(ScoreError, match="nothing to score"):
        ASPECTS.evaluate(model(), [Example(AspectItem("A soup."), ((),))], seed=1)


def test_calibration_is_over_aspects() -> None:
    probabilities, gold = ASPECTS.calibration(model(), LEARNT)[LAYER]
    assert probabilities.shape == (14, 3)
    told = (probabilities.argmax(axis=1) == gold).tolist()
    assert told == [True, True, True, False, *[True] * 10]  # the first text's price


def test_golden_items_are_answered_terms_and_categories_among_them() -> None:
    texts = json.loads(files("training").joinpath("golden.json").read_text(encoding="utf-8"))
    items = ASPECTS.golden(texts)
    assert [item.text for item in items if isinstance(item, AspectItem)] == texts
    encoded = [task().encode(item) for item in items]
    located = [aspect.located for one in encoded for aspect in one.aspects]
    assert any(located)
    assert not all(located)
