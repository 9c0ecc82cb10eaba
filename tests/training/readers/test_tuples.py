"""Triplets and quadruples: tokens to places, implicit aspects, each malformed line named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import judged, read

from nlp.tasks.base import AspectItem
from training.readers import Reader
from training.readers.aspects import tokens_term
from training.readers.files import BadLineError
from training.readers.tuples import Quadruples, SpanQuadruples, Triplets


def test_aste_tokens_become_places() -> None:
    line = "The onion soup was warm , the bill not .####[([1, 2], [4], 'POS'), ([7], [8], 'NEG')]"
    (example,), bad = read(Triplets(), line)
    assert bad == []
    assert judged(example) == [("onion soup", 4, 14, "positive"), ("bill", 30, 34, "negative")]


def test_asqp_words_are_found_and_null_leaves_the_category() -> None:
    line = (
        "Warm soup and soup again####[['soup', 'food quality', 'positive', 'Warm'], "
        "['NULL', 'restaurant style_options', 'neutral', 'again']]"
    )
    (example,), bad = read(Quadruples(), line)
    assert bad == []
    assert judged(example) == [
        ("soup", 5, 9, "positive"),
        ("food quality", None, None, "positive"),
        ("restaurant style options", None, None, "neutral"),
    ]


def test_asqp_words_glued_to_a_mark_are_found_where_they_stand_once() -> None:
    line = "A tea pot- and soups####[['tea pot', 'drinks', 'negative', 'x']]"
    (example,), _ = read(Quadruples(), line)
    assert judged(example)[0] == ("tea pot", 2, 9, "negative")


def test_asqp_prefers_whole_tokens_to_parts_of_words() -> None:
    line = "tearooms have tea####[['tea', 'drinks', 'positive', 'x']]"
    (example,), _ = read(Quadruples(), line)
    assert judged(example)[0] == ("tea", 14, 17, "positive")


def test_acos_spans_are_half_open_and_minus_one_is_implicit() -> None:
    line = "warm onion soup !\t1,3 FOOD#QUALITY 2 0,1\t-1,-1 SERVICE#GENERAL 0 -1,-1"
    (example,), bad = read(SpanQuadruples(), line)
    assert bad == []
    assert judged(example) == [
        ("onion soup", 5, 15, "positive"),
        ("food quality", None, None, "positive"),
        ("service general", None, None, "negative"),
    ]


def test_a_line_without_tuples_is_a_text_without_aspects() -> None:
    (aste, asqp), _ = read(Triplets(), "We came .####[]\n\nBye .####[]\n")
    assert (judged(aste), judged(asqp)) == ([], [])
    assert judged(read(SpanQuadruples(), "we came .")[0][0]) == []


def test_labels_of_ones_own_may_leave_aspects_out() -> None:
    line = "tea####[([0], [0], 'POS'), ([0], [0], 'NEU')]"
    (example,), _ = read(Triplets({"POS": "good", "NEU": ""}), line)
    assert judged(example) == [("tea", 0, 3, "good")]


TRIPLET = "a triplet is not ([aspect tokens], [opinion tokens], 'LABEL')"
QUADRUPLE = "a quadruple is not ['aspect', 'category', 'label', 'opinion']"
SPANS = "a quadruple is not 'first,end CATEGORY label first,end'"


@pytest.mark.parametrize(
    ("reader", "line", "reason"),
    [
        (Triplets(), "tea .", "there is no #### between a sentence and a list"),
        (Triplets(), "tea .####", "there is no list behind ####"),
        (Triplets(), "tea .####print(1)", "there is no list behind ####"),
        (Triplets(), "tea .####" + "[" * 9999, "there is no list behind ####"),
        (Triplets(), "tea .####{1: 2}", "there is no list behind ####"),
        (Triplets(), "tea .####[1]", TRIPLET),
        (Triplets(), "tea .####[([0, 1], 'POS')]", TRIPLET),
        (Triplets(), "tea .####[([], [1], 'POS')]", TRIPLET),
        (Triplets(), "tea .####[([True], [1], 'POS')]", TRIPLET),
        (Triplets(), "a b c####[([0, 2], [1], 'POS')]", TRIPLET),
        (Triplets(), "tea .####[([2], [1], 'POS')]", "tokens 2 to 3 are no place in a text of 2"),
        (Triplets(), "tea .####[([-1], [1], 'POS')]", "tokens -1 to 0 are no place in a text of 2"),
        (Triplets(), "tea .####[([0], [1], 'GOOD')]", "the label is none of 'POS', 'NEG', 'NEU'"),
        (Triplets(), "tea  .####[]", "the text's tokens are not parted by single blanks"),
        (Triplets(), "####[]", "the text's tokens are not parted by single blanks"),
        (Quadruples(), "tea####[['tea', 'drinks', 'positive']]", QUADRUPLE),
        (Quadruples(), "tea####[['tea', 'drinks', 'positive', 3]]", QUADRUPLE),
        (Quadruples(), "tea####[['tee', 'drinks', 'positive', 'x']]", "the text does not hold the"),
        (Quadruples(), "tea####[['tea', ' ', 'positive', 'x']]", "the category has no name"),
        (SpanQuadruples(), "tea\t0,1 DRINKS 2", SPANS),
        (SpanQuadruples(), "tea\t0,1 DRINKS 2 x", SPANS),
        (SpanQuadruples(), "tea\t0,1 DRINKS 2 1,1 3", SPANS),
        (SpanQuadruples(), "tea\t", SPANS),
        (SpanQuadruples(), "tea\t-1,0 DRINKS 2 0,1", SPANS),
        (SpanQuadruples(), "tea\t1,0 DRINKS 2 0,1", "tokens 1 to 0 are no place in a text of 1"),
        (SpanQuadruples(), "tea\t0,1 DRINKS 3 0,1", "the label is none of '0', '1', '2'"),
    ],
)
def test_a_malformed_line_is_named_and_spoils_no_other(
    reader: Reader, line: str, reason: str
) -> None:
    good = "soup" if isinstance(reader, SpanQuadruples) else "soup####[]"
    examples, bad = read(reader, f"{good}\n{line}\n{good}\n")
    assert [example.item for example in examples] == [AspectItem("soup")] * 2
    assert len(bad) == 1
    assert bad[0].startswith(f"a.txt:2: {reason}")


@given(st.lists(st.text("aé…😀", min_size=1, max_size=4), min_size=1, max_size=9), st.data())
def test_tokens_stand_where_the_text_has_them(tokens: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(tokens) - 1))
    end = data.draw(st.integers(first + 1, len(tokens)))
    aspect = tokens_term(tokens, first, end)
    assert " ".join(tokens)[aspect.start : aspect.end] == aspect.text == " ".join(tokens[first:end])
    with pytest.raises(BadLineError):
        tokens_term(tokens, first, len(tokens) + 1)
