"""Sentence bounds cover every word; windows keep to their limit and lose nothing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.sentences import cut, sentence_bounds
from nlp.text import given_words, split_words

texts = st.lists(
    st.sampled_from(["word", "Mr.", ".", "...", '"', "'", "”", ")", " ", "  ", "\n\n", "\r\n", "?"])
).map("".join)
bounds_of_lengths = st.lists(st.integers(1, 40)).map(
    lambda lengths: list(pairwise([sum(lengths[:i]) for i in range(len(lengths) + 1)]))
)


def sentences(text: str) -> list[str]:
    words = split_words(text)
    return [" ".join(words.words[a:b]) for a, b in sentence_bounds(words, text)]


def places(bounds: list[tuple[int, int]]) -> list[int]:
    return [place for start, end in bounds for place in range(start, end)]


@given(texts | st.text())
def test_bounds_cover_all_words_in_order(text: str) -> None:
    words = split_words(text)
    bounds = sentence_bounds(words, text)
    assert places(bounds) == list(range(len(words.words)))
    assert all(start < end for start, end in bounds)


@given(st.lists(st.sampled_from(["", " ", "word", ".", "!?", '"', "”", "x."])))
def test_bounds_of_given_words_cover_them_all(given_list: list[str]) -> None:
    bounds = sentence_bounds(given_words(given_list))
    assert places(bounds) == list(range(len(given_list)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It was cold. We left! Why? Well…", ["It was cold .", "We left !", "Why ?", "Well …"]),
        ("Mr. Lee met J. Osei in the U.S. today. Fine.",
         ["Mr. Lee met J. Osei in the U.S. today .", "Fine ."]),
        ("It cost 3.50 at shop.example. Ok", ["It cost 3.50 at shop.example .", "Ok"]),
        ("He said “go.” She went.", ["He said “ go . ”", "She went ."]),
        ('He said "go." She went.', ['He said " go . "', "She went ."]),
        ('We left. "Why?" she asked. (Ask him.) No.',
         ["We left .", '" Why ? "', "she asked .", "( Ask him . )", "No ."]),
        ("Really?! Yes... no", ["Really ?!", "Yes ...", "no"]),
        ("A title\n\nThe first line\nwraps here", ["A title", "The first line wraps here"]),
        ("A title\r\n\r\nThe text", ["A title", "The text"]),
        ("好。不好！", ["好 。", "不好 ！"]),
        ("no stop at all", ["no stop at all"]),
        (". . .", [".", ".", "."]),
        ("", []),
    ],
)  # fmt: skip
def test_our_own_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_given_words_need_no_text() -> None:
    words = given_words(["Good", ".", "''", "Bad", "."])
    assert sentence_bounds(words) == [(0, 3), (3, 5)]
    assert sentence_bounds(given_words([])) == []


@given(bounds_of_lengths, st.integers(1, 30))
def test_pack_keeps_to_the_limit_and_loses_no_word(
    bounds: list[tuple[int, int]], limit: int
) -> None:
    packed = cut(bounds, limit, join=True)
    assert all(0 < end - start <= limit for start, end in packed)
    assert places(packed) == places(bounds)


@given(bounds_of_lengths, st.integers(1, 30))
def test_pack_cuts_only_sentences_over_the_limit(bounds: list[tuple[int, int]], limit: int) -> None:
    inside = {place for a, b in bounds if b - a <= limit for place in range(a + 1, b)}
    assert not inside & {start for start, _ in cut(bounds, limit, join=True)}


def test_pack_joins_whole_sentences_while_they_fit() -> None:
    assert cut([(0, 4), (4, 7), (7, 12)], 8, join=True) == [(0, 7), (7, 12)]
    whole = cut([(0, 3), (3, 23), (23, 24)], 8, join=True)
    assert whole == [(0, 3), (3, 10), (10, 16), (16, 24)]


@given(st.integers(0, 50), st.integers(1, 500), st.integers(1, 60))
def test_split_evenly_gives_the_fewest_equal_parts(start: int, length: int, limit: int) -> None:
    parts = cut([(start, start + length)], limit, join=False)
    sizes = [end - begin for begin, end in parts]
    assert places(parts) == list(range(start, start + length))
    assert len(parts) == -(-length // limit)
    assert max(sizes) <= limit
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(9, 40), st.booleans())
def test_words_of_several_places_keep_to_the_limit(
    taken: list[int], limit: int, join: bool
) -> None:
    middle = len(taken) // 2
    bounds = [(a, b) for a, b in ((0, middle), (middle, len(taken))) if a < b]
    parts = cut(bounds, limit, places=taken, join=join)
    assert places(parts) == list(range(len(taken)))
    assert max(sum(taken[a:b]) for a, b in parts) <= limit
    if not join:
        assert middle in {0, *(end for _, end in parts)}


def test_a_word_of_more_places_than_the_limit_stands_alone() -> None:
    """Which no extractor gives, but a damaged version might."""
    assert cut([(0, 3)], 4, places=[2, 9, 2], join=True) == [(0, 1), (1, 2), (2, 3)]
