"""Words and their sub-words: aligned, bounded, and untouched by what a text may hold."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from encoders import subwords, wordpiece
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from nlp.errors import ModelError
from nlp.extractors import load_extractor
from nlp.subwords import ASPECT_PIECES, TOKENIZER, WORD_PIECES, SubWords

WORDS = ("The", "café", "served", "unforgettable", "soup", ".")
CUT = subwords(WORDS)
UNKNOWN, CLS, SEP = 1, 2, 3

any_words = st.lists(st.text(max_size=30), max_size=12)


def tokens(pieces: NDArray[np.int64]) -> list[str]:
    found = [CUT.tokenizer.id_to_token(int(piece) - 1) for piece in pieces]
    assert all(token is not None for token in found)
    return [str(token) for token in found]


# -- alignment -----------------------------------------------------------------------------------


def test_each_word_points_at_its_first_sub_word() -> None:
    arrays = CUT.arrays(WORDS)
    pieces = tokens(arrays["pieces"])
    assert (pieces[0], pieces[-1]) == ("[CLS]", "[SEP]")
    for word, first, count in zip(WORDS, arrays["firsts"], CUT.positions(WORDS), strict=True):
        own = pieces[first : first + count]
        assert not own[0].startswith("##")
        assert "".join(piece.removeprefix("##") for piece in own) == word.lower().replace("é", "e")


@given(any_words)
def test_firsts_and_positions_cover_any_words(words: list[str]) -> None:
    arrays, positions = CUT.arrays(words), CUT.positions(words)
    assert all(1 <= count <= WORD_PIECES for count in positions)
    assert len(arrays["pieces"]) == sum(positions) + CUT.places_around()
    assert arrays["firsts"].tolist() == [1 + sum(positions[:i]) for i in range(len(words))]
    assert arrays["pieces"].min() >= 1
    for number, word in enumerate(words):  # no word reads its neighbours
        first = arrays["firsts"][number]
        alone = CUT.arrays([word])["pieces"][1:-1]
        assert arrays["pieces"][first : first + len(alone)].tolist() == alone.tolist()


@pytest.mark.parametrize("word", ["", " ", "\u200d", "\ufffd", "👍🏽", "語"])
def test_a_word_of_nothing_the_tokenizer_knows_is_the_unknown_one(word: str) -> None:
    assert set(CUT.pieces(word)) == {UNKNOWN}


def test_an_uncased_tokenizer_reads_accents_and_capitals_away() -> None:
    assert CUT.pieces("CAFÉ") == CUT.pieces("café") == CUT.pieces("cafe")


def test_a_word_of_many_sub_words_is_read_by_its_first_ones() -> None:
    for length in (20, 64, 65, 99, 5000):
        pieces = CUT.pieces("fe" * length)
        assert pieces == CUT.pieces("fe" * 40)
        assert len(pieces) == WORD_PIECES
        assert UNKNOWN not in pieces


def test_marks_in_a_text_are_text() -> None:
    for mark in ("[CLS]", "[SEP]", "[PAD]", "[MASK]"):
        assert not {CLS, SEP, CUT.tokenizer.token_to_id(mark)} & set(CUT.pieces(mark))


def test_truncation_and_padding_of_the_tokenizer_are_off() -> None:
    assert wordpiece(WORDS).truncation is not None
    assert len(CUT.arrays(WORDS * 10)["firsts"]) == 60
    assert len(CUT.arrays(["The"])["pieces"]) == 2 + len(CUT.pieces("The"))
    assert CUT.arrays([])["pieces"].tolist() == [CLS + 1, SEP + 1]


# -- pairs ---------------------------------------------------------------------------------------


@given(any_words, any_words)
def test_a_pair_is_two_sentences(words: list[str], aspect: list[str]) -> None:
    pair = CUT.pair(words, aspect)
    text, asked = CUT.arrays(words)["pieces"], CUT.arrays(aspect)["pieces"][1:-1][:ASPECT_PIECES]
    assert pair["pieces"].tolist() == [*text.tolist(), *asked.tolist(), SEP + 1]
    assert pair["segments"].tolist() == [0] * len(text) + [1] * (len(asked) + 1)
    assert len(pair["pieces"]) <= sum(CUT.positions(words)) + CUT.places_around(pair=True)


def test_the_longest_aspect_leaves_the_text_its_places() -> None:
    pair = CUT.pair(["soup"], ["fe" * 50] * 32)
    assert len(pair["pieces"]) == len(CUT.pieces("soup")) + CUT.places_around(pair=True)


# -- other tokenizers ----------------------------------------------------------------------------


def byte_level() -> SubWords:
    """In RoBERTa's manner: blanks belong to words, <s> is 0, and a pair has two marks inside."""
    characters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = ["<s>", "<pad>", "</s>", "<unk>", *characters, "Ġs", "Ġso"]
    vocabulary = {name: i for i, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("Ġ", "s"), ("Ġs", "o")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return SubWords(tokenizer, unknown=3)


def test_byte_level_words_begin_with_their_blank() -> None:
    cut = byte_level()
    names = [cut.tokenizer.id_to_token(piece) for piece in cut.pieces("soup")]
    assert names == ["Ġso", "u", "p"]
    assert cut.pieces("") == (3,)


def test_marks_are_the_tokenizers_own() -> None:
    cut = byte_level()
    so = cut.pieces("so")[0] + 1
    assert cut.arrays(["so"])["pieces"].tolist() == [1, so, 3]  # <s> is 1 here: 0 is padding
    assert cut.pair(["so"], ["so"])["pieces"].tolist() == [1, so, 3, 3, so, 3]
    assert cut.pair(["so"], ["so"])["segments"].tolist() == [0, 0, 0, 0, 1, 1]
    assert (cut.places_around(), cut.places_around(pair=True)) == (2, 4 + ASPECT_PIECES)


# -- in a version's folder -----------------------------------------------------------------------


def test_saved_and_loaded_it_cuts_alike(tmp_path: Path) -> None:
    CUT.save(tmp_path)
    options = json.loads(json.dumps(CUT.options()))
    loaded = load_extractor(options, tmp_path)
    assert isinstance(loaded, SubWords)
    for words in (WORDS, ["[SEP]", "👍🏽", "fe" * 50, ""]):
        for name, expected in CUT.arrays(words).items():
            assert loaded.arrays(words)[name].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "tokenizer.json is missing"),
        (lambda path: path.write_text("{}"), "tokenizer.json is no tokenizer"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "tokenizer.json is no tokenizer"),
    ],
)
def test_a_broken_tokenizer_is_refused(
    damage: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    CUT.save(tmp_path)
    damage(tmp_path / TOKENIZER)
    with pytest.raises(ModelError, match=message):
        load_extractor(CUT.options(), tmp_path)


@pytest.mark.parametrize(
    ("unknown", "message"),
    [
        (None, "must be the id of a sub-word"),
        (True, "must be the id of a sub-word"),
        (-1, "the unknown sub-word is -1; the tokenizer has"),
        (10**6, "the unknown sub-word is 1000000; the tokenizer has"),
    ],
)
def test_a_wrong_unknown_sub_word_is_refused(unknown: object, message: str, tmp_path: Path) -> None:
    CUT.save(tmp_path)
    with pytest.raises(ModelError, match=message):
        load_extractor({**CUT.options(), "unknown": unknown}, tmp_path)
