"""Words put back together: blanks where people put them, and words that come out again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.joining import Joiner, join_words
from nlp.text import split_words

TYPED = (
    "I don't think so, really.",
    "The chef's soup (a thick one) wasn't cheap: $12!",
    'She said "never again" and left...',
    "They're open 7/7; we'll come back, won't we?",
    "A well-made, home-style pie.",
    "You cannot beat 50% off",
    "The waiters' smiles were worth it.",
    "I'm gonna go there; it's 'fine', he'd say.",
    "Rome, Oslo and Ghent",
    "Wow!! #best [really]",
    "",
)


@pytest.mark.parametrize("text", TYPED)
def test_what_was_split_is_typed_again(text: str) -> None:
    assert join_words(split_words(text).words) == text


@pytest.mark.parametrize("text", TYPED)
def test_a_prompt_is_gone_on_with_wherever_it_stops(text: str) -> None:
    words = split_words(text)
    for count in range(len(words.words) + 1):
        end = words.ends[count - 1] if count else 0
        joiner = Joiner(text[:end], words.words[:count])
        rest = "".join(joiner.add(word) for word in words.words[count:])
        assert text[:end] + rest == text


@pytest.mark.parametrize("prompt", ["The soup ", "The soup\n", "The soup"])
def test_a_blank_that_stands_already_is_not_doubled(prompt: str) -> None:
    joiner = Joiner(prompt, split_words(prompt).words)
    assert prompt.rstrip() + (prompt[8:] or " ") + "was" == prompt + joiner.add("was")


def test_a_quote_that_the_prompt_opened_is_closed() -> None:
    prompt = 'He said "yes'
    joiner = Joiner(prompt, split_words(prompt).words)
    assert [joiner.add(word) for word in ('"', "and", '"', "no", '"')] == [
        '"',
        " and",
        ' "',
        "no",
        '"',
    ]


def test_a_dash_behind_a_mark_is_no_hyphen() -> None:
    assert join_words(["Well", ",", "-", "maybe"]) == "Well, - maybe"


@given(st.lists(st.sampled_from(["so", "Ida", ",", '"', "'", "(", ")", "$", "-", "/", "n't", "5"])))
def test_only_blanks_are_added_and_never_two(words: list[str]) -> None:
    text = join_words(words)
    assert text.replace(" ", "") == "".join(words)
    assert "  " not in text
    assert text == text.strip()
