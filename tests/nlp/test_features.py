"""Windows to padded arrays, against what each feature promises."""

import gc
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.errors import ModelError
from nlp.features import SHAPES, WORD_CHARACTERS, Features, spell, word_shape
from nlp.tasks.base import Window
from nlp.vocabulary import UNKNOWN, build_vocabulary

ALPHABET = "abcdeé"
EVERYTHING = Features(("words", "shapes", "characters"), ALPHABET)
VOCABULARY = build_vocabulary(["bad", "Abba", "café", "1990s"], lowercase=True)


def window(*words: str) -> Window:
    return Window(words, VOCABULARY.ids(words))


windows = st.lists(st.lists(st.text(max_size=30), max_size=6).map(lambda ws: window(*ws)))


def test_one_batch_in_full() -> None:
    arrays = EVERYTHING.collate([window("bad", "bad"), window("Abba", "x", "bad")])
    bad, abba = VOCABULARY.id("bad"), VOCABULARY.id("abba")
    assert arrays["words"].tolist() == [[bad, bad, 0], [abba, UNKNOWN, bad]]
    assert arrays["shapes"].tolist() == [[7, 7, 0], [10, 7, 7]]
    assert arrays["spellings"].tolist() == [[1, 1, 0], [2, 3, 1]]
    assert arrays["characters"].tolist() == [
        [0, 0, 0, 0],  # padding
        [3, 2, 5, 0],  # bad
        [1, 3, 3, 2],  # Abba: a capital A is not in the alphabet
        [1, 0, 0, 0],  # x
    ]


@given(windows)
def test_every_row_is_its_window_and_then_zeros(batch: list[Window]) -> None:
    arrays = EVERYTHING.collate(batch)
    longest = max([1, *(w.length for w in batch)])
    assert {arrays[name].shape for name in ("words", "shapes", "spellings")} == {
        (len(batch), longest)
    }
    for row, item in enumerate(batch):
        for name in ("words", "shapes", "spellings"):
            assert (arrays[name][row, : item.length] > 0).all()
            assert (arrays[name][row, item.length :] == 0).all()
        assert arrays["words"][row, : item.length].tolist() == item.ids.tolist()
        for place, word in enumerate(item.words):
            ids = arrays["characters"][arrays["spellings"][row, place]]
            assert ids[ids > 0].tolist() == spell(word, ALPHABET).tolist()


@given(windows)
def test_each_spelling_stands_once(batch: list[Window]) -> None:
    distinct = {word for item in batch for word in item.words}
    assert len(EVERYTHING.collate(batch)["characters"]) == len(distinct) + 1


def test_a_network_gets_only_the_features_it_reads() -> None:
    assert set(Features(("words",)).collate([window("bad")])) == {"words"}


def test_unknown_features_are_refused_and_the_known_ones_named() -> None:
    with pytest.raises(ModelError, match=r"\['suffixes'\]; known: words, shapes, characters"):
        Features(("words", "suffixes"))


def test_characters_are_numbered_from_the_alphabet() -> None:
    assert spell("ab!é", ALPHABET).tolist() == [2, 3, 1, 7]
    assert spell("", ALPHABET).tolist() == [1]


def test_a_long_word_keeps_both_its_ends() -> None:
    half = WORD_CHARACTERS // 2
    long = "a" * half + "c" * 1000 + "b" * half
    assert spell(long, ALPHABET).tolist() == [2] * half + [3] * half
    assert len(spell("a" * WORD_CHARACTERS, ALPHABET)) == WORD_CHARACTERS


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        *(("42", 1), ("٤", 1), (".", 2), ("👍🏽", 3), ("...", 3), ("7:30", 5), ("-3", 5)),
        *(("1990s", 4), ("B2B", 4), ("well-made", 6), ("good", 7), ("straße", 7), ("I", 8)),
        *(("USA", 9), ("Rome", 10), ("U.S.", 9), ("McLee", 11), ("iPad", 11), ("東京", 11)),
        *(("n't", 7), ("-", 2), ("", 3)),
    ],
)
def test_shapes_of_our_own_words(word: str, shape: int) -> None:
    assert word_shape(word) == shape


@given(st.text())
def test_every_shape_has_a_row_of_its_embedding(word: str) -> None:
    assert 0 < word_shape(word) < SHAPES
    assert word_shape(word * 100) < SHAPES


def test_huge_words_are_not_remembered() -> None:
    word = "".join(map(chr, range(0x4E00, 0x9000)))
    spell(word, ALPHABET)
    word_shape(word)
    gc.collect()
    assert sys.getrefcount(word) == 2  # the name here and the call's own


def test_arrays_are_what_the_graph_takes() -> None:
    arrays = EVERYTHING.collate([window("bad")])
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.int64)}
