"""Words: exact offsets and nothing lost for any Unicode text, and the words people expect."""

import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.errors import INVALID_UNICODE, ModelError, TextError
from nlp.text import SPLITTERS, Splitter, given_words, split_words, split_words_spacy, splitter

SPACY = pytest.param(
    split_words_spacy,
    marks=pytest.mark.skipif(find_spec("spacy") is None, reason="spaCy is not installed"),
)
EVERY_SPLITTER = pytest.mark.parametrize("split", [split_words, SPACY])

PIECES = (
    *("👩‍👩‍👧", "👍🏽", "🇬🇧🇺🇸", "1️⃣", "❤️", "\u200d", "\ufe0f", "🏴\U000e0067\U000e007f"),
    *("e\u0301", "\u0301\u0301", "ß", "İ", "ﬁ", "שלום", "مرحبا", "\u200f", "\u202e", "日本語", "ก็"),
    *("\r\n", "\r", "\n\n", "\t", " ", "\u00a0", "\u3000", "\u2028", "\x85", "\x0b", "\x1c"),
    *("\0", "\x01", "\x1b[0m", "\x7f", "\ufeff", "\ufffe", "\U0010ffff", "\ue000"),
    *("don't", "cannot", "n’t", "'s", "U.S.", "e.g.", "Mr.", "http://x.y/z?", "a@b.co", "#tag"),
    *("@me", "7:30pm", "-3.5", "10-15", "$5", ":-)", "<3", "...", "!!", "``", "“", "’", "_"),
)
"""What breaks tokenizers: joiners, marks, line ends, directions, controls, and our own patterns."""

texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


@EVERY_SPLITTER
@given(text=texts)
def test_offsets_point_at_the_words_and_only_white_space_is_lost(
    split: Splitter, text: str
) -> None:
    words = split(text)
    assert words.located
    assert [text[a:b] for a, b in zip(words.starts, words.ends, strict=True)] == list(words.words)
    assert all(a < b for a, b in zip(words.starts, words.ends, strict=True))
    assert all(b <= a for b, a in zip(words.ends, words.starts[1:], strict=False))
    edges = [0, *(edge for span in zip(words.starts, words.ends, strict=True) for edge in span)]
    gaps = [text[a:b] for a, b in zip(edges[::2], [*words.starts, len(text)], strict=True)]
    assert not "".join(gaps).strip()  # white as Python counts it, and so more than the patterns do


@given(texts)
def test_our_words_hold_no_white_space_at_all(text: str) -> None:
    """The patterns' notion of it is Unicode's White_Space, which leaves out U+001C to U+001F."""
    white = re.compile(r"[^\S\x1c-\x1f]")
    assert not any(white.search(word) for word in split_words(text).words)


@EVERY_SPLITTER
@given(
    before=st.text(),
    surrogate=st.sampled_from(["\ud800", "\udbff", "\udc00", "\udfff"]),
    after=st.text(),
)
def test_a_lone_surrogate_is_refused_and_its_place_named(
    split: Splitter, before: str, surrogate: str, after: str
) -> None:
    message = rf"U\+{ord(surrogate):04X}\) at code point {len(before)};"
    with pytest.raises(TextError, match=message) as refused:
        split(before + surrogate + after)
    assert refused.value.code == INVALID_UNICODE


def test_the_message_never_repeats_the_text() -> None:
    with pytest.raises(TextError) as refused:
        split_words("my secret \ud800 is out")
    assert "secret" not in str(refused.value)


@EVERY_SPLITTER
@pytest.mark.parametrize("text", ["", " ", "\r\n\t \u3000\n"])
def test_no_words(split: Splitter, text: str) -> None:
    assert split(text).words == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # contractions and possessives, both quotes
        ("I can't, won't and didn’t.", "I ca n't , wo n't and did n’t ."),
        ("I cannot stay; you can not.", "I can not stay ; you can not ."),
        ("Gonna leave, wanna come? Gotta go.", "Gon na leave , wan na come ? Got ta go ."),
        ("She's sure they'll say we’d've gone", "She 's sure they 'll say we ’d 've gone"),
        ("DON'T touch Anna's dogs' bowls", "DO N'T touch Anna 's dogs ' bowls"),
        ("O'Brien plays rock'n'roll at R&B nights", "O'Brien plays rock'n'roll at R&B nights"),
        ("“So,” he said, ‘go!’", "“ So , ” he said , ‘ go ! ’"),
        ("``old'' quotes and 'single' ones", "`` old '' quotes and ' single ' ones"),
        # addresses
        ("See https://a.example/b?c=d&e=(f)#g.", "See https://a.example/b?c=d&e=(f)#g ."),
        ("(www.our-shop.example), OK?", "( www.our-shop.example ) , OK ?"),
        ("Mail first.last+x@mail.example.org!", "Mail first.last+x@mail.example.org !"),
        ("thanks @cook_42 for the #soup", "thanks @cook_42 for the #soup"),
        # numbers
        ("At 7:30pm, not 19:45.", "At 7:30 pm , not 19:45 ."),
        ("It costs $1,299.50 or €20/day.", "It costs $ 1,299.50 or € 20 / day ."),
        ("10-15 guests, the 21st of 3/4/2020", "10 - 15 guests , the 21st of 3/4/2020"),
        ("up 3.5% to -2 in the 1990s", "up 3.5 % to -2 in the 1990s"),
        ("a 3.5km walk, 100km away", "a 3.5 km walk , 100 km away"),
        # abbreviations and initials
        ("Mr. Lee met Dr. J. K. Osei in the U.S. today.",
         "Mr. Lee met Dr. J. K. Osei in the U.S. today ."),
        ("Open 9 a.m. to 5 p.m., e.g. on Sat.", "Open 9 a.m. to 5 p.m. , e.g. on Sat ."),
        ("Was it I? It was I.", "Was it I ? It was I ."),
        # marks
        ("Well... no!!! What?!", "Well ... no !!! What ?!"),
        ("Wait -- a well-made chair—really", "Wait -- a well - made chair — really"),
        ("and/or (see [1]) 50:50", "and / or ( see [ 1 ] ) 50:50"),
        # emoticons and emoji
        ("nice :-) but :( and <3 ;)", "nice :-) but :( and <3 ;)"),
        ("note: (this) is 8) no", "note : ( this ) is 8) no"),
        ("👩‍👩‍👧 love 👍🏽👍🏽 and 🎉🎉🎉", "👩‍👩‍👧 love 👍🏽 👍🏽 and 🎉🎉🎉"),
        ("🎉🎉‍❄️ 🇬🇧🇺🇸 1️⃣ ❤️❤️", "🎉 🎉‍❄️ 🇬🇧 🇺🇸 1️⃣ ❤️ ❤️"),
        # other scripts
        ("Cafe\u0301 nai\u0308ve, Straße.", "Cafe\u0301 nai\u0308ve , Straße ."),
        ("שלום, עולם!", "שלום , עולם !"),
        ("Да, 東京。", "Да , 東京 。"),
        ("one\r\ntwo\u00a0three", "one two three"),
    ],
)  # fmt: skip
def test_the_words_of_our_own_sentences(text: str, expected: str) -> None:
    assert list(split_words(text).words) == expected.split(" ")


def test_control_characters_are_words_not_white_space() -> None:
    assert split_words("a\0b \x1b[0m").words == ("a", "\0", "b", "\x1b", "[", "0", "m")


ADVERSARIAL = {
    "one long word": "a",
    "abbreviations": "a.",
    "half an abbreviation": "e.g",
    "at signs": "@",
    "mail addresses": "a@a.",
    "web addresses": "http://",
    "web addresses of dots": "www..,",
    "apostrophes": "'",
    "clitics": "'a",
    "negations": "n't",
    "joined words": "a&",
    "dotted digits": "1.",
    "signed digits": "+1",
    "times": "1:1/",
    "runs of a mark that joins": "`",
    "skin tones": "🏾",
    "tags": "\U000e0067",
    "one emoji": "🎉",
    "joiners": "\u200d",
    "joined emoji": "👩\u200d",
    "flags": "🇬🇧",
    "marks on nothing": "\u0301",
    "marked letters": "a\u0301",
    "carets": "^_",
    "emoticons": ":-)(=",
    "hyphens": "a-",
    "blanks": " ",
    "initials": "A. ",
    "nul": "\0",
}


@pytest.mark.timeout(60)  # a quadratic pattern would take an hour
@pytest.mark.parametrize("unit", ADVERSARIAL.values(), ids=list(ADVERSARIAL))
def test_no_text_costs_more_than_linear_time(unit: str) -> None:
    text = unit * (200_000 // len(unit)) + "\u1ab0x"
    words = split_words(text)
    assert sum(map(len, words.words)) == len(text) - text.count(" ")


@pytest.mark.parametrize(("unit", "end"), [("1", "x"), ("a&", "é")])
def test_the_matcher_never_gives_up(unit: str, end: str) -> None:
    """It allows ten million steps back in one word and then panics."""
    text = unit * (6_000_000 // len(unit)) + end
    assert split_words(text).ends[-1] == len(text)


def test_given_words_are_kept_one_to_one_and_have_no_place() -> None:
    words = given_words(["can not", "", "can't", " "])
    assert words.words == ("can not", "", "can't", " ")
    assert not words.located
    assert given_words([]).words == ()


def test_given_words_with_a_lone_surrogate_are_refused() -> None:
    with pytest.raises(TextError, match=r"U\+DFFF\) at code point 1;"):
        given_words(["fine", "n\udfff"])


def test_an_unknown_splitter_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(ModelError, match="'moses'; known: spacy, words"):
        splitter("moses")
    assert sorted(SPLITTERS) == ["spacy", "words"]


def test_every_emoji_sequence_stays_one_word() -> None:
    """Each emoji base with a skin tone, a variation selector, and a join to another."""
    bases = [chr(c) for c in range(0x1F466, 0x1F47A) if unicodedata.category(chr(c)) == "So"]
    for base in bases:
        for emoji in (base, f"{base}🏾", f"{base}\ufe0f", f"{base}🏾\u200d{base}"):
            assert split_words(f"x{emoji}, {emoji}").words == ("x", emoji, ",", emoji)


@pytest.mark.skipif(find_spec("spacy") is None, reason="spaCy is not installed")
def test_spacy_answers_many_threads_and_huge_texts_alike() -> None:
    texts = [f"Guest {n} didn't pay ${n}.50 at the {n}th table." for n in range(200)]
    split = splitter("spacy")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(split, texts)) == [split(text) for text in texts]
    assert len(split("la " * 400_000).words) == 400_000
