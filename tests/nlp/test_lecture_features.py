"""The lecture's six features: its worked example's numbers, and what counts as what."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worked_review import REVIEW, VECTOR

from nlp.lecture_features import LECTURE, Lexicon, count_words, lecture_features
from nlp.text import split_words

LEXICON = Lexicon(
    ["beautiful", "comfortable", "friendly", "good", "odd"],
    ["bad", "odd", "overpriced", "second-class", "class"],
)


def values(text: str, lexicon: Lexicon = LEXICON) -> dict[str, float]:
    found = lecture_features(split_words(text).words, lexicon).values
    assert found.shape == (6,)
    assert found.dtype == np.float32
    return dict(zip(LECTURE, found.tolist(), strict=True))


def fired(text: str, lexicon: Lexicon = LEXICON) -> list[tuple[str, str]]:
    words = split_words(text).words
    found = lecture_features(words, lexicon).fired
    return [(" ".join(words[one.start : one.end]), one.feature) for one in found]


def test_the_vector_of_the_worked_review() -> None:
    assert list(values(REVIEW).values()) == pytest.approx(VECTOR, abs=5e-3)
    assert values(REVIEW)["log_words"] == pytest.approx(math.log(66))


def test_the_words_that_were_counted_are_named_in_their_order() -> None:
    assert fired(REVIEW) == [
        ("overpriced", "negative"),
        ("second - class", "negative"),
        ("no", "no"),
        ("beautiful", "positive"),
        ("friendly", "positive"),
        ("comfortable", "positive"),
        ("My", "pronoun"),
        ("me", "pronoun"),
        ("we", "pronoun"),
    ]


@pytest.mark.parametrize(
    ("text", "feature", "value"),
    [
        ("No no NO", "no", 1),
        ("Nobody knows none of it", "no", 0),
        ("Stop!", "exclamation", 1),
        ("Stop!! What?! Go!", "exclamation", 1),
        ("Stop.", "exclamation", 0),
        ("I gave you mine, and yours is ours", "pronoun", 5),
        ("He gave it to them", "pronoun", 0),
        ("GOOD Good good", "positive", 3),
        ("goodness", "positive", 0),
    ],
)
def test_what_counts(text: str, feature: str, value: int) -> None:
    assert values(text)[feature] == value


def test_a_word_of_both_lexicons_counts_for_both() -> None:
    assert fired("odd") == [("odd", "positive"), ("odd", "negative")]


def test_the_longest_entry_wins() -> None:
    assert fired("a second-class class") == [("second - class", "negative"), ("class", "negative")]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It's good", 2),
        ("I don't mind", 3),
        ("a well-made, well-lit room.", 6),
        ("wait - what", 1),
        ("- and -", 3),
        ("Wow!!!", 2),
        ("", 0),
    ],
)
def test_words_are_counted_as_the_lecture_counts(text: str, count: int) -> None:
    """A lone hyphen between words looks like theirs: the splitter keeps no blanks."""
    assert count_words([word.lower() for word in split_words(text).words]) == count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not good", "negative"),
        ("It isn't very good", "negative"),
        ("no bad seat", "positive"),
        ("never ever was it good", "negative"),
        ("not bad, good", "positive positive"),
        ("not bad but good", "positive positive"),
        ("not cheap; good", "positive"),
        ("good, not great", "positive"),
        ("not second-class", "positive"),
    ],
)
def test_negation_reaches_to_the_end_of_its_clause(text: str, expected: str) -> None:
    negating = Lexicon(*LEXICON.words.values(), negation=True)
    polarities = [feature for _, feature in fired(text, negating) if feature.endswith("tive")]
    assert polarities == expected.split()


def test_negation_is_off_by_default() -> None:
    assert fired("not good") == [("good", "positive")]


def test_no_words_have_no_features() -> None:
    assert list(values("").values()) == [0] * 6


@given(st.text(max_size=60))
def test_any_text_is_counted(text: str) -> None:
    found = values(text.encode("utf-8", "ignore").decode())
    assert all(math.isfinite(value) and value >= 0 for value in found.values())
