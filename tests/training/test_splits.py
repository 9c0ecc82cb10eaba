"""From a recipe to splits: the cut, the leaks, the typed form, and the test split kept apart."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.tasks.base import Example
from training.audit import example_key
from training.errors import AuditError, DataError
from training.recipe import Recipe, Source, from_dict
from training.splits import Splits, cut_dev, prepare, read_all, read_source, read_test

WORDS = ("bright", "warm", "slow", "grey", "odd", "loud", "thin", "sweet", "flat", "quick")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """train.csv: 100 texts; dev.csv: 10 of its own and 2 of train; test.csv likewise."""
    train = [f"a {a} {b} film , really ." for a in WORDS for b in WORDS]
    write(tmp_path / "train.csv", train)
    write(tmp_path / "dev.csv", [f"dev {a}" for a in WORDS] + train[:2])
    write(tmp_path / "test.csv", [f"test {a}" for a in WORDS] + train[2:4])
    return tmp_path


def write(path: Path, texts: list[str]) -> None:
    labels = ("good", "bad")
    rows = [f'"{text}",{labels[n % 2]}' for n, text in enumerate(texts)]
    path.write_text("\n".join(["text,label", *rows, ""]), encoding="utf-8")


def recipe_in(folder: Path, *, dev: object = "dev.csv", **more: object) -> Recipe:
    data: dict[str, Any] = {
        "train": [{"file": str(folder / "train.csv"), "tokenised": True}],
        "dev": [str(folder / dev)] if isinstance(dev, str) else dev,
        "test": [str(folder / "test.csv")],
    }
    audit = more.pop("audit", {"allow": ["leaks"]})
    raw = {
        "name": "moods",
        "task": "sentiment",
        "data": data | more,
        "audit": audit,
        "network": {"architecture": "textcnn"},
    }
    return from_dict(raw)


def texts(examples: tuple[Example, ...]) -> list[str]:
    return [str(example.item) for example in examples]


def test_the_loop_gets_no_test_split() -> None:
    assert [field.name for field in dataclasses.fields(Splits)] == ["train", "dev"]


def test_prepared_splits_and_their_account(folder: Path) -> None:
    prepared = prepare(recipe_in(folder))
    assert (len(prepared.splits.train), len(prepared.splits.dev)) == (100, 12)
    assert [record.name for record in prepared.sources["test"]] == ["test.csv"]
    assert prepared.audit.share("leaks", "train+dev") == pytest.approx(2 / 12)
    account = prepared.to_dict()
    assert account["examples"] == {"train": 100, "dev": 12}
    assert account["sources"]["train"][0]["examples"] == 100
    assert account["dropped_leaks"] == account["detokenised"] == 0
    assert "film" not in str(account)


def test_the_scorer_opens_the_test_split(folder: Path) -> None:
    recipe = recipe_in(folder)
    assert len(read_test(recipe)) == 12
    assert [len(split) for split in read_all(recipe).values()] == [100, 12, 12]
    assert len(read_source(recipe, Source.from_text(str(folder / "dev.csv")))) == 12
    with pytest.raises(DataError, match="the recipe names no test split"):
        read_test(recipe_in(folder, test=[]))


def test_leaks_are_refused_or_dropped_from_train(folder: Path) -> None:
    with pytest.raises(AuditError, match=r"leaks in train\+dev: 2 of 12"):
        prepare(recipe_in(folder, audit={}))
    prepared = prepare(recipe_in(folder, audit={"drop_leaks": True}))
    assert prepared.dropped_leaks == 4
    assert len(prepared.splits.train) == 96
    assert len(prepared.splits.dev) == 12


def test_dev_cut_from_train_is_stratified_seeded_and_apart(folder: Path) -> None:
    cut = {"split_from_train": 0.2}
    one, again = (prepare(recipe_in(folder, dev=cut)) for _ in range(2))
    assert one.splits == again.splits
    assert Counter(e.gold for e in one.splits.dev) == {"good": 10, "bad": 10}
    assert len(one.splits.train) == 80
    assert not {*texts(one.splits.train)} & {*texts(one.splits.dev)}
    assert one.sources["dev"] == ()
    other = prepare(dataclasses.replace(recipe_in(folder, dev=cut), seed=14))
    assert other.splits != one.splits


def test_a_cut_that_cuts_nothing_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="cuts off no example"):
        prepare(recipe_in(folder, dev={"split_from_train": 0.001}))


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40), st.floats(0.05, 0.5))
def test_equal_texts_are_cut_together(words: list[str], share: float) -> None:
    examples = [Example(word + "!" * (n % 3), "x") for n, word in enumerate(words)]
    marks = cut_dev(examples, share, seed=3)
    keys = {
        mark: {example_key(e) for e, m in zip(examples, marks, strict=True) if m == mark}
        for mark in (True, False)
    }
    assert not keys[True] & keys[False]
    assert len(keys[True]) == round(share * len(set(words)))


def test_tagged_sentences_are_cut_without_labels() -> None:
    examples = [Example((word,), (("ADJ",), ("JJ",))) for word in WORDS]
    assert sum(cut_dev(examples, 0.3, seed=1)) == 3


def test_a_limit_takes_a_sample_of_each_source(folder: Path) -> None:
    prepared = prepare(recipe_in(folder, limit=7))
    assert (len(prepared.splits.train), len(prepared.splits.dev)) == (7, 7)
    smaller = [{"file": str(folder / "train.csv"), "limit": 5}]
    assert len(prepare(recipe_in(folder, limit=7, train=smaller)).splits.train) == 5


def test_a_share_of_the_tokenised_texts_is_typed(folder: Path) -> None:
    half = prepare(recipe_in(folder, detokenise=0.5))
    typed = [text for text in texts(half.splits.train) if text.startswith("A ")]
    assert len(typed) == half.detokenised
    assert 30 < len(typed) < 70
    assert all(text.endswith("film, really.") for text in typed)
    assert half.splits == prepare(recipe_in(folder, detokenise=0.5)).splits
    assert not any(text.startswith("Dev") for text in texts(half.splits.dev))


def test_typed_forms_may_be_added_to_the_others(folder: Path) -> None:
    both = prepare(recipe_in(folder, detokenise=1.0, detokenise_adds=True))
    assert len(both.splits.train) == 200
    assert both.detokenised == 100
    assert both.audit.share("duplicates", "train") == 0
    only = prepare(recipe_in(folder, detokenise=1.0))
    assert all(text.startswith("A ") for text in texts(only.splits.train))


def test_texts_that_are_not_tokenised_stay(folder: Path) -> None:
    train = [str(folder / "train.csv")]
    assert prepare(recipe_in(folder, detokenise=1.0, train=train)).detokenised == 0


def test_a_dev_label_that_train_has_not_is_refused(folder: Path) -> None:
    (folder / "dev.csv").write_text("text,label\nfine,neutral\n", encoding="utf-8")
    with pytest.raises(DataError, match="dev has labels that train has not: neutral"):
        prepare(recipe_in(folder))
