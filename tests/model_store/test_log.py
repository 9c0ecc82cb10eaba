"""Aliases: an append-only log, its true predecessors, and a rollback that walks back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from model_store import Conflict, Invalid, InvalidDocument, NotFound, Store, log, log_entry
from model_store.log import contiguous
from model_store.names import entry_key
from model_store.objects import Objects

MakeFolder = Callable[..., Path]
WHO: dict[str, Any] = {"actor": "ada@desk", "reason": "better on dev"}


@pytest.fixture
def four(store: Store, make_folder: MakeFolder) -> Store:
    """A store with versions 1 to 4 of `sentiment`."""
    for _ in range(4):
        store.publish("sentiment", make_folder())
    return store


def champion(store: Store) -> int:
    return store.resolve("sentiment").number


def test_promote_appends_and_the_last_entry_counts(four: Store) -> None:
    report = {"accuracy": 0.91, "slices": [1, 2]}
    first = four.promote("sentiment", 2, **WHO)
    second = four.promote("sentiment", 1, actor="bo@desk", reason="", report=report)
    assert (first.entry, first.version, first.previous, first.report) == (1, 2, None, None)
    assert (second.entry, second.version, second.previous) == (2, 1, 2)
    assert four.log("sentiment") == [first, second]
    assert four.log("sentiment")[1].report == report
    assert four.resolve("sentiment").number == 1


def test_aliases_are_independent(four: Store) -> None:
    four.promote("sentiment", 2, **WHO)
    four.promote("sentiment", 3, alias="candidate", **WHO)
    four.promote("sentiment", 4, alias="candidate", **WHO)
    assert four.aliases("sentiment") == {"candidate": 4, "champion": 2}
    assert four.resolve("sentiment@candidate").number == 4
    assert [entry.entry for entry in four.log("sentiment", "candidate")] == [1, 2]
    assert four.log("sentiment", "other") == []


def test_rollback_walks_back_and_then_refuses(any_store: Store, make_folder: MakeFolder) -> None:
    for number in (1, 2, 3):
        any_store.publish("sentiment", make_folder())
        any_store.promote("sentiment", number, **WHO)
    first = any_store.rollback("sentiment", **WHO)
    assert (first.entry, first.version, first.previous, first.action) == (4, 2, 3, "rollback")
    assert any_store.rollback("sentiment", **WHO).version == 1
    with pytest.raises(Conflict, match="nothing before it to roll back to"):
        any_store.rollback("sentiment", **WHO)
    assert champion(any_store) == 1
    assert len(any_store.log("sentiment")) == 5


def test_a_version_rolled_back_from_is_not_returned_to(four: Store) -> None:
    for number in (1, 2, 3):
        four.promote("sentiment", number, **WHO)
    four.rollback("sentiment", **WHO)
    four.promote("sentiment", 4, **WHO)
    assert four.rollback("sentiment", **WHO).version == 2
    assert four.rollback("sentiment", **WHO).version == 1


def test_promoting_the_current_version_again_leaves_the_way_back(four: Store) -> None:
    for number in (1, 2, 2, 2):
        four.promote("sentiment", number, **WHO)
    assert four.rollback("sentiment", **WHO).version == 1


@given(st.lists(st.integers(0, 3), max_size=12))
def test_rollback_is_the_pop_of_a_stack(moves: list[int]) -> None:
    """Against an oracle: promoting pushes what is new, rolling back (0) pops."""
    objects = Objects(MemoryStore(), url="memory")
    move = log_entry.Move("ada@desk", "")
    stack: list[int] = []
    for version in moves:
        if version:
            log.promote(objects, "sentiment", version, alias="champion", move=move)
            stack += [version] if stack[-1:] != [version] else []
        elif len(stack) > 1:
            log.rollback(objects, "sentiment", alias="champion", move=move, check=lambda _: None)
            stack.pop()
        last = log.last_entry(objects, "sentiment", "champion")
        assert (last.version if last else None) == (stack[-1] if stack else None)


def test_an_entry_beyond_a_gap_does_not_count(four: Store) -> None:
    four.promote("sentiment", 1, **WHO)
    planted = Path(four.url) / entry_key("sentiment", "champion", 3)
    planted.write_bytes((planted.parent / "00000001.json").read_bytes())
    assert champion(four) == 1
    assert four.promote("sentiment", 2, **WHO).entry == 2


@given(st.frozensets(st.integers(1, 12)))
def test_the_highest_contiguous_entry(entries: frozenset[int]) -> None:
    top = contiguous(entries)
    assert all(entry in entries for entry in range(1, top + 1))
    assert top + 1 not in entries


def test_a_move_is_refused_before_anything_is_written(four: Store) -> None:
    with pytest.raises(NotFound, match="has no version 9; it has 1, 2, 3, 4"):
        four.promote("sentiment", 9, **WHO)
    with pytest.raises(Invalid, match="the actor must not be empty"):
        four.promote("sentiment", 1, actor=" ", reason="")
    with pytest.raises(Invalid, match="2000 characters"):
        four.promote("sentiment", 1, actor="ada", reason="x" * 2001)
    with pytest.raises(InvalidDocument, match="cannot be written as JSON"):
        four.promote("sentiment", 1, report={"accuracy": float("nan")}, **WHO)
    with pytest.raises(NotFound, match="no alias 'champion' to roll back"):
        four.rollback("sentiment", **WHO)
    assert four.aliases("sentiment") == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "other"}, "of another place or of another format"),
        ({"name": "tags"}, "of another place"),
        ({"entry": 2}, "of another place"),
        ({"version": "1"}, "'version' is no whole number"),
        ({"previous": 0}, "'previous'"),
        ({"before": 1}, "names entry 1, which is not before it"),
        ({"action": "delete"}, "'action' is neither"),
        ({"actor": None}, "'actor' is no text"),
        ({"at": "now"}, "'at' is no ISO 8601 time"),
        ({"report": "fine"}, "'report' is neither an object nor null"),
    ],
)
def test_a_broken_entry_is_refused_by_name(
    four: Store, changes: dict[str, Any], reason: str
) -> None:
    four.promote("sentiment", 1, **WHO)
    path = Path(four.url) / entry_key("sentiment", "champion", 1)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(InvalidDocument, match=reason):
        four.log("sentiment")


class Crowded(Objects):
    """A storage where somebody else always wins the number."""

    def create(self, key: str, body: bytes) -> bool:
        super().create(key, body.replace(b"ada", b"bob"))
        return super().create(key, body)


def test_a_promoter_that_always_loses_gives_up_with_a_reason() -> None:
    objects = Crowded(MemoryStore(), url="memory")
    move = log_entry.Move("ada", "")
    with pytest.raises(Conflict, match="moved 5 times while this entry was tried"):
        log.promote(objects, "tags", 1, alias="champion", move=move, attempts=5)
    assert len(objects.list("models")) == 5
