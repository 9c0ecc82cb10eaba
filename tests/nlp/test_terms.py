"""n-grams against scikit-learn's, and an extractor through its folder."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from nlp.errors import ModelError
from nlp.extractors import load_extractor
from nlp.lecture_features import Lexicon
from nlp.terms import Grams, LinearExtractor, Terms

words = st.lists(st.sampled_from(["The", "the", "soup", "was", "not", "bad", "."]), max_size=12)
EXTRACTOR = LinearExtractor(
    Terms(["soup", "not bad", "was", "…"], Grams(2, True, frozenset({"the"}))),
    Lexicon(["good"], ["bad", "second-rate"], negation=True),
)


@given(words, st.integers(1, 4), st.booleans())
def test_ngrams_are_scikit_learns(text: list[str], longest: int, stop: bool) -> None:
    analyse = CountVectorizer(
        tokenizer=str.split,
        token_pattern=None,
        ngram_range=(1, longest),
        stop_words=["the", "was"] if stop else None,
    ).build_analyzer()
    grams = Grams(longest, True, frozenset({"the", "was"} if stop else ()))
    assert sorted(grams(text)) == sorted(analyse(" ".join(text)))


def test_terms_are_counted_once_each_with_their_counts() -> None:
    terms = Terms(["soup", "the soup", "cold"], Grams(2))
    arrays = terms.arrays(["The", "soup", ",", "the", "SOUP", "cold", "tea"])
    assert arrays["terms"].tolist() == [1, 3, 2]
    assert arrays["counts"].tolist() == [2, 1, 2]


def test_a_text_without_known_terms_has_none() -> None:
    arrays = EXTRACTOR.arrays(["tea"])
    assert [len(arrays[name]) for name in ("terms", "counts", "lecture")] == [0, 0, 6]
    assert EXTRACTOR.positions(["a", "b"]) == [1, 1]


def test_case_may_count() -> None:
    assert list(Grams(1, lowercase=False)(["The", "the"])) == ["The", "the"]


@pytest.mark.parametrize(
    "extractor",
    [
        EXTRACTOR,
        LinearExtractor(Terms(["a b"], Grams(2, lowercase=False))),
        LinearExtractor(lexicon=Lexicon(["good"], ["bad"])),
    ],
    ids=["both", "terms", "lecture"],
)
def test_a_saved_extractor_comes_back(extractor: LinearExtractor, tmp_path: Path) -> None:
    extractor.save(tmp_path)
    loaded = load_extractor(extractor.options(), tmp_path)
    assert loaded is not None
    assert loaded.options() == extractor.options()
    assert loaded.names == extractor.names
    for text in (["The", "soup", "was", "not", "bad", "."], ["a", "b"], ["not", "good"]):
        expected, found = extractor.arrays(text), loaded.arrays(text)
        assert {k: v.tolist() for k, v in found.items()} == {
            k: v.tolist() for k, v in expected.items()
        }


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ngrams": 9}, "ngrams must be a whole number from 0 to 5"),
        ({"ngrams": True}, "ngrams must be a whole number"),
        ({"lexicon": 1}, "lexicon must be true or false"),
        ({"ngrams": 0, "lexicon": False}, "reads terms or the lecture's features"),
    ],
)
def test_wrong_options_are_refused(changed: dict[str, Any], message: str, tmp_path: Path) -> None:
    EXTRACTOR.save(tmp_path)
    with pytest.raises(ModelError, match=message):
        load_extractor({**EXTRACTOR.options(), **changed}, tmp_path)


@pytest.mark.parametrize("file", ["terms.txt", "stop-words.txt", "positive.txt", "negative.txt"])
def test_missing_and_garbage_files_are_refused(file: str, tmp_path: Path) -> None:
    EXTRACTOR.save(tmp_path)
    (tmp_path / file).write_bytes(b"\xff\xfe\n")
    with pytest.raises(ModelError, match=f"{file} is not UTF-8"):
        load_extractor(EXTRACTOR.options(), tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(ModelError, match=f"{file} is missing"):
        load_extractor(EXTRACTOR.options(), tmp_path)


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_terms_must_be_distinct_and_some(names: list[str]) -> None:
    with pytest.raises(ModelError, match="distinct terms, at least one"):
        Terms(names, Grams())
