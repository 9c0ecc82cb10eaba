"""Offsets against the oracle: encode the text before the place, and count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.offsets import ENCODINGS, OffsetEncoding, offset_converter, offset_table

UNIT_BYTES = {"utf8": ("utf-8", 1), "utf16": ("utf-16-le", 2), "codepoint": ("utf-32-le", 4)}
EVERY_ENCODING = pytest.mark.parametrize("encoding", ENCODINGS)

texts = st.text() | st.text(alphabet="a\u00e9\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff")


def units(text: str, encoding: OffsetEncoding) -> int:
    name, size = UNIT_BYTES[encoding]
    return len(text.encode(name)) // size


@EVERY_ENCODING
@given(text=texts)
def test_every_place_agrees_with_the_encoded_prefix(encoding: OffsetEncoding, text: str) -> None:
    expected = [units(text[:place], encoding) for place in range(len(text) + 1)]
    convert = offset_converter(text, encoding)
    assert [convert(place) for place in range(len(text) + 1)] == expected
    assert offset_table(text, encoding).tolist() == expected


@EVERY_ENCODING
def test_a_converted_offset_is_a_plain_int(encoding: OffsetEncoding) -> None:
    """numpy's integers are no JSON."""
    for text in ("plain", "caf\u00e9 👩‍👩‍👧"):
        assert type(offset_converter(text, encoding)(len(text))) is int


def test_a_family_in_each_encoding() -> None:
    text = "👩‍👩‍👧 é"
    ends = {encoding: offset_converter(text, encoding)(len(text)) for encoding in ENCODINGS}
    assert ends == {"codepoint": 7, "utf8": 21, "utf16": 10}


def test_the_encodings_are_all_covered_here() -> None:
    assert set(ENCODINGS) == set(UNIT_BYTES)
