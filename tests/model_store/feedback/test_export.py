"""What is exported is what the readers of recipes read."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from judgements import submission

from model_store.errors import Invalid
from model_store.feedback import Span, open_feedback
from model_store.feedback.base import FeedbackBase
from model_store.feedback.export import export
from nlp.tasks.base import Aspect, AspectItem, Example
from training.formats import format_of, reader_of
from training.readers.files import BadLines, documents
from training.recipe import Source

TEXTS = ('Soup, "hot"', "two\nlines", "=1+1\tand more", "Große Suppe 🙂", "'tis, so")


@pytest.fixture
def base(tmp_path: Path) -> FeedbackBase:
    return open_feedback(f"sqlite:///{tmp_path}/feedback.sqlite3")


def read(path: Path, task: str) -> list[Example]:
    """As a run reads a file of one's own, every line of it."""
    source, bad = Source(file=str(path)), BadLines()
    read_one = reader_of(source, format_of(source, path, task=task))
    examples = [example for document in documents(path) for example in read_one(document, bad)]
    bad.check("error")
    return examples


@pytest.mark.parametrize("name", ["feedback.jsonl", "feedback.csv"])
def test_labels(base: FeedbackBase, tmp_path: Path, name: str) -> None:
    labels = ("negative", "positive", "negative", "neutral", "positive")
    base.add([submission(text, label) for text, label in zip(TEXTS, labels, strict=True)])
    assert export(base.accepted("sentiment"), tmp_path / name) == 5
    found = read(tmp_path / name, "sentiment")
    assert [(one.item, one.gold) for one in found] == list(zip(TEXTS, labels, strict=True))
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_aspects(base: FeedbackBase, tmp_path: Path) -> None:
    text = "🙂 The menu was great"
    judged = (Span(6, 10, "positive"), Span(0, 0, "negative", category="price"))
    base.add([submission(text, None, judged_spans=judged, task="aspects", predicted=None)])
    export(base.accepted("sentiment"), tmp_path / "feedback.jsonl")
    (found,) = read(tmp_path / "feedback.jsonl", "aspects")
    assert found.item == AspectItem(text, (Aspect("menu", 6, 10), Aspect("price")))
    assert found.gold == (("positive", "negative"),)


def test_tags(base: FeedbackBase, tmp_path: Path) -> None:
    text = "Soup,\nhot"
    judged = (Span(4, 5, "PUNCT"), Span(0, 4, "NOUN"), Span(6, 9, "ADJ"))
    base.add([submission(text, None, judged_spans=judged, task="tagging", predicted=None)])
    export(base.accepted("sentiment"), tmp_path / "feedback.conllu")
    (found,) = read(tmp_path / "feedback.conllu", "tagging")
    assert found.item == ("Soup", ",", "hot")
    assert found.gold == (("NOUN", "PUNCT", "ADJ"), ("_", "_", "_"))
    written = (tmp_path / "feedback.conllu").read_text("utf-8")
    assert [line.rsplit("\t", 1)[1] for line in written.splitlines() if "\t" in line] == [
        "SpaceAfter=No", "_", "_"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "name", "said"),
    [
        ("aspects", "x.csv", "a table holds labels"),
        ("tagging", "x.csv", "a table holds labels"),
        ("tagging", "x.jsonl", "tags go to .conllu"),
        ("aspects", "x.conllu", "CoNLL-U holds tags"),
        ("aspects", "x.xlsx", "must end with .jsonl, .csv, .conllu"),
    ],
)
def test_what_does_not_fit_leaves_no_file(
    base: FeedbackBase, tmp_path: Path, task: str, name: str, said: str
) -> None:
    judged = (Span(0, 4, "NOUN"),)
    base.add([submission("Soup", None, judged_spans=judged, task=task, predicted=None)])
    with pytest.raises(Invalid, match=said):
        export(base.accepted("sentiment"), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_file_is_never_written_over(base: FeedbackBase, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("mine")
    with pytest.raises(FileExistsError):
        export(base.accepted("sentiment"), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == "mine"


def test_nothing_without_a_text_is_exported(base: FeedbackBase, tmp_path: Path) -> None:
    base.add([submission("A", keep=False), submission("B", until=datetime(2026, 1, 1, tzinfo=UTC))])
    assert export(base.accepted("sentiment"), tmp_path / "x.jsonl") == 0
