"""The store's reading side: names, references, and what it says when there is nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_store import (
    InvalidDocument,
    InvalidName,
    NotFound,
    ReadOnly,
    Store,
    StoreError,
    Version,
    errors,
    open_store,
)
from model_store.names import manifest_key

MakeFolder = Callable[..., Path]
WHO: dict[str, Any] = {"actor": "ada@desk", "reason": ""}


def test_names_and_references(any_store: Store, make_folder: MakeFolder) -> None:
    assert any_store.names() == []
    for name in ("tags", "sentiment", "sentiment"):
        any_store.publish(name, make_folder())
    any_store.promote("sentiment", 1, **WHO)
    assert any_store.names() == ["sentiment", "tags"]
    assert any_store.versions("sentiment") == [1, 2]
    digest = any_store.manifest("sentiment", 1).digest
    for reference in ("sentiment", "sentiment@champion", "sentiment@1"):
        assert any_store.resolve(reference) == Version("sentiment", 1, digest)
    assert any_store.resolve(any_store.resolve("sentiment@2").reference).number == 2


def test_what_is_not_there_is_said_with_what_is(any_store: Store, make_folder: MakeFolder) -> None:
    with pytest.raises(NotFound, match=r"there is no model 'sentiment' in .*; it holds none"):
        any_store.resolve("sentiment")
    any_store.publish("sentiment", make_folder())
    any_store.promote("sentiment", 1, alias="candidate", **WHO)
    with pytest.raises(NotFound, match="has no alias 'champion'; its aliases are candidate"):
        any_store.resolve("sentiment")
    with pytest.raises(NotFound, match="sentiment has no version 7; it has 1"):
        any_store.resolve("sentiment@7")
    with pytest.raises(NotFound, match=r"there is no model 'tags' in .*; it holds sentiment"):
        any_store.log("tags")


def test_a_long_list_is_cut_in_a_message(store: Store, make_folder: MakeFolder) -> None:
    for _ in range(22):
        store.publish("sentiment", make_folder())
    with pytest.raises(NotFound, match=r"it has 3, 4, .* 22 and 2 more$"):
        store.resolve("sentiment@99")


@pytest.mark.parametrize("name", ["../x", "/x", "X", "a/b", "a\n"])
def test_no_method_takes_a_name_outside_the_pattern(
    store: Store, make_folder: MakeFolder, tmp_path: Path, name: str
) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.versions(name),
        lambda: store.resolve(name),
        lambda: store.manifest(name, 1),
        lambda: store.publish(name, make_folder()),
        lambda: store.promote(name, 1, **WHO),
        lambda: store.rollback(name, **WHO),
        lambda: store.log(name),
        lambda: store.aliases(name),
        lambda: store.verify(name, 1),
        lambda: store.materialise(name, 1, tmp_path),
        lambda: store.export(name, 1, tmp_path / "out"),
    ]
    for call in calls:
        with pytest.raises(InvalidName):
            call()


def test_a_manifest_in_another_versions_place_is_refused(
    store: Store, make_folder: MakeFolder
) -> None:
    store.publish("sentiment", make_folder())
    root = Path(store.url)
    body = (root / manifest_key("sentiment", 1)).read_bytes()
    (root / manifest_key("sentiment", 2)).write_bytes(body)
    with pytest.raises(InvalidDocument, match="is the manifest of sentiment@1, not its own"):
        store.manifest("sentiment", 2)


def test_a_manifest_above_the_limit_is_not_read(store: Store, make_folder: MakeFolder) -> None:
    store.publish("sentiment", make_folder())
    path = Path(store.url) / manifest_key("sentiment", 1)
    path.write_bytes(b" " * (8 * 1024 * 1024 + 1))
    with pytest.raises(InvalidDocument, match="at most 8388608 bytes"):
        store.resolve("sentiment@1")


def test_strange_files_in_the_store_are_ignored(store: Store, make_folder: MakeFolder) -> None:
    store.publish("sentiment", make_folder())
    store.promote("sentiment", 1, **WHO)
    models = Path(store.url) / "models"
    for strange in ("Big/versions/1.json", "sentiment/versions/x/2.json", "x.json"):
        (models / strange).parent.mkdir(parents=True, exist_ok=True)
        (models / strange).write_text("{}")
    for strange in ("versions/1.txt", "versions/01.json", "aliases/champion/2.json"):
        (models / "sentiment" / strange).write_text("{}")
    assert store.names() == ["sentiment"]
    assert store.versions("sentiment") == [1]
    assert len(store.log("sentiment")) == 1


def test_a_read_only_store_takes_no_write(store: Store, make_folder: MakeFolder) -> None:
    store.publish("sentiment", make_folder())
    closed = open_store(store.url, create=False, read_only=True)
    for write in (
        lambda: closed.publish("sentiment", make_folder()),
        lambda: closed.promote("sentiment", 1, **WHO),
        lambda: closed.objects.delete("models/x"),
    ):
        with pytest.raises(ReadOnly, match="is read-only"):
            write()
    assert closed.resolve("sentiment@1").number == 1


def test_manifest_keys_of_the_model_are_opaque(store: Store, make_folder: MakeFolder) -> None:
    draft = {"task": "tagging", "sizes": {"width": [1, 2]}, "unicode": "naïve ☕"}
    store.publish("tags", make_folder(draft))
    raw = store.manifest("tags", 1).raw
    assert json.loads(json.dumps(raw)) == raw
    assert {key: raw[key] for key in draft} == draft


def test_every_error_is_in_the_tree_with_a_code_and_a_sentence() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, StoreError)
    ]
    assert len({kind.code for kind in kinds}) == len(kinds) == 17
    tree = errors.__doc__ or ""
    assert all(kind.__name__ in tree for kind in kinds)
    assert all(kind.sentence.endswith(".") for kind in kinds)
