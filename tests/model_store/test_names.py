"""Every name is matched in full, and every key is built by the store alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model_store import InvalidName, UnsafeFile
from model_store.names import (
    Reference,
    check_alias,
    check_file,
    check_name,
    check_number,
    digest_of,
    entry_key,
    entry_of,
    is_digest,
    manifest_key,
    number_of,
    parse_reference,
    retired_key,
    retired_number_of,
)

NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}\Z")
FILE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")

names = st.from_regex(NAME, fullmatch=True)


@given(names)
def test_a_name_inside_the_pattern_is_taken(name: str) -> None:
    assert check_name(name) == name


@given(st.text(max_size=80).filter(lambda text: NAME.match(text) is None))
@example("sentiment\n")
@example("../sentiment")
@example("Sentiment")
@example("")
@example("a" * 65)
@example("ünïcode")
@example("１")
def test_a_name_outside_the_pattern_is_refused(text: str) -> None:
    with pytest.raises(InvalidName, match="is no model name"):
        check_name(text)
    with pytest.raises(InvalidName, match="is no alias"):
        check_alias(text)


@given(st.text(max_size=150).filter(lambda text: FILE.match(text) is None))
@example("../x")
@example("/etc/passwd")
@example("a/b")
@example("a\\b")
@example(".hidden")
@example("labels.txt\n")
@example("x" * 129)
def test_a_file_name_outside_the_pattern_is_refused(text: str) -> None:
    with pytest.raises(UnsafeFile, match="is no file name of a version"):
        check_file(text)


@pytest.mark.parametrize("file", ["manifest.json", "MANIFEST.json"])
def test_no_file_may_take_the_place_of_the_manifest(file: str) -> None:
    with pytest.raises(UnsafeFile, match=re.escape("not manifest.json")):
        check_file(file)


@given(names.filter(lambda name: not name.isdigit()), st.integers(1, 999_999_999))
def test_a_reference_is_a_name_an_alias_or_a_number(name: str, number: int) -> None:
    assert parse_reference(name) == Reference(name, "champion", None)
    assert parse_reference(f"{name}@candidate") == Reference(name, "candidate", None)
    assert parse_reference(f"{name}@{number}") == Reference(name, None, number)


@pytest.mark.parametrize(
    "text", ["@champion", "a@", "a@0", "a@07", "a@1234567890", "a@b@c", "a@-1", "a@A", "a@٣"]
)
def test_a_malformed_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_reference(text)


def test_an_alias_of_digits_alone_is_refused() -> None:
    with pytest.raises(InvalidName, match="not digits alone"):
        check_alias("7")


@pytest.mark.parametrize("number", [0, -1, 10**9, True])
def test_a_number_outside_the_range_is_refused(number: int) -> None:
    with pytest.raises(InvalidName, match="is no version number"):
        check_number(number)


@given(names, names, st.integers(1, 99_999_999))
def test_keys_are_read_back(name: str, alias: str, number: int) -> None:
    assert number_of(manifest_key(name, number)) == number
    assert number_of(retired_key(name, number)) is None
    assert retired_number_of(retired_key(name, number)) == number
    assert entry_of(entry_key(name, alias, number)) == number
    assert digest_of(manifest_key(name, number)) is None


@pytest.mark.parametrize("text", ["a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n", None, 7])
def test_what_is_no_digest(text: object) -> None:
    assert not is_digest(text)
