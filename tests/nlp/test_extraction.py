"""The task of extraction: from tags to terms, and what they say of the text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import examples

from nlp.errors import ModelError
from nlp.features import Features
from nlp.spans import TAGS
from nlp.tasks.base import AspectItem, Item, Row
from nlp.tasks.extraction import LAYER, Extraction, ExtractionAnswer
from nlp.tasks.table import TASKS, Parts
from nlp.tasks.tagging import TRANSITIONS, Tagging
from nlp.text import split_words
from nlp.vocabulary import build_vocabulary

VOCABULARY = build_vocabulary(["the", "wine", "list"], lowercase=True)
TEXT = "The wine  list 🍷 is fine; the menu isn't."

texts = st.text(alphabet="ab .!?\n'é👍🏽") | st.text()


def task(*, window_tokens: int = 64, temperature: float = 1.0) -> Extraction:
    tags, features = {LAYER: TAGS}, Features(("words",))
    return Extraction(Tagging(tags, split_words, VOCABULARY, features, window_tokens), temperature)


def rows_of(*tags: str, sure: float = 5.0) -> Row:
    """Logits that say these tags."""
    return {LAYER: (sure * np.eye(3)[[TAGS.index(tag) for tag in tags]]).astype(np.float32)}


def random_rows(lengths: list[int], seed: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    return [
        {
            LAYER: rng.normal(size=(length + 2, 3)).astype(np.float32),  # two places of padding
            LAYER + TRANSITIONS: rng.normal(size=(5, 3)).astype(np.float32),
        }
        for length in lengths
    ]


def test_terms_stand_where_the_text_has_them() -> None:
    encoded = task().encode(TEXT)
    row = rows_of("O", "B", "I", "O", "O", "O", "O", "O", "B", "O", "O", "O")
    answer = task().decode(encoded, [row]).to_dict()
    assert [(one["text"], one["start"], one["end"]) for one in answer["aspects"]] == [
        ("wine  list", 4, 14),
        ("menu", 30, 34),
    ]
    assert answer["windows"] == 1
    assert all(0.8 < one["score"] < 1 for one in answer["aspects"])


def test_an_inside_tag_that_nothing_begins_is_not_chosen() -> None:
    encoded = task().encode("The wine list")
    answer = task().decode(encoded, [rows_of("I", "I", "O")])
    assert answer.tags == ("B", "I", "O")  # the likeliest legal reading


@given(text=texts, limit=st.integers(1, 9), seed=st.integers(0, 99))
def test_terms_are_parts_of_the_text_in_order_with_exact_probabilities(
    text: str, limit: int, seed: int
) -> None:
    extraction = task(window_tokens=limit)
    encoded = extraction.encode(AspectItem(text))
    rows = random_rows([len(window.words) for window in encoded.windows], seed)
    answer = extraction.decode(encoded, rows)
    assert len(answer.tags) == encoded.tokens
    edges = [edge for one in answer.aspects for edge in (one.start, one.end)]
    assert edges == sorted(edges, key=lambda edge: edge or 0)
    for one in answer.aspects:
        assert text[one.start : one.end] == one.text
        assert one.start in encoded.words.starts
        assert 0 <= one.score <= 1
    assert answer.tags.count("B") == len(answer.aspects)
    rows_sum = extraction.distributions(encoded, rows)[LAYER].sum(axis=-1)
    np.testing.assert_allclose(rows_sum, np.ones(len(rows_sum)))


def test_a_temperature_moves_scores_towards_even_and_changes_no_term() -> None:
    encoded = task().encode(TEXT)
    rows = random_rows([12], 4)
    cold, hot = (task(temperature=t).decode(encoded, rows).aspects for t in (1.0, 3.0))
    assert [one.text for one in cold] == [one.text for one in hot] != []
    odds = [[np.log(one.score / (1 - one.score)) for one in found] for found in (cold, hot)]
    np.testing.assert_allclose(odds[0], 3 * np.array(odds[1]))


def test_without_a_crf_a_score_is_the_product_of_its_words_if_all_is_legal() -> None:
    """Where no O-I can come about, words care for no neighbours."""
    emissions = np.array([[1.0, -1e9, 0.5], [0.3, -1e9, 2.0]])
    row: Row = {LAYER: emissions.astype(np.float32)}
    (one,) = task().decode(task().encode("wine list"), [row]).aspects
    first, second = np.exp(emissions) / np.exp(emissions).sum(axis=1, keepdims=True)
    assert one.text == "wine"
    assert one.score == pytest.approx(first[0] * (1 - second[1]))


def test_words_that_came_tokenised_have_no_places() -> None:
    encoded = task().encode(["The", "wine", "list"])
    (one,) = task().decode(encoded, [rows_of("O", "B", "I")]).aspects
    assert (one.text, one.start, one.end) == ("wine list", None, None)


def test_a_text_without_words_has_no_terms() -> None:
    items: list[Item] = ["", " \n", AspectItem(""), []]
    for item in items:
        encoded = task().encode(item)
        assert task().decode(encoded, []).to_dict() == {"aspects": [], "windows": 0}
        assert task().distributions(encoded, [])[LAYER].shape == (0, 3)


def test_a_manifest_with_other_layers_is_refused() -> None:
    for layers in ({"upos": TAGS}, {LAYER: ("O", "B", "I")}):
        parts = Parts(layers, split_words, VOCABULARY, Features(("words",)), 64, {})
        with pytest.raises(ModelError, match="one layer, 'aspect', of B, I, O"):
            TASKS["extraction"](parts)


def test_a_tagger_that_learnt_terms_by_heart_knows_them(
    make_model: Callable[..., Any], tmp_path: Path
) -> None:
    model = make_model("extraction", tmp_path, crf=True)
    learnt = examples("extraction")
    for example, answer in zip(learnt, model.answer(e.item for e in learnt), strict=True):
        assert isinstance(answer, ExtractionAnswer)
        assert isinstance(example.item, AspectItem)
        expected = [(one.text, one.start, one.end) for one in example.item.aspects]
        assert [(one.text, one.start, one.end) for one in answer.aspects] == expected
        assert all(one.score > 0.9 for one in answer.aspects)
