"""The shipped store and the seeding of a new one from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore

from model_store import Conflict, NotFound, ReadOnly, Store, VerifyError, open_store
from model_store.names import blob_key, entry_key, manifest_key
from model_store.objects import Objects
from model_store.starter import FOLDER, embedded_store, seed

MakeFolder = Callable[..., Path]
Race = Callable[[str, list[dict[str, Any]]], list[Any]]
WHO: dict[str, Any] = {"actor": "ada@desk", "reason": "shipped"}


@pytest.fixture
def shipped(tmp_path: Path, make_folder: MakeFolder) -> Store:
    """A store as the package would ship it: two models, one of them with two versions."""
    shipped = open_store(tmp_path / "shipped")
    for name in ("sentiment", "sentiment", "tags"):
        number = shipped.publish(name, make_folder()).number
        shipped.promote(name, number, **WHO)
    return shipped


def test_a_new_store_gets_everything_byte_for_byte(shipped: Store, any_store: Store) -> None:
    versions = seed(any_store, folder=Path(shipped.url))
    assert [version.reference for version in versions] == ["sentiment@1", "sentiment@2", "tags@1"]
    for version in versions:
        assert version == shipped.resolve(version.reference)
        assert any_store.resolve(version.reference) == version
        any_store.verify(version.name, version.number)
    assert any_store.log("sentiment") == shipped.log("sentiment")
    assert seed(any_store, folder=Path(shipped.url)) == []


def test_a_model_that_the_store_has_is_left_alone(
    shipped: Store, store: Store, make_folder: MakeFolder
) -> None:
    store.publish("sentiment", make_folder({"mine": True}))
    assert [version.reference for version in seed(store, folder=Path(shipped.url))] == ["tags@1"]
    assert store.versions("sentiment") == [1]
    assert store.aliases("sentiment") == {}


def test_a_seeded_store_is_not_upgraded_behind_its_owners_back(
    shipped: Store, store: Store, make_folder: MakeFolder
) -> None:
    seed(store, folder=Path(shipped.url))
    shipped.promote("tags", shipped.publish("tags", make_folder()).number, **WHO)
    assert seed(store, folder=Path(shipped.url)) == []
    assert store.versions("tags") == [1]


def test_a_seeding_that_was_cut_short_is_finished(shipped: Store, store: Store) -> None:
    seed(store, folder=Path(shipped.url))
    for key in (
        entry_key("sentiment", "champion", 1),
        entry_key("sentiment", "champion", 2),
        manifest_key("sentiment", 2),
    ):
        (Path(store.url) / key).unlink()
    assert len(seed(store, folder=Path(shipped.url))) == 2
    assert store.resolve("sentiment") == shipped.resolve("sentiment")


def test_many_processes_seed_one_store(shipped: Store, any_url: str, race: Race) -> None:
    order = {"url": any_url, "starter": shipped.url}
    race("seed", [order] * 4)
    store = open_store(any_url)
    assert {name: store.versions(name) for name in store.names()} == {
        "sentiment": [1, 2],
        "tags": [1],
    }
    assert len(store.log("sentiment")) == 2
    store.verify("sentiment", 2)


def test_a_damaged_shipment_is_not_copied(shipped: Store, store: Store) -> None:
    entry = shipped.manifest("tags", 1).files["labels.txt"]
    (Path(shipped.url) / blob_key(entry.sha256)).write_bytes(b"damaged")
    with pytest.raises(VerifyError, match=r"labels\.txt"):
        seed(store, folder=Path(shipped.url))
    assert store.names() == []


class Contested(Objects):
    """A storage on which somebody else acts between a seeder's look and its first write."""

    rival: Callable[[], object] | None = None

    def upload(self, key: str, source: bytes | Iterator[bytes]) -> None:
        rival, self.rival = self.rival, None
        if rival is not None:
            rival()
        super().upload(key, source)


def test_somebody_who_publishes_while_the_store_is_seeded_wins(
    shipped: Store, make_folder: MakeFolder
) -> None:
    objects = Contested(MemoryStore(), url="memory")
    store, folder = Store(objects), make_folder({"mine": True})
    objects.rival = lambda: store.publish("sentiment", folder)
    with pytest.raises(Conflict, match="was written by somebody else"):
        seed(store, folder=Path(shipped.url))
    assert store.manifest("sentiment", 1).raw["mine"] is True


def test_a_package_that_ships_nothing(store: Store, tmp_path: Path) -> None:
    assert seed(store, folder=tmp_path / "missing") == []
    (tmp_path / "empty").mkdir()
    assert seed(store, folder=tmp_path / "empty") == []
    with pytest.raises(NotFound, match="there is no store at"):
        embedded_store(tmp_path / "missing")


def test_what_this_package_ships_is_sound(store: Store) -> None:
    seed(store)
    assert store.names() == (embedded_store().names() if FOLDER.is_dir() else [])
    for name in store.names():
        for number in store.versions(name):
            store.verify(name, number)
        assert store.resolve(name).number in store.versions(name)


def test_the_shipped_store_is_read_only(shipped: Store, make_folder: MakeFolder) -> None:
    with pytest.raises(ReadOnly):
        embedded_store(Path(shipped.url)).publish("tags", make_folder())
