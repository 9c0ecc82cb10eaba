"""Tasks: windows, the rule that joins them, words one to one, and where each stands."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nlp.decoding import Chain, marginals, softmax, viterbi
from nlp.errors import EMPTY_TEXT, INVALID_UNICODE, ModelError, TextError
from nlp.features import Features
from nlp.tasks.base import Row, Task
from nlp.tasks.sentiment import Sentiment
from nlp.tasks.table import TASKS, Parts
from nlp.tasks.tagging import Tagging
from nlp.text import split_words
from nlp.vocabulary import build_vocabulary

VOCABULARY = build_vocabulary(["good", "soup", ".", "the"], lowercase=True)
LABELS = ("negative", "neutral", "positive")
TAGS = {"upos": ("ADJ", "NOUN", "PUNCT"), "xpos": ("JJ", "NN", ".", ",")}
FEATURES = Features(("words",))
LONG = " ".join(f"Soup number {n} was good." for n in range(40))

texts = st.text(alphabet="ab .!?\n\"'é👍🏽") | st.text()


def sentiment(*, window_tokens: int = 6, temperature: float = 1.0) -> Sentiment:
    return Sentiment(LABELS, split_words, VOCABULARY, FEATURES, window_tokens, temperature)


def tagging(*, window_tokens: int = 6, **temperatures: float) -> Tagging:
    return Tagging(TAGS, split_words, VOCABULARY, FEATURES, window_tokens, temperatures)


def random_rows(shapes: dict[str, tuple[int, ...]], count: int, seed: int = 0) -> list[Row]:
    rng = np.random.default_rng(seed)
    return [
        {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        for _ in range(count)
    ]


# -- both tasks ----------------------------------------------------------------------------------

EVERY_TASK = pytest.mark.parametrize("task", [sentiment(), tagging()], ids=["sentiment", "tagging"])


@EVERY_TASK
@given(text=texts)
def test_windows_hold_every_word_once_in_order(task: Task, text: str) -> None:
    words = split_words(text).words
    if not words and isinstance(task, Sentiment):
        return
    encoded = task.encode(text)
    assert tuple(word for window in encoded.windows for word in window.words) == words
    assert encoded.tokens == len(words)
    for window in encoded.windows:
        assert 0 < window.length <= 6
        assert window.ids.tolist() == VOCABULARY.ids(window.words).tolist()


@EVERY_TASK
def test_lone_surrogates_are_refused(task: Task) -> None:
    for item in ("good \ud800", ["good", "\udfff"]):
        with pytest.raises(TextError) as refused:
            task.encode(item)
        assert refused.value.code == INVALID_UNICODE


@EVERY_TASK
def test_given_words_may_be_anything(task: Task) -> None:
    words = ["", " ", "a b", "<pad>", "."]
    encoded = task.encode(words)
    assert encoded.words.words == tuple(words)
    assert not encoded.words.located
    assert all((window.ids > 0).all() for window in encoded.windows)


# -- sentiment -----------------------------------------------------------------------------------


@pytest.mark.parametrize("item", ["", "  \r\n\t", "\u3000", []])
def test_a_text_without_words_has_no_sentiment(item: Any) -> None:  # noqa: ANN401
    with pytest.raises(TextError, match="holds no words; send at least one") as refused:
        sentiment().encode(item)
    assert refused.value.code == EMPTY_TEXT


def test_a_long_text_is_averaged_by_the_words_of_its_windows() -> None:
    task = sentiment(window_tokens=11, temperature=1.7)
    encoded = task.encode(LONG + " Superb!")
    rows = random_rows({"sentiment": (3,)}, len(encoded.windows))
    weights = [len(window.words) for window in encoded.windows]
    assert len(set(weights)) > 1
    expected = np.zeros(3)
    for row, weight in zip(rows, weights, strict=True):
        scaled = np.exp(row["sentiment"].astype(np.float64) / 1.7)
        expected += weight * scaled / scaled.sum()
    expected /= sum(weights)
    answer = task.decode(encoded, rows)
    assert list(answer.scores) == list(LABELS)
    assert list(answer.scores.values()) == pytest.approx(expected.tolist())
    assert answer.label == LABELS[int(expected.argmax())]
    assert answer.score == max(answer.scores.values())
    assert answer.windows == len(rows) > 1
    assert sum(answer.scores.values()) == pytest.approx(1.0)


def test_windows_are_whole_sentences_where_these_fit() -> None:
    encoded = sentiment(window_tokens=13).encode(LONG)  # six words a sentence
    assert {window.length for window in encoded.windows} == {12}
    assert all(window.words[0] == "Soup" for window in encoded.windows)


def test_one_window_is_the_softmax_itself() -> None:
    encoded = sentiment().encode("Good soup.")
    (row,) = random_rows({"sentiment": (3,)}, 1)
    (given_row,) = sentiment(temperature=0.5).distributions(encoded, [row])["sentiment"]
    np.testing.assert_allclose(given_row, softmax(row["sentiment"], 0.5))


def test_the_answer_as_json() -> None:
    encoded = sentiment().encode("Good soup.")
    row: Row = {"sentiment": np.log(np.array([0.1, 0.2, 0.7], np.float32))}
    answer = sentiment().decode(encoded, [row]).to_dict()
    assert set(answer) == {"label", "score", "scores", "windows"}
    assert (answer["label"], answer["windows"]) == ("positive", 1)
    assert {type(score) for score in (answer["score"], *answer["scores"].values())} == {float}


# -- tagging -------------------------------------------------------------------------------------


def rows_for(windows: int, *, time: int, chain: bool = False) -> list[Row]:
    """Rows padded to `time`, as a batch gives them."""
    shapes: dict[str, tuple[int, ...]] = {name: (time, len(tags)) for name, tags in TAGS.items()}
    if chain:
        tables = {f"{name}_transitions": (len(t) + 2, len(t)) for name, t in TAGS.items()}
        shapes = {**shapes, **tables}
    return random_rows(shapes, windows)


@given(texts)
def test_every_word_is_tagged_where_it_stands(text: str) -> None:
    task = tagging()
    encoded = task.encode(text)
    answer = task.decode(encoded, rows_for(len(encoded.windows), time=9))
    assert [text[t.start : t.end] for t in answer.tokens] == [t.text for t in answer.tokens]
    assert tuple(t.text for t in answer.tokens) == split_words(text).words
    assert answer.windows == len(encoded.windows)


def test_each_word_gets_the_best_tag_of_each_layer() -> None:
    task = tagging(upos=2.0)
    encoded = task.encode("The good soup. " * 2 + "one two three four five six seven")
    rows = rows_for(len(encoded.windows), time=9)
    assert [window.length for window in encoded.windows] == [4, 4, 4, 3]
    tokens = iter(task.decode(encoded, rows).tokens)
    for window, row in zip(encoded.windows, rows, strict=True):
        for place in range(window.length):
            token = next(tokens)
            for layer, tags in TAGS.items():
                probabilities = softmax(row[layer][place], 2.0 if layer == "upos" else 1.0)
                assert token.tags[layer] == tags[int(probabilities.argmax())]
                assert token.scores[layer] == pytest.approx(float(probabilities.max()))
    assert next(tokens, None) is None


def test_with_a_crf_the_best_path_and_its_exact_marginals() -> None:
    task = tagging(window_tokens=8)
    encoded = task.encode("The good soup was good.")
    (row,) = rows_for(1, time=11, chain=True)
    tokens = task.decode(encoded, [row]).tokens
    for layer, tags in TAGS.items():
        chain = Chain.unpack(row[f"{layer}_transitions"])
        emissions: NDArray[np.float32] = row[layer][: len(tokens)]
        path, exact = viterbi(emissions, chain), marginals(emissions, chain)
        assert [token.tags[layer] for token in tokens] == [tags[i] for i in path]
        expected = exact[np.arange(len(tokens)), path]
        assert [token.scores[layer] for token in tokens] == pytest.approx(expected.tolist())


def test_a_temperature_flattens_the_marginals() -> None:
    encoded = tagging().encode("good soup")
    rows = rows_for(1, time=2, chain=True)
    sharp, flat = (
        tagging(upos=temperature).distributions(encoded, rows)["upos"] for temperature in (1.0, 9.0)
    )
    np.testing.assert_allclose(flat.sum(axis=1), 1.0)
    assert (flat.max(axis=1) < sharp.max(axis=1)).all()


def test_given_words_are_tagged_one_to_one_and_stand_nowhere() -> None:
    task, words = tagging(), ["can", "not.", "", "stop . here"]
    encoded = task.encode(words)
    assert len(encoded.windows) == 1  # one sentence, whatever stops it holds
    tokens = task.decode(encoded, rows_for(1, time=4)).tokens
    assert [token.text for token in tokens] == words
    assert {(token.start, token.end) for token in tokens} == {(None, None)}


def test_a_long_list_of_given_words_is_cut_in_equal_parts() -> None:
    encoded = tagging(window_tokens=6).encode(["good"] * 20)
    assert [window.length for window in encoded.windows] == [5, 5, 5, 5]


@pytest.mark.parametrize("item", ["", " \n\u2003", []])
def test_nothing_to_tag_gives_no_tokens(item: Any) -> None:  # noqa: ANN401
    encoded = tagging().encode(item)
    answer = tagging().decode(encoded, [])
    assert encoded.windows == ()
    assert answer.to_dict() == {"tokens": [], "windows": 0}


def test_a_token_as_json() -> None:
    encoded = tagging().encode(" soup")
    token = tagging().decode(encoded, rows_for(1, time=1)).to_dict()["tokens"][0]
    assert list(token) == ["text", "start", "end", "upos", "xpos", "score"]
    assert (token["text"], token["start"], token["end"]) == ("soup", 1, 5)
    assert type(token["score"]) is float


# -- the table -----------------------------------------------------------------------------------


def parts(layers: Mapping[str, tuple[str, ...]]) -> Parts:
    return Parts(layers, split_words, VOCABULARY, FEATURES, 6, {"sentiment": 2.0, "upos": 3.0})


def test_the_table_builds_each_task_from_its_parts() -> None:
    layers = {"sentiment": LABELS}
    assert TASKS["sentiment"](parts(layers)) == sentiment(temperature=2.0)
    tagger = TASKS["tagging"](parts(TAGS))
    assert isinstance(tagger, Tagging)
    assert (tagger.layers, tagger.temperatures["upos"]) == (TAGS, 3.0)


def test_sentiment_has_one_layer() -> None:
    with pytest.raises(ModelError, match=r"one layer, 'sentiment'; not \['upos', 'xpos'\]"):
        TASKS["sentiment"](parts(TAGS))
