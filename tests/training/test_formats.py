"""Formats of files of one's own: by name or as set, each fit for its tasks."""

from pathlib import Path
from typing import get_args

import pytest

from training.aspects import ASPECT_TASKS
from training.errors import DataError
from training.formats import existing_file, format_of, reader_of, text_reader
from training.readers.aspect_json import AspectJson
from training.readers.conllu import Conllu
from training.readers.labelled import Columns, JsonLines, LabelFirst
from training.readers.plain import PlainText
from training.readers.semeval import SemEval
from training.readers.three_lines import ThreeLines
from training.readers.tuples import Quadruples, SpanQuadruples, Triplets
from training.recipe import Format, Source


@pytest.mark.parametrize(
    ("name", "task", "form"),
    [
        ("a.csv", "sentiment", "csv"),
        ("a.tsv.xz", "sentiment", "tsv"),
        ("a.jsonl", "sentiment", "jsonl"),
        ("a.jsonl", "aspects", "aspects"),
        ("a.jsonl", "language-model", "jsonl"),
        ("a.txt.gz", "language-model", "text"),
        ("a.conllu", "tagging", "conllu"),
        ("a.xml", "pairs", "semeval"),
        ("a.xml.seg", "extraction", "three-line"),
    ],
)
def test_the_name_tells_the_format(name: str, task: str, form: str) -> None:
    assert format_of(Source(file=name), Path(name), task=task) == form


@pytest.mark.parametrize(
    ("form", "reader"),
    [
        ("labelled", LabelFirst),
        ("csv", Columns),
        ("tsv", Columns),
        ("jsonl", JsonLines),
        ("conllu", Conllu),
        ("text", PlainText),
        ("semeval", SemEval),
        ("mams", SemEval),
        ("three-line", ThreeLines),
        ("aste", Triplets),
        ("asqp", Quadruples),
        ("acos", SpanQuadruples),
        ("aspects", AspectJson),
    ],
)
def test_every_format_has_a_reader_with_the_sources_labels(form: str, reader: type) -> None:
    source = Source(file="a", labels={"fine": "positive"})
    made = reader_of(source, form)
    assert isinstance(made, reader)
    meaning = getattr(made, "meaning", made)
    assert getattr(meaning, "labels", source.labels) == {"fine": "positive"}


def test_no_format_is_without_a_reader() -> None:
    for form in get_args(Format):
        if form != "auto":
            assert callable(reader_of(Source(file="a"), form))
            assert callable(text_reader(Source(file="a"), form))


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("a.csv", "tagging", r"a\.csv: the format csv does not fit the task tagging, but: conllu"),
        (
            "a.xml",
            "sentiment",
            "the format semeval does not fit the task sentiment, but: labelled, csv",
        ),
        ("a.csv", "aspects", "the format csv does not fit the task aspects, but: semeval, mams"),
        ("a.txt", "sentiment", "its name does not tell the format; set format to labelled, csv"),
        ("a.dat", "pairs", "its name does not tell the format; set format to semeval, mams"),
    ],
)
def test_a_format_that_does_not_fit_is_refused(name: str, task: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        format_of(Source(file=name), Path(name), task=task)


@pytest.mark.parametrize("task", ["sentiment", "tagging", "language-model", *ASPECT_TASKS])
def test_a_format_that_is_set_counts_more_than_the_name(task: str) -> None:
    form = {"sentiment": "tsv", "tagging": "conllu", "language-model": "labelled"}.get(task, "acos")
    source = Source(file="a.txt", format=form)  # type: ignore[arg-type]
    assert format_of(source, Path("a.txt"), task=task) == form


def test_a_file_is_looked_for_here_and_then_among_the_shipped_recipes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert existing_file(Source(file="everyday.tsv")).parent.name == "recipes"
    (tmp_path / "everyday.tsv").touch()
    assert existing_file(Source(file="everyday.tsv")) == Path("everyday.tsv")
    with pytest.raises(DataError, match=r"there is no data file 'none\.csv'"):
        existing_file(Source(file="none.csv"))
