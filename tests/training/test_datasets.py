"""Sources to Examples: named sets by digest, files by format, samples by seed."""

import lzma
from collections import Counter
from pathlib import Path

import pytest

from nlp.tasks.base import Example
from training.audit import example_key
from training.catalogue import DATASETS
from training.datasets import (
    data_folder,
    find_dataset,
    load,
    load_texts,
    sample,
    sha256_of,
    verified,
)
from training.digests import SHA256
from training.errors import ChecksumError, DataError, MalformedLinesError
from training.recipe import Source

CSV = "text,label\nA warm film.,good\nToo long.,bad\nOn tape.,none\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


@pytest.fixture
def real(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VALENCE_DATA", str(data))
    return data


def golds(source: Source, task: str = "sentiment") -> Counter[object]:
    return Counter(example.gold for example in load(source, task=task).examples)


# Files of one's own


def test_a_csv_file_with_its_labels_renamed_and_one_left_out(own: Path) -> None:
    labels = {"good": "positive", "bad": "negative", "none": ""}
    loaded = load(Source(file=str(own), labels=labels), task="sentiment")
    assert loaded.examples == (
        Example("A warm film.", "positive", "own.csv:2"),
        Example("Too long.", "negative", "own.csv:3"),
    )
    assert loaded.record.name == "own.csv"
    assert loaded.record.files == {"own.csv": sha256_of(own)}
    assert loaded.record.to_dict()["examples"] == 2
    assert not loaded.tokenised


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.tsv", "text\tlabel\nfine\tgood\n", "auto"),
        ("a.jsonl", '{"text": "fine", "label": "good"}\n', "auto"),
        ("a.jsonl.xz", '{"text": "fine", "label": "good"}\n', "auto"),
        ("a.txt", "good fine\n", "labelled"),
        ("a.data", "text,label\nfine,good\n", "csv"),
    ],
)
def test_the_format_goes_by_the_name_or_is_given(
    tmp_path: Path, name: str, content: str, form: str
) -> None:
    raw = content.encode()
    (tmp_path / name).write_bytes(lzma.compress(raw) if name.endswith("xz") else raw)
    source = Source(file=str(tmp_path / name), format=form)  # type: ignore[arg-type]
    (example,) = load(source, task="sentiment").examples
    assert (example.item, example.gold) == ("fine", "good")


def test_a_treebank_of_ones_own_has_its_version(tmp_path: Path) -> None:
    line = "1\tHello\t_\tINTJ\tUH\t_\t_\t_\t_\t_\n\n"
    (tmp_path / "own.conllu").write_text(line, encoding="utf-8")
    (tmp_path / "README.md").write_text("2025 v2.16", encoding="utf-8")
    loaded = load(Source(file=str(tmp_path / "own.conllu")), task="tagging")
    assert loaded.examples == (Example(("Hello",), (("INTJ",), ("UH",)), "own.conllu:1"),)
    assert loaded.record.version == "2.16"


def test_malformed_lines_refuse_or_are_skipped_and_counted(own: Path) -> None:
    own.write_text(CSV + "alone\n", encoding="utf-8")
    source = Source(file=str(own))
    with pytest.raises(MalformedLinesError, match=r"own\.csv:5: 1 columns instead of 2"):
        load(source, task="sentiment")
    loaded = load(source, task="sentiment", on_bad_line="skip")
    assert (loaded.record.examples, loaded.record.malformed) == (3, 1)


@pytest.mark.parametrize(
    ("source", "task", "message"),
    [
        (Source(file="none.csv"), "sentiment", "there is no data file 'none.csv'"),
        (Source(dataset="sst3:train"), "sentiment", "no data set 'sst3'; did you mean 'sst"),
        (
            Source(dataset="sst2:tran"),
            "sentiment",
            "sst2 has no split 'tran'; did you mean 'train'",
        ),
        (
            Source(dataset="sst2:train"),
            "tagging",
            "sst2 is for sentiment and language-model, not for tagging",
        ),
    ],
)
def test_a_source_that_cannot_be_read_is_refused(source: Source, task: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load(source, task=task)
    assert message in str(caught.value)


def test_a_file_of_an_unknown_or_unfit_format_is_refused(own: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the format csv does not fit the task tagging, but: con"):
        load(Source(file=str(own)), task="tagging")
    (tmp_path / "own.dat").touch()
    with pytest.raises(DataError, match="its name does not tell the format"):
        load(Source(file=str(tmp_path / "own.dat")), task="sentiment")


def test_a_source_without_examples_is_refused(own: Path) -> None:
    own.write_text("text,label\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"own\.csv holds no examples"):
        load(Source(file=str(own)), task="sentiment")


# Samples


def test_a_sample_is_seeded_keeps_the_order_and_differs_by_name() -> None:
    examples = [Example(str(number), "x") for number in range(100)]

    def drawn(seed: int, name: str) -> list[int]:
        return [int(str(e.item)) for e in sample(examples, 20, seed=seed, name=name)]

    assert drawn(1, "a") == drawn(1, "a") == sorted(set(drawn(1, "a")))
    assert len(drawn(1, "a")) == 20
    assert len({tuple(drawn(1, "a")), tuple(drawn(2, "a")), tuple(drawn(1, "b"))}) == 3
    assert sample(examples, 100, seed=1, name="a") == tuple(examples)
    assert sample(examples, None, seed=1, name="a") == tuple(examples)


# The data folder


def test_an_unset_or_absent_folder_says_where_the_data_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VALENCE_DATA", raising=False)
    with pytest.raises(DataError, match="VALENCE_DATA is not set"):
        data_folder()
    monkeypatch.setenv("VALENCE_DATA", str(tmp_path / "none"))
    with pytest.raises(DataError, match=r"does not exist.*comes from https://nlp\.stanford\.edu"):
        load(Source(dataset="sst2:dev"), task="sentiment")
    monkeypatch.setenv("VALENCE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"has no sst/stsa\.binary\.dev; it comes from https"):
        load(Source(dataset="sst2:dev"), task="sentiment")


def test_an_altered_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VALENCE_DATA", str(tmp_path))
    (tmp_path / "sst").mkdir()
    (tmp_path / "sst" / "stsa.binary.dev").write_text("1 fine\n", encoding="utf-8")
    with pytest.raises(ChecksumError, match="is not the file that the catalogue names: sha256"):
        load(Source(dataset="sst2:dev"), task="sentiment")
    path = tmp_path / "own.txt"
    path.touch()
    assert verified("own.txt", expected=sha256_of(path), url="https://example.org") == path


# The catalogue


def test_every_file_of_the_catalogue_has_a_digest_and_none_is_left_over() -> None:
    parts = [p for d in DATASETS.values() for split in d.splits.values() for p in split]
    assert {part.file for part in parts} == set(SHA256)
    assert all(bool(part.reader) != bool(part.members) for part in parts)
    assert all(len(digest) == 64 for digest in SHA256.values())


def test_every_data_set_says_where_it_comes_from_and_under_which_terms() -> None:
    for name, dataset in DATASETS.items():
        assert find_dataset(name) is dataset
        assert dataset.url.startswith("https://")
        assert dataset.licence
        assert dataset.version
        assert dataset.note.endswith(".")
        assert set(dataset.without) | set(dataset.without.values()) <= set(dataset.splits)


# The real data: published counts


@pytest.mark.parametrize(
    ("source", "positive", "negative"),
    [
        ("sst2:train", 3610, 3310),
        ("sst2:dev", 444, 428),
        ("sst2:test", 909, 912),
        ("sst2:phrases", 42259, 34702),
        ("mr:all", 5331, 5331),
        ("cr:all", 2405, 1366),
        ("mpqa:all", 3311, 7292),
        ("fdu_mtl:test", 2189, 2211),
        ("yelp_sentences:dev", 38205, 25278),
        ("dynasent_binary:r2_dev", 240, 240),
    ],
)
def test_two_class_sets_have_their_counts(
    real: Path, source: str, positive: int, negative: int
) -> None:
    assert real.is_dir()
    assert golds(Source(dataset=source)) == {"positive": positive, "negative": negative}


@pytest.mark.parametrize(
    ("source", "positive", "neutral", "negative"),
    [
        ("semeval2017_task4:2013_train", 3640, 4586, 1458),
        ("semeval2017_task4:2016_test", 7059, 10342, 3231),
        ("dynasent:r1_dev", 1200, 1200, 1200),
    ],
)
def test_three_class_sets_have_their_counts(
    real: Path, source: str, positive: int, neutral: int, negative: int
) -> None:
    assert real.is_dir()
    counts = {"positive": positive, "neutral": neutral, "negative": negative}
    assert golds(Source(dataset=source)) == counts


@pytest.mark.parametrize(
    ("source", "items"),
    [
        ("sst5:train", 8544),
        ("sst5:dev", 1101),
        ("sst5:test", 2210),
        ("subj:all", 10_000),
        ("trec:train", 5452 - 11),
        ("trec:test", 500),
    ],
)
def test_other_sets_have_their_sizes(real: Path, source: str, items: int) -> None:
    assert real.is_dir()
    assert len(load(Source(dataset=source), task="sentiment").examples) == items


@pytest.mark.parametrize(
    ("source", "sentences", "words"),
    [
        ("ud_english_ewt:train", 12_544, 204_577),
        ("ud_english_ewt:dev", 2_001, 25_147),
        ("ud_english_ewt:test", 2_077, 25_094),
        ("ud_french_sequoia:dev", 412, 9_999),
    ],
)
def test_treebanks_have_their_sizes(real: Path, source: str, sentences: int, words: int) -> None:
    assert real.is_dir()
    loaded = load(Source(dataset=source), task="tagging")
    assert len(loaded.examples) == sentences
    assert sum(len(e.item) for e in loaded.examples if isinstance(e.item, tuple)) == words
    assert loaded.record.malformed == 0
    assert loaded.record.version == "2.16"


def test_known_malformed_lines_of_a_verified_file_are_counted(real: Path) -> None:
    assert real.is_dir()
    record = load(Source(dataset="mpqa:all"), task="sentiment").record
    assert (record.examples, record.malformed) == (10_603, 3)
    assert list(record.files) == ["mpqa.all"]


def test_labels_of_a_named_set_can_be_renamed_and_left_out(real: Path) -> None:
    assert real.is_dir()
    labels = {"neutral": "", "negative": "bad"}
    found = golds(Source(dataset="dynasent:r2_dev", labels=labels))
    assert found == {"positive": 240, "bad": 240}


def test_source_escapes_are_undone(real: Path) -> None:
    assert real.is_dir()
    texts = [str(e.item) for e in load(Source(dataset="sst2:train"), task="sentiment").examples]
    assert not any("-lrb-" in text or "``" in text or "\\/" in text for text in texts)
    assert sum("(" in text for text in texts) > 200


def test_amazon_reviews_are_distinct_and_read_from_inside_their_archive(real: Path) -> None:
    assert real.is_dir()
    loaded = load(Source(dataset="amazon_reviews:train"), task="sentiment")
    keys = {example_key(example) for example in loaded.examples}
    assert len(keys) == len(loaded.examples) > 50_000
    assert loaded.tokenised


def test_imdb_train_holds_no_text_of_its_test_split(real: Path) -> None:
    assert real.is_dir()
    assert DATASETS["imdb"].without == {"train": "test"}
    train = load(Source(dataset="imdb:train"), task="sentiment")
    assert 22_541 - 123 <= len(train.examples) < 22_541
    assert not any("<br" in str(example.item) for example in train.examples)


# Texts alone


def test_texts_of_ones_own_files(tmp_path: Path, own: Path) -> None:
    (tmp_path / "a.txt").write_text("one fine day\n\nanother\n", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text('{"text": "no label here"}\n{}\n', encoding="utf-8")
    assert list(load_texts(str(tmp_path / "a.txt"))) == ["one fine day", "another"]
    assert list(load_texts(Source(file=str(tmp_path / "a.jsonl")))) == ["no label here"]
    assert list(load_texts(str(own))) == ["A warm film.", "Too long.", "On tape."]
    with pytest.raises(DataError, match="there is no data file"):
        list(load_texts(str(tmp_path / "none.txt")))


def test_texts_of_named_sets_labelled_or_not(real: Path) -> None:
    assert real.is_dir()
    assert len(list(load_texts("fdu_mtl:unlabel"))) == 22_000
    assert len(list(load_texts("sst2:dev"))) == 872
    assert len(list(load_texts("mams_atsa:dev"))) == 500
    assert all(" " in text or text for text in load_texts("ud_french_sequoia:dev"))
    with pytest.raises(DataError, match="has no split 'deb'; did you mean 'dev'"):
        list(load_texts("sst2:deb"))


def test_an_unlabelled_split_is_no_training_data(real: Path) -> None:
    assert real.is_dir()
    with pytest.raises(DataError, match="imdb:unsup has no labels"):
        load(Source(dataset="imdb:unsup"), task="sentiment")
