"""The task of aspect sentiment: rows, windows, answers and what they say of the text."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.decoding import softmax
from nlp.errors import BAD_ASPECT, EMPTY_TEXT, INVALID_UNICODE, ModelError, TextError
from nlp.features import Features
from nlp.tasks.aspects import ATTENTION, FAR, LAYER, Aspects, places_of
from nlp.tasks.base import Aspect, AspectItem, Row
from nlp.tasks.table import TASKS, Parts
from nlp.text import split_words
from nlp.vocabulary import build_vocabulary

LABELS = ("negative", "neutral", "positive")
VOCABULARY = build_vocabulary(
    [".", "the", "soup", "aspect", "menu", "was", "fine", "price"], lowercase=True
)
TEXT = "The soup 🍲 was cold. The menu was fine. We paid. Nobody smiled."
"""Sentences of 6, 5, 3 and 3 words."""

texts = st.text(alphabet="ab .!?\n'é👍🏽") | st.text()


def task(*names: str, window_tokens: int = 64, temperature: float = 1.0) -> Aspects:
    features = Features(names or ("words", "aspect", "places", "prefixed"))
    return Aspects(LABELS, split_words, VOCABULARY, features, window_tokens, temperature)


def rows_for(count: int, seed: int = 0, attention: int | None = None) -> list[Row]:
    rng = np.random.default_rng(seed)
    rows: list[Row] = [{LAYER: rng.normal(size=3).astype(np.float32)} for _ in range(count)]
    if attention is None:
        return rows
    weights = softmax(rng.normal(size=(count, attention))).astype(np.float32)
    return [{**row, ATTENTION: weight} for row, weight in zip(rows, weights, strict=True)]


# -- rows ----------------------------------------------------------------------------------------


def test_a_row_says_which_aspect_is_meant_and_where() -> None:
    encoded = task().encode(AspectItem("The menu was fine", (Aspect("menu"), Aspect("price"))))
    term, category = encoded.windows
    ids = {word: i for i, word in enumerate(VOCABULARY.words)}
    assert term.arrays["aspect"].tolist() == [ids["menu"]]
    assert term.arrays["places"].tolist() == [2, 1, 2, 3]
    assert category.arrays["aspect"].tolist() == [ids["price"]]
    assert category.arrays["places"].tolist() == [FAR] * 4
    expected = [ids[word] for word in ("aspect", "price", ".", "the", "menu", "was", "fine")]
    assert category.arrays["prefixed"].tolist() == expected
    assert (term.length, category.length) == (7, 7)


def test_a_row_brings_what_the_network_reads_and_no_more() -> None:
    item = AspectItem("The menu was fine", (Aspect("menu"),))
    assert set(task("words", "places").encode(item).windows[0].arrays) == {"places"}
    assert task("words", "places").encode(item).windows[0].length == 4


@given(length=st.integers(1, 90), start=st.integers(0, 20), term=st.none() | st.integers(0, 109))
def test_places_are_distances_counted_out(length: int, start: int, term: int | None) -> None:
    span = None if term is None else (term, term + 2)
    places = places_of(length, span, start).tolist()
    for i, place in enumerate(places, start=start):
        near = 99 if term is None else min(abs(i - term), abs(i - term - 1))
        assert place == 1 + min(near, 30)


# -- windows -------------------------------------------------------------------------------------


def test_a_short_text_is_one_window_an_aspect() -> None:
    encoded = task().encode(AspectItem(TEXT, (Aspect("menu"), Aspect("price"), Aspect("soup"))))
    assert encoded.counts == (1, 1, 1)
    assert {window.words for window in encoded.windows} == {split_words(TEXT).words}


def test_a_long_text_is_read_around_a_term_and_whole_for_a_category() -> None:
    item = AspectItem(TEXT, (Aspect("paid"), Aspect("price")))
    encoded = task(window_tokens=9).encode(item)
    assert (encoded.counts, encoded.starts) == ((1, 3), (11, 0, 6, 14))
    around, *whole = encoded.windows
    assert " ".join(around.words) == "We paid . Nobody smiled ."
    assert around.arrays["places"].tolist() == [2, 1, 2, 3, 4, 5]
    assert [word for window in whole for word in window.words] == list(split_words(TEXT).words)


@given(text=texts, limit=st.integers(1, 12), data=st.data())
def test_rows_keep_to_the_limit_and_hold_the_term(
    text: str, limit: int, data: st.DataObject
) -> None:
    words = split_words(text)
    if not words.words:
        return
    first = data.draw(st.integers(0, len(words.words) - 1))
    place = words.starts[first], words.ends[first]
    item = AspectItem(text, (Aspect(words.words[first], *place), Aspect("nowhere to be found")))
    encoded = task(window_tokens=limit).encode(item)
    assert all(len(window.words) <= limit for window in encoded.windows)
    assert encoded.windows[0].arrays["places"].tolist().count(1) == 1
    where = encoded.windows[0].arrays["places"].tolist().index(1)
    assert encoded.windows[0].words[where] == words.words[first]
    assert tuple(w for window in encoded.windows[1:] for w in window.words) == words.words
    for start, window in zip(encoded.starts, encoded.windows, strict=True):
        assert words.words[start : start + len(window.words)] == window.words


def test_a_text_without_aspects_has_no_windows_and_an_empty_answer() -> None:
    for item in (AspectItem(TEXT), TEXT, ["The", "menu"], AspectItem("")):
        encoded = task().encode(item)
        assert encoded.windows == ()
        assert task().distributions(encoded, [])[LAYER].shape == (0, 3)
        assert task().decode(encoded, []).to_dict() == {"aspects": [], "windows": 0}


def test_what_cannot_be_answered_is_refused() -> None:
    for item, code in (
        (AspectItem(" \n", (Aspect("price"),)), EMPTY_TEXT),
        (AspectItem("\ud800", (Aspect("price"),)), INVALID_UNICODE),
        (AspectItem(TEXT, (Aspect("soup", 5, 9),)), BAD_ASPECT),
    ):
        with pytest.raises(TextError) as caught:
            task().encode(item)
        assert caught.value.code == code


# -- answers -------------------------------------------------------------------------------------


def test_probabilities_are_the_windows_own_weighted_by_their_words() -> None:
    asked = task(window_tokens=9, temperature=2.0)
    encoded = asked.encode(AspectItem(TEXT, (Aspect("price"), Aspect("menu"), Aspect("mood"))))
    assert encoded.counts == (3, 1, 3)
    rows = rows_for(7)
    a, b, c, menu, d, e, f = (softmax(row[LAYER], 2.0) for row in rows)
    expected = [(6 * a + 8 * b + 3 * c) / 17, menu, (6 * d + 8 * e + 3 * f) / 17]
    np.testing.assert_allclose(asked.distributions(encoded, rows)[LAYER], expected)


def test_an_answer_names_term_or_category_and_the_attention_of_each_word() -> None:
    text = "Menu 👍🏽 fine"
    encoded = task().encode(AspectItem(text, (Aspect("menu"), Aspect("price"))))
    rows = rows_for(2, attention=6)  # three places of padding
    answer = task().decode(encoded, rows).to_dict()
    term, category = answer["aspects"]
    assert answer["windows"] == 2
    assert (term["aspect"], term["start"], term["end"]) == ("menu", 0, 4)
    assert "category" not in term
    assert (category["aspect"], category["category"]) == ("price", "price")
    assert "start" not in category
    for found, row in zip((term, category), rows, strict=True):
        scores = softmax(row[LAYER])
        assert list(found["scores"]) == list(LABELS)
        assert found["label"] == LABELS[int(scores.argmax())]
        assert found["score"] == found["scores"][found["label"]] == pytest.approx(scores.max())
        assert [word["text"] for word in found["attention"]] == ["Menu", "👍🏽", "fine"]
        weights = [word["weight"] for word in found["attention"]]
        np.testing.assert_allclose(weights, row[ATTENTION][:3])


def test_a_network_without_attention_gives_none() -> None:
    encoded = task().encode(AspectItem(TEXT, (Aspect("menu"),)))
    (found,) = task().decode(encoded, rows_for(1)).to_dict()["aspects"]
    assert "attention" not in found


@given(text=texts, limit=st.integers(1, 8))
def test_attended_words_are_the_texts_and_their_weights_sum_to_one(text: str, limit: int) -> None:
    words = split_words(text)
    if not words.words:
        return
    asked = task(window_tokens=limit)
    encoded = asked.encode(AspectItem(text, (Aspect("nowhere to be found"),)))
    rows: list[Row] = [
        {**row, ATTENTION: softmax(np.arange(float(len(window.words)))).astype(np.float32)}
        for row, window in zip(rows_for(len(encoded.windows)), encoded.windows, strict=True)
    ]
    (found,) = asked.decode(encoded, rows).aspects
    assert found.attention is not None
    assert [word.text for word in found.attention] == list(words.words)
    assert all(text[word.start : word.end] == word.text for word in found.attention)
    assert sum(word.weight for word in found.attention) == pytest.approx(1, abs=1e-5)


def test_probes_are_terms_and_categories() -> None:
    term, category = task().probe(["the", "menu", "was"]), task().probe(["the", "menu"])
    assert term.arrays["places"].tolist() == [2, 1, 2]
    assert category.arrays["places"].tolist() == [FAR, FAR]


def test_a_pair_of_sentences_is_asked_of_an_extractor_that_makes_one() -> None:
    class Pairs:
        names = ("pieces", "segments")

        def pair(self, words: Any, aspect: Any) -> dict[str, Any]:  # noqa: ANN401
            return {"pieces": np.arange(1, 2 + len(words) + len(aspect))}

        def positions(self, words: Any) -> list[int]:  # noqa: ANN401
            return [2 for _ in words]

        def arrays(self, words: Any) -> dict[str, Any]:  # noqa: ANN401
            raise AssertionError(words)

        def options(self) -> dict[str, Any]:
            return {}

        def save(self, folder: Any) -> None:  # noqa: ANN401
            raise AssertionError(folder)

    features = Features(("pieces", "segments"), extractor=Pairs())
    asked = Aspects(LABELS, split_words, VOCABULARY, features, window_tokens=16)
    encoded = asked.encode(AspectItem(TEXT, (Aspect("menu"),)))
    assert " ".join(encoded.windows[0].words) == "The menu was fine . We paid ."
    assert encoded.windows[0].length == 10


def test_a_manifest_with_other_layers_is_refused() -> None:
    parts = Parts({"upos": LABELS}, split_words, VOCABULARY, Features(("words",)), 64, {})
    with pytest.raises(ModelError, match="one layer, 'sentiment'"):
        TASKS["aspects"](parts)
