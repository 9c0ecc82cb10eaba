"""Opinion words and stop words: named ones proven by digest, one's own read by line."""

from pathlib import Path

import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from worked_review import REVIEW, VECTOR

from nlp.lecture_features import NEGATIONS, lecture_features
from nlp.text import split_words
from training.datasets import VARIABLE, sha256_of
from training.errors import ChecksumError, DataError
from training.lexicons import ENGLISH, describe_lexicon, load_lexicon, stop_words
from training.linear_recipe import LexiconFiles


@pytest.fixture
def files(tmp_path: Path) -> LexiconFiles:
    positive, negative = tmp_path / "good.txt", tmp_path / "bad.txt"
    positive.write_bytes("; a remark\n\nfine\ncaf\xe9-like\nfine\n".encode("latin-1"))
    negative.write_bytes(b"poor \r\n2-faced\r\n")
    return LexiconFiles(str(positive), str(negative), encoding="latin-1", negation=True)


def test_a_lexicon_of_ones_own(files: LexiconFiles) -> None:
    lexicon = load_lexicon(files)
    assert lexicon.words == {"positive": ("fine", "café-like"), "negative": ("poor", "2-faced")}
    assert lexicon.negation
    described = describe_lexicon(files)["positive"]
    digest = sha256_of(Path(files.positive))
    assert described == {"name": "good.txt", "sha256": digest, "licence": "", "url": ""}


def test_hu_and_liu_count_our_worked_review_as_the_lecture_counts_its_own(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(data))
    lexicon = load_lexicon(LexiconFiles())
    assert {name: len(words) for name, words in lexicon.words.items()} == {
        "positive": 2006,
        "negative": 4783,
    }
    assert "naïve" in lexicon.words["negative"]  # the file is latin-1
    found = lecture_features(split_words(REVIEW).words, lexicon).values
    assert found.tolist() == pytest.approx(VECTOR, abs=5e-3)
    assert {one["licence"][:9] for one in describe_lexicon(LexiconFiles()).values()} == {
        "CC BY 4.0"
    }


def test_an_altered_or_absent_lexicon_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match=r"the data folder has no opinion_lexicon_hu_liu/positive"):
        load_lexicon(LexiconFiles())
    folder = tmp_path / "opinion_lexicon_hu_liu"
    folder.mkdir()
    (folder / "positive-words.txt").write_text("good\n")
    with pytest.raises(ChecksumError, match="is not the file that the catalogue names"):
        load_lexicon(LexiconFiles())


def test_files_that_hold_no_words_are_refused(files: LexiconFiles, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no word list 'nowhere\.txt'"):
        load_lexicon(LexiconFiles("nowhere.txt"))
    with pytest.raises(DataError, match=r"good\.txt is not text in utf-8"):
        load_lexicon(LexiconFiles(files.positive, files.negative))
    (tmp_path / "empty.txt").write_text("; nothing\n")
    with pytest.raises(DataError, match=r"empty\.txt holds no words"):
        stop_words(str(tmp_path / "empty.txt"))


def test_stop_words_by_name_and_by_file(tmp_path: Path) -> None:
    assert stop_words("none") == frozenset()
    assert stop_words("sklearn") == ENGLISH_STOP_WORDS
    own = tmp_path / "own.txt"
    own.write_text("The\n’s\n", encoding="utf-8")
    assert stop_words(str(own)) == {"the", "'s"}


def test_our_stop_words_leave_what_turns_an_opinion() -> None:
    assert stop_words("english") == ENGLISH
    assert not ENGLISH & {*NEGATIONS, "nor", "but", "too", "very", "few", "less", "least"}
    assert {"the", "and", "of", "'s"} <= ENGLISH
