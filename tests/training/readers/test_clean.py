"""Escapes undone, and tokenised text put into the form people type."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from training.readers.clean import detokenise, unescape_html, unescape_ptb, unescape_tweet

TOKENS = st.lists(
    st.sampled_from(
        (
            *("i", "we", "do", "can", "not", "n't", "'s", "gon", "na", ",", ".", "!", "(", ")"),
            *("$", "20", "%", "...", "--", "-", "/", "café", "İ", "ß", "n", "'t", '"', "'"),
        )
    ),
    max_size=14,
)


def bare(text: str) -> str:
    return "".join(text.split()).casefold()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("-lrb- 1984 -RRB- and -LSB- x -rsb-", "( 1984 ) and [ x ]"),
        ("`` fine ''", '" fine "'),
        ("` fine '", "' fine '"),
        (r"and\/or \*\*\*", "and/or ***"),
        ("it's a -lrbish- word", "it's a -lrbish- word"),
    ],
)
def test_treebank_escapes(raw: str, text: str) -> None:
    assert unescape_ptb(raw) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"it\u2019s \u002c ok", "it’s , ok"),
        (r"smile \ud83d\ude00", "smile 😀"),
        (r"half \ud83d pair", "half \ufffd pair"),
        ("salt &amp; pepper &lt;3", "salt & pepper <3"),
        ('"she said ""no"" twice"', 'she said "no" twice'),
        ('"', '"'),
    ],
)
def test_tweet_escapes(raw: str, text: str) -> None:
    assert unescape_tweet(raw) == text


def test_html_breaks_and_entities() -> None:
    assert unescape_html("one<br /><BR>two &eacute;") == "one\n\ntwo é"


@pytest.mark.parametrize(
    ("tokens", "typed"),
    [
        ("does n't work , really .", "Doesn't work, really."),
        ("it does n 't , doesn 't it ?", "It doesn't, doesn't it?"),
        ("i think i 'm late . i 'll run !", "I think I'm late. I'll run!"),
        ('they call it " fun " here', 'They call it "fun" here'),
        ("' small ' films", "'Small' films"),
        ("the actors ' work", "The actors' work"),
        ("( a bit ) too long -- and loud", "(A bit) too long -- and loud"),
        ("it cost $ 20 , or 30 % more", "It cost $20, or 30% more"),
        ("we can not , gon na try", "We cannot, gonna try"),
        ("the best ... ever", "The best... ever"),
        ("what ?! no !!", "What?! No!!"),
        ("and / or", "And/or"),
        ("A film by Ada , i guess .", "A film by Ada, i guess."),
        ("", ""),
    ],
)
def test_detokenise(tokens: str, typed: str) -> None:
    assert detokenise(tokens) == typed


@given(TOKENS)
def test_only_blanks_and_case_change(tokens: list[str]) -> None:
    text = " ".join(tokens)
    assert bare(detokenise(text)) == bare(text)


@given(st.text(max_size=60))
def test_any_text_keeps_its_letters(text: str) -> None:
    assert bare(detokenise(text)) == bare(text)


@given(TOKENS)
@example(["i", "%", "n", "'t"])
def test_no_blank_stands_before_a_stop_or_at_an_end(tokens: list[str]) -> None:
    typed = detokenise(" ".join(tokens))
    assert typed == typed.strip()
    assert not any(f" {stop}" in typed for stop in (",", ".", "!", "%", ")", "n't", "'s"))
    assert "( " not in typed
    assert "$ " not in typed


@given(st.lists(st.sampled_from(["a", "Good", "film", "we", "saw"]), max_size=8))
def test_plain_words_stay_as_they_are_but_for_the_first_letter(words: list[str]) -> None:
    text = " ".join(words)
    typed = detokenise(text)
    assert typed[1:] == text[1:]
    assert typed[:1] == (text[:1] if text != text.lower() else text[:1].upper())
