"""Words to ids: order, unknown words, looked-up forms, and the file."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.errors import ModelError
from nlp.vocabulary import (
    PAD,
    SPECIALS,
    UNKNOWN,
    Vocabulary,
    build_vocabulary,
    normal_form,
)

WORDS = ["soup", "good", "soup", "Good", "soup", "so", "'s"]

words_of_text = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1)


def test_words_stand_by_falling_frequency_then_spelling() -> None:
    vocabulary = build_vocabulary(WORDS, lowercase=True)
    assert vocabulary.words == (*SPECIALS, "soup", "good", "'s", "so")
    assert vocabulary.trained == len(vocabulary) == 6


def test_rare_words_and_words_over_the_limit_are_left_out() -> None:
    assert build_vocabulary(WORDS, lowercase=True, min_count=2).words[2:] == ("soup", "good")
    assert build_vocabulary(WORDS, lowercase=False, max_words=1).words[2:] == ("soup",)


def test_extra_words_stand_behind_and_were_not_trained() -> None:
    vocabulary = build_vocabulary(["soup"], lowercase=True, extra=["soup", "stew", "stew", "x\ny"])
    assert vocabulary.words == (*SPECIALS, "soup", "stew")
    assert vocabulary.trained == 3
    assert vocabulary.knows("SOUP")
    assert not vocabulary.knows("stew")
    assert vocabulary.id("Stew") == 3


def test_ids_of_known_unknown_and_lengthened_words() -> None:
    vocabulary = build_vocabulary([*WORDS, "coool", "good"], lowercase=True)
    assert vocabulary.id("GOOD") == vocabulary.id("goooood") == vocabulary.id("good")
    assert vocabulary.id("sooooo") == vocabulary.id("so")
    assert vocabulary.id("coool") != UNKNOWN  # as written comes first
    assert vocabulary.id("never") == vocabulary.id("neeeever") == UNKNOWN
    assert vocabulary.id("’S") == vocabulary.id("'s")
    assert vocabulary.ids(["soup", "never", ""]).tolist() == [vocabulary.id("soup"), UNKNOWN, 1]
    assert vocabulary.ids([]).shape == (0,)


def test_a_lengthened_word_is_not_known_as_written() -> None:
    vocabulary = build_vocabulary(WORDS, lowercase=True)
    assert not vocabulary.knows("sooo")
    assert not vocabulary.knows("never")


@pytest.mark.parametrize("word", ["<pad>", "<PAD>", "<unk>"])
def test_no_word_of_a_text_gets_the_id_of_padding(word: str) -> None:
    """A padding id inside a row would end it there."""
    vocabulary = build_vocabulary([word, "soup"], lowercase=True)
    assert vocabulary.words == (*SPECIALS, "soup")
    assert vocabulary.id(word) == UNKNOWN
    assert not vocabulary.knows(word)


@given(st.lists(words_of_text), st.booleans(), words_of_text)
def test_ids_are_the_places_of_the_words(words: list[str], lowercase: bool, other: str) -> None:
    vocabulary = build_vocabulary(words, lowercase=lowercase)
    for word in words:
        form = normal_form(word, lowercase=lowercase)
        assert vocabulary.words[vocabulary.id(word)] == (form if form not in SPECIALS else "<unk>")
    assert PAD < vocabulary.id(other) < len(vocabulary)


@given(words=st.lists(words_of_text), extra=st.lists(words_of_text))
def test_saved_and_loaded_it_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], extra: list[str]
) -> None:
    path = tmp_path_factory.mktemp("vocabulary") / "vocabulary.txt"
    vocabulary = build_vocabulary([*words, "a\rb", "\u2028"], lowercase=False, extra=extra)
    vocabulary.save(path)
    loaded = Vocabulary.load(path, trained=vocabulary.trained, lowercase=False)
    assert loaded.words == vocabulary.words
    assert loaded.trained == vocabulary.trained


@pytest.mark.parametrize(
    ("content", "trained", "message"),
    [
        (b"<unk>\n<pad>\n", 2, "must begin with <pad> and <unk>"),
        (b"", 2, "must begin with"),
        (b"<pad>\n<unk>\nsoup\nsoup\n", 3, "must not hold a word twice"),
        (b"<pad>\n<unk>\nsoup\n", 4, "trained is 4; it counts the first of 3 words"),
        (b"<pad>\n<unk>\nsoup\n", 1, "trained is 1"),
        (b"<pad>\n<unk>\n\xff\n", 3, "vocabulary.txt is not UTF-8"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(
    tmp_path: Path, content: bytes, trained: int, message: str
) -> None:
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        Vocabulary.load(path, trained=trained, lowercase=True)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"vocabulary\.txt is missing"):
        Vocabulary.load(tmp_path / "vocabulary.txt", trained=2, lowercase=True)
