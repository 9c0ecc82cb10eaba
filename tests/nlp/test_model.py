"""A model: batches cut by budget, rows put back in order, and manifests that are refused."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.errors import EMPTY_TEXT, ModelError, TextError
from nlp.features import Features
from nlp.manifest import MANIFEST
from nlp.model import VOCABULARY, Model, batches
from nlp.tasks.base import Arrays
from nlp.tasks.sentiment import Sentiment, SentimentAnswer
from nlp.text import split_words
from nlp.vocabulary import build_vocabulary

Export = Callable[..., tuple[Model, Path]]
Change = Callable[[dict[str, Any]], object]


# -- batches -------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 300)), st.integers(1, 1000))
def test_batches_keep_to_the_budget_and_lose_nothing(lengths: list[int], budget: int) -> None:
    cut = list(batches(lengths, budget))
    assert sorted(place for batch in cut for place in batch) == list(range(len(lengths)))
    for batch in cut:
        longest = max(lengths[place] for place in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget


@given(st.lists(st.integers(1, 300)), st.integers(1, 1000))
def test_batches_hold_neighbours_in_length(lengths: list[int], budget: int) -> None:
    ordered = [lengths[place] for batch in batches(lengths, budget) for place in batch]
    assert ordered == sorted(lengths)


def test_a_batch_is_as_full_as_the_budget_allows() -> None:
    assert list(batches([5, 1, 5, 1, 9], 10)) == [[1, 3], [0, 2], [4]]
    assert list(batches([], 10)) == []


# -- answers in order ----------------------------------------------------------------------------


class CountingRuntime:
    """A runtime whose logit for `positive` is the number of words it was given; notes shapes."""

    name = "counting"
    device = "cpu"

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run(self, arrays: Arrays) -> Arrays:
        self.shapes.append(arrays["words"].shape)
        lengths = (arrays["words"] > 0).sum(axis=1).astype(np.float32)
        return {"sentiment": np.stack([np.zeros_like(lengths), lengths], axis=1)}


@pytest.fixture
def counting() -> tuple[Model, CountingRuntime]:
    vocabulary = build_vocabulary(["good"], lowercase=True)
    labels, runtime = ("negative", "positive"), CountingRuntime()
    task = Sentiment(labels, split_words, vocabulary, Features(("words",)), window_tokens=8)
    return Model({}, task, runtime), runtime


def expected_score(windows: Iterable[int]) -> float:
    """The mean of the windows' probabilities, weighted by their words."""
    lengths = np.array(list(windows), dtype=np.float64)
    return float(np.average(1 / (1 + np.exp(-lengths)), weights=lengths))


def test_answers_come_in_the_order_of_the_items(counting: tuple[Model, CountingRuntime]) -> None:
    model, runtime = counting
    items = ["good " * n for n in (3, 20, 1, 8, 2)]
    answers = model.answer(items, batch_tokens=16)
    expected = [[3], [7, 6, 7], [1], [8], [2]]
    for answer, windows in zip(answers, expected, strict=True):
        assert isinstance(answer, SentimentAnswer)
        assert answer.windows == len(windows)
        assert answer.score == pytest.approx(expected_score(windows))
    assert all(rows * time <= 16 for rows, time in runtime.shapes)
    assert sum(rows for rows, _ in runtime.shapes) == 7


def test_one_by_one_is_all_at_once(counting: tuple[Model, CountingRuntime]) -> None:
    model, _ = counting
    items = ["good " * n for n in range(1, 30)]
    assert model.answer(items) == [model.answer([item])[0] for item in items]


def test_no_items_are_no_answers(counting: tuple[Model, CountingRuntime]) -> None:
    model, runtime = counting
    assert model.answer([]) == []
    assert runtime.shapes == []


def test_read_gives_each_item_its_windows_rows(counting: tuple[Model, CountingRuntime]) -> None:
    model, _ = counting
    read = model.read(["good " * 12, ["good"]], batch_tokens=8)
    assert [[float(row["sentiment"][1]) for row in rows] for _, rows in read] == [[6, 6], [1]]
    assert [encoded.tokens for encoded, _ in read] == [12, 1]


def test_an_item_without_words_is_refused(counting: tuple[Model, CountingRuntime]) -> None:
    with pytest.raises(TextError) as refused:
        counting[0].answer(["fine", " "])
    assert refused.value.code == EMPTY_TEXT


# -- real models ---------------------------------------------------------------------------------


def test_a_long_text_is_windowed_and_nothing_is_lost(export: Export) -> None:
    model, _ = export("tagging", "bilstm-tagger")
    text = "The waiter smiled. " * 100 + "Rome " * 150
    (answer,) = model.answer([text])
    tokens = answer.to_dict()["tokens"]
    assert len(tokens) == 550
    assert answer.to_dict()["windows"] == 100 + 3
    assert all(text[token["start"] : token["end"]] == token["text"] for token in tokens)


def test_white_space_alone_gives_no_tokens(export: Export) -> None:
    model, _ = export("tagging", "bilstm-tagger")
    blank, words = model.answer([" \r\n", "Rome is lovely"])
    assert blank.to_dict() == {"tokens": [], "windows": 0}
    assert [token["text"] for token in words.to_dict()["tokens"]] == ["Rome", "is", "lovely"]


# -- manifests -----------------------------------------------------------------------------------


@pytest.fixture
def folder(export: Export, tmp_path: Path) -> Path:
    """A copy to damage."""
    target = tmp_path / "model"
    shutil.copytree(export("sentiment", "textcnn")[1], target)
    return target


def rewrite(folder: Path, change: Change) -> None:
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")


KEYS = (
    *("task", "architecture", "sizes", "layers", "calibration.temperatures", "text.tokenizer"),
    *("text.lowercase", "text.trained", "text.features", "text.alphabet", "text.window_tokens"),
)


@pytest.mark.parametrize("key", KEYS)
def test_a_manifest_without_a_key_is_refused_and_the_key_named(folder: Path, key: str) -> None:
    *outer, last = key.split(".")

    def drop(manifest: dict[str, Any]) -> None:
        for part in outer:
            manifest = manifest[part]
        del manifest[last]

    rewrite(folder, drop)
    with pytest.raises(ModelError, match=rf"manifest\.json lacks the key '{key}'"):
        Model.load(folder)


WRONG: tuple[object, ...] = (None, -1, 0, 1.5, [], [1], ["a", "a"], [[]])


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        *((key, wrong) for key in KEYS for wrong in WRONG),
        *((key, {"a": 1}) for key in KEYS if key not in ("sizes", "calibration.temperatures")),
    ],
)
def test_a_manifest_with_a_value_of_the_wrong_kind_is_refused(
    folder: Path, key: str, wrong: object
) -> None:
    *outer, last = key.split(".")

    def damage(manifest: dict[str, Any]) -> None:
        for part in outer:
            manifest = manifest[part]
        manifest[last] = wrong

    rewrite(folder, damage)
    with pytest.raises(ModelError, match=rf"manifest\.json: {key} must be "):
        Model.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(task="poetry"), "unknown task 'poetry'; known: aspects, extraction, "),
        (lambda m: m.update(text=3), "lacks the key 'text.tokenizer'"),
        (lambda m: m["text"].update(tokenizer="moses"), "unknown tokenizer 'moses'"),
        (lambda m: m["text"].update(features=["words", "ngrams"]), r"unknown features \['ngrams'"),
        (lambda m: m["text"].update(trained=10**6), "trained is 1000000"),
        (lambda m: m["text"].update(lowercase="yes"), "text.lowercase must be true or false"),
        (lambda m: m.update(layers={"upos": ["A", "B"]}), "a sentiment model has one layer"),
        (lambda m: m["layers"].update(sentiment=["a", "a"]), "layers must be an object of lists"),
        (lambda m: m["calibration"]["temperatures"].update(sentiment=0), "temperatures must be"),
        (lambda m: m["calibration"]["temperatures"].update(sentiment=True), "temperatures must"),
        (lambda m: m["calibration"]["temperatures"].update(sentiment=float("nan")), "temperatur"),
        (lambda m: m["calibration"]["temperatures"].update(sentiment=10**400), "temperatures mu"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(
    folder: Path, change: Change, message: str
) -> None:
    rewrite(folder, change)
    with pytest.raises(ModelError, match=message):
        Model.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(architecture="lstm"), "unknown architecture 'lstm'; known: "),
        (lambda m: m["sizes"].update(depth=3), r"textcnn has no size \['depth'\]"),
        (lambda m: m["sizes"].pop("words"), "textcnn cannot be built of these sizes"),
        (lambda m: m["sizes"].update(filters="many"), "textcnn cannot be built of these sizes"),
        (lambda m: m["sizes"].update(filters=-3), "textcnn cannot be built of these sizes"),
        (lambda m: m["sizes"].update(filters=13), "does not fit the architecture 'textcnn'"),
        (lambda m: m["sizes"].update(channels="frozen"), "unknown channels 'frozen'"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_by_torch(
    folder: Path, change: Change, message: str
) -> None:
    rewrite(folder, change)
    with pytest.raises(ModelError, match=message):
        Model.load(folder, runtime="torch")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "must hold one object"),
        (None, "manifest.json is missing"),
    ],
    ids=["cut", "no unicode", "deep", "a list", "none"],
)
def test_no_manifest_at_all(folder: Path, content: bytes | None, message: str) -> None:
    (folder / MANIFEST).unlink()
    if content is not None:
        (folder / MANIFEST).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        Model.load(folder)


def test_a_missing_vocabulary_is_refused(folder: Path) -> None:
    (folder / VOCABULARY).unlink()
    with pytest.raises(ModelError, match=r"vocabulary\.txt is missing"):
        Model.load(folder)


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"manifest\.json is missing"):
        Model.load(tmp_path)
