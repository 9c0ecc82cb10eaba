"""A document means one thing or is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store import InvalidDocument
from model_store.strict_json import DOCUMENT_LIMIT_BYTES, encode, parse

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(st.dictionaries(texts, values, max_size=5))
def test_what_is_written_is_read_back(document: dict[str, object]) -> None:
    assert parse(encode(document, what="it"), what="it") == document


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a": 1, "a": 2}', "the key 'a' appears twice"),
        (b'{"deep": {"b": 1, "b": 1}}', "the key 'b' appears twice"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": 1e999}', "beyond a double"),
        (b"[1]", "a JSON list; an object is needed"),
        (b"{", "no strict JSON"),
        (b"", "no strict JSON"),
        (b'{"a": "\xff"}', "not valid UTF-8"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "no strict JSON"),
    ],
)
def test_what_could_be_read_two_ways_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidDocument, match=reason):
        parse(body, what="it")


def test_a_document_above_the_limit_is_refused_both_ways() -> None:
    with pytest.raises(InvalidDocument, match="at most 8388608 bytes"):
        parse(b" " * (DOCUMENT_LIMIT_BYTES + 1), what="it")
    with pytest.raises(InvalidDocument, match="at most 8388608 bytes"):
        encode({"a": "x" * DOCUMENT_LIMIT_BYTES}, what="it")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1}, "\ud800"])
def test_what_json_has_no_form_for_is_refused(value: object) -> None:
    with pytest.raises(InvalidDocument, match="cannot be written as JSON"):
        encode({"a": value}, what="it")
