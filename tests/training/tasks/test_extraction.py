"""Terms as training sees them: tags of words, exact matches, calibration of terms."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import PAIRED, examples

from nlp.features import Features
from nlp.model import Model
from nlp.spans import TAGS
from nlp.tasks.base import Arrays, Aspect, AspectItem, Example
from nlp.tasks.extraction import LAYER, Extraction
from nlp.tasks.tagging import Tagging
from nlp.text import split_words
from nlp.vocabulary import build_vocabulary
from training.errors import ScoreError
from training.scores import flat
from training.tasks.extraction import EXTRACTION, Found, Place, span_measures, tags

LEARNT = examples("extraction")
VOCABULARY = build_vocabulary(EXTRACTION.words(LEARNT, split_words), lowercase=True)


def task(temperature: float = 1.0) -> Extraction:
    words = (split_words, VOCABULARY, Features(("words",)), 64)
    return Extraction(Tagging({LAYER: TAGS}, *words), temperature)


class Spotter:
    """A runtime that tags the words it was told of: B, unless one goes before."""

    name, device = "told", "cpu"

    def __init__(self, words: Sequence[str], sure: float) -> None:
        self.ids, self.sure = [VOCABULARY.id(word) for word in words], sure

    def run(self, arrays: Arrays) -> Arrays:
        term = np.isin(arrays["words"], self.ids)
        behind = np.pad(term, ((0, 0), (1, 0)))[:, :-1]
        said = np.where(term, np.where(behind, TAGS.index("I"), TAGS.index("B")), TAGS.index("O"))
        return {LAYER: np.eye(3, dtype=np.float32)[said] * self.sure}


def model(*words: str, sure: float = 6.0) -> Model:
    return Model({}, task(), Spotter(words, sure))


EVERY = sorted({word for _, asked in PAIRED for aspect in asked for word in aspect.split()})


def example(text: str, *places: Place) -> Example:
    aspects = tuple(Aspect(text[a:b], a, b) for a, b in places)
    return Example(AspectItem(text, aspects), (("positive",) * len(aspects),))


# -- tags ----------------------------------------------------------------------------------------


def test_a_word_that_a_term_touches_is_of_the_term() -> None:
    found = tags(example("A wine list, tablecloths", (2, 11), (18, 23)), task())
    assert found == {LAYER: ("O", "B", "I", "O", "B")}


def test_a_category_is_no_term() -> None:
    item = AspectItem("Lovely soup.", (Aspect("food"),))
    assert tags(Example(item, (("positive",),)), task())[LAYER] == ("O", "O", "O")


def test_items_are_windows_with_a_tag_a_word() -> None:
    items = EXTRACTION.items(LEARNT, task(), strict=True)
    assert [item.window.words for item in items] == [split_words(text).words for text, _ in PAIRED]
    third = "".join(TAGS[i] for i in items[2].gold[LAYER])
    assert third == "OBIOOO"  # The onion soup arrived cold .
    assert EXTRACTION.layers(LEARNT) == {LAYER: TAGS}


# -- measures ------------------------------------------------------------------------------------

places = st.lists(st.tuples(st.integers(0, 3), st.integers(4, 6)), max_size=4, unique=True)


@given(texts=st.lists(st.tuples(places, places), min_size=1, max_size=6))
def test_measures_are_those_of_sets_of_places(
    texts: list[tuple[list[Place], list[Place]]],
) -> None:
    found = [Found(tuple(gold), tuple(said), (0.5,) * len(said)) for gold, said in texts]
    gold = {(i, place) for i, (row, _) in enumerate(texts) for place in row}
    said = {(i, place) for i, (_, row) in enumerate(texts) for place in row}
    if not gold:
        with pytest.raises(ScoreError, match="no example has a term"):
            span_measures(found, seed=1)
        return
    measures = span_measures(found, seed=1)
    precision = len(gold & said) / len(said) if said else 0.0
    recall = len(gold & said) / len(gold)
    harmonic = 2 * precision * recall / (precision + recall) if gold & said else 0.0
    values = {name: one.value for name, one in measures.items()}
    assert values == pytest.approx(
        {"span_precision": precision, "span_recall": recall, "span_f1": harmonic}
    )
    for one in measures.values():
        assert one.items == len(gold)
        assert one.interval is not None
        assert 0 <= one.interval.low <= one.interval.high <= 1


def test_the_interval_is_over_texts_and_seeded() -> None:
    found = [Found(((0, 1),), ((0, 1),), (0.9,)), Found(((0, 1),), (), ())] * 20
    one, again = (span_measures(found, seed=3)["span_recall"] for _ in range(2))
    assert one == again
    assert one.interval is not None
    assert one.interval.low < 0.5 < one.interval.high
    alone = span_measures(found[:1], seed=3)["span_f1"].interval
    assert alone is not None
    assert (alone.low, alone.high) == (1.0, 1.0)


def test_evaluation_of_a_model_that_misses_one_and_makes_one_up() -> None:
    words = [*(word for word in EVERY if word not in ("onion", "soup")), "Tuesday"]
    found = EXTRACTION.evaluate(model(*words), LEARNT, seed=1)
    values = {name: one.value for name, one in found.measures.items()}
    gold = len(flat([list(asked) for _, asked in PAIRED]))
    right = gold - 1
    expected = {
        "span_precision": right / (right + 1),
        "span_recall": right / gold,
        "span_f1": 2 * right / (gold + right + 1),
    }
    assert values == pytest.approx(expected)
    assert {one.items for one in found.measures.values()} == {gold}
    slices = {part.name: (part.items, part.accuracy) for part in found.slices}
    assert slices == {
        "texts with terms, all right": (4, pytest.approx(3 / 4)),
        "texts without terms, none found": (1, 0.0),
    }
    dev = EXTRACTION.dev_score(model(*words), LEARNT)
    assert dev["span_f1"] == pytest.approx(found.measures["span_f1"].value)
    assert dev["accuracy"] == pytest.approx(found.first.accuracy)


# -- calibration ---------------------------------------------------------------------------------


def test_calibration_is_over_the_terms_found() -> None:
    probabilities, gold = EXTRACTION.calibration(model(*EVERY, "Tuesday", sure=2.0), LEARNT)[LAYER]
    assert probabilities.shape == (len(gold), 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert gold.tolist().count(0) == 1
    assert (probabilities[:, 1] > 0.3).all()


def test_where_nothing_is_found_there_is_nothing_to_calibrate() -> None:
    assert EXTRACTION.calibration(model(), LEARNT) == {}
    assert EXTRACTION.evaluate(model(), LEARNT, seed=1).reliability == {}
