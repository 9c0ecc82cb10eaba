"""Where aspects stand, and the sentences around them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.errors import BAD_ASPECT, INVALID_UNICODE, TextError
from nlp.sentences import sentence_bounds
from nlp.tasks.base import Aspect, AspectItem
from nlp.tasks.located import LONGEST, Term, around, covering, occurrence, resolve
from nlp.text import split_words
from nlp.vocabulary import normal_form

TEXT = "Lovely Menu 👍🏽, dull wine list. The menu’s dear; the MENU stays."

texts = st.text(alphabet="ab .,👍🏽é\u0301\n’") | st.text()


def resolved(text: str, *aspects: Aspect) -> list[Term]:
    return resolve(AspectItem(text, aspects), split_words(text), split_words)


def test_the_first_whole_word_in_any_letter_case_is_the_place() -> None:
    menu, wine = resolved(TEXT, Aspect("menu"), Aspect("WINE  list"))
    assert (menu.aspect.start, menu.aspect.end, menu.range) == (7, 11, (1, 2))
    assert menu.aspect.text == "menu"
    assert TEXT[wine.aspect.start : wine.aspect.end] == "wine list"
    assert wine.words == ("WINE", "list")


def test_a_part_of_a_word_is_no_place() -> None:
    for text, aspect in (
        ("Unpriceable.", "price"),
        ("prices", "price"),
        ("wine lists", "wine list"),
    ):
        (term,) = resolved(text, Aspect(aspect))
        assert (term.range, term.aspect) == (None, Aspect(aspect))


def test_quotes_of_the_other_form_are_the_same_word() -> None:
    (term,) = resolved("The chef’s special", Aspect("chef's special"))
    assert term.range == (1, 4)


def test_a_given_place_is_taken_at_its_word() -> None:
    second = TEXT.index("menu’s")
    (term,) = resolved(TEXT, Aspect("menu", second, second + 4))
    assert term.range == (9, 10)
    (part,) = resolved("tablecloths", Aspect("cloth", 5, 10))
    assert (part.range, part.words) == ((0, 1), ("cloth",))


def test_a_long_aspect_with_a_place_is_read_by_its_first_words() -> None:
    text = "word " * 50
    (term,) = resolved(text, Aspect(text[:200], 0, 200))
    assert (len(term.words), term.range) == (LONGEST, (0, 40))


@pytest.mark.parametrize(
    ("aspect", "complaint"),
    [
        (Aspect(""), "holds 0 words; it may hold 1 to 32"),
        (Aspect(" \n"), "holds 0 words"),
        (Aspect("a " * (LONGEST + 1)), "holds 33 words"),
        (Aspect("soup", 4, None), "has one of start and end"),
        (Aspect("soup", None, 8), "has one of start and end"),
        (Aspect("soup", -4, 8), "stands from -4 to 8; it must be 0 <= start < end <= 13"),
        (Aspect("soup", 8, 4), "stands from 8 to 4"),
        (Aspect("soup", 9, 14), "stands from 9 to 14"),
        (Aspect("soup", 3, 7), "is not what the text holds from code point 3 to 7"),
        (Aspect("Soup", 4, 8), "is not what the text holds"),
    ],
)
def test_what_cannot_be_is_refused_by_number_and_without_its_text(
    aspect: Aspect, complaint: str
) -> None:
    with pytest.raises(TextError) as caught:
        resolved("The soup was.", Aspect("price"), aspect)
    assert caught.value.code == BAD_ASPECT
    assert str(caught.value).startswith("aspect 2 ")
    assert complaint in str(caught.value)
    assert "oup" not in str(caught.value)


def test_an_aspect_that_no_encoding_can_carry_is_refused() -> None:
    with pytest.raises(TextError) as caught:
        resolved("The soup.", Aspect("\ud800"))
    assert caught.value.code == INVALID_UNICODE


@given(text=texts, data=st.data())
def test_every_word_run_of_a_text_is_found_where_it_first_stands(
    text: str, data: st.DataObject
) -> None:
    words = split_words(text)
    if not words.words:
        return
    first = data.draw(st.integers(0, len(words.words) - 1))
    last = data.draw(st.integers(first, min(len(words.words), first + LONGEST) - 1))
    place = occurrence(words.words[first : last + 1], words.words)
    runs = (words.words[i : i + last + 1 - first] for i in range(len(words.words)))
    forms = [tuple(normal_form(word, lowercase=True) for word in run) for run in runs]
    assert place == forms.index(forms[first])
    start, end = words.starts[first], words.ends[last]
    assert covering(words, start, end) == (first, last + 1)
    (term,) = resolved(text, Aspect(text[start:end], start, end))
    assert term.range == (first, last + 1)


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=7),
    limit=st.integers(1, 20),
    data=st.data(),
)
def test_whole_sentences_around_the_term_as_many_as_fit(
    sizes: list[int], limit: int, data: st.DataObject
) -> None:
    edges = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
    sentences = list(pairwise(edges))
    first = data.draw(st.integers(0, edges[-1] - 1))
    term = (first, data.draw(st.integers(first + 1, edges[-1])))
    start, end = around(term, sentences, None, limit)
    assert 0 < end - start <= limit
    assert start <= term[0] < end
    if term[1] - term[0] <= limit:
        assert end >= term[1]
    own = [s for s in sentences if s[0] < term[1] and term[0] < s[1]]
    if own[-1][1] - own[0][0] > limit:
        return
    assert start in edges
    assert end in edges
    more = [edges[edges.index(start) - 1]] if start else []
    assert all(end - before > limit for before in more)
    assert end == edges[-1] or edges[edges.index(end) + 1] - start > limit


def test_places_count_where_words_take_several() -> None:
    sentences = sentence_bounds(split_words("One two. Three four. Five."))
    assert around((3, 4), sentences, [1] * 8, 6) == (3, 8)
    assert around((3, 4), sentences, [1, 1, 1, 1, 1, 1, 3, 1], 6) == (0, 6)
    assert around((3, 4), sentences, [9, 9, 9, 1, 1, 1, 9, 9], 3) == (3, 6)
    assert around((3, 4), sentences, [9, 9, 9, 1, 1, 1, 9, 9], 2) == (3, 5)
