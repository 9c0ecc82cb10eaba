"""Many processes at once: numbers are unique and contiguous, and no write is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from model_store import Store, open_store

Race = Callable[[str, list[dict[str, Any]]], list[Any]]
MakeFolder = Callable[..., Path]

PUBLISHERS = 8


def test_200_publishers_get_unique_contiguous_numbers(
    any_url: str, race: Race, tmp_path: Path
) -> None:
    orders = [
        {"url": any_url, "name": "sentiment", "worker": worker, "count": 25}
        | {"folder": str(tmp_path / "drafts")}
        for worker in range(PUBLISHERS)
    ]
    published = [one for worker in race("publish", orders) for one in worker]
    store = open_store(any_url)
    assert sorted(one["number"] for one in published) == list(range(1, 201))
    assert store.versions("sentiment") == list(range(1, 201))
    for one in published:
        manifest = store.manifest("sentiment", one["number"])
        assert manifest.raw["writer"] == one["writer"]
    for number in (1, 100, 200):
        store.verify("sentiment", number)


def test_100_promoters_write_one_unbroken_log(
    any_store: Store, make_folder: MakeFolder, race: Race
) -> None:
    versions = [any_store.publish("tags", make_folder()).number for _ in range(3)]
    orders = [
        {"url": any_store.url, "name": "tags", "worker": worker, "count": 10, "versions": versions}
        for worker in range(10)
    ]
    actors = [actor for worker in race("promote", orders) for actor in worker]
    entries = any_store.log("tags")
    assert [entry.entry for entry in entries] == list(range(1, 101))
    assert sorted(entry.actor for entry in entries) == sorted(actors)
    assert entries[0].previous is None
    for earlier, later in pairwise(entries):
        assert later.previous == earlier.version
    assert any_store.resolve("tags").number == entries[-1].version


def test_two_processes_materialise_the_same_version_at_once(
    any_store: Store, make_folder: MakeFolder, race: Race, tmp_path: Path
) -> None:
    version = any_store.publish("tags", make_folder(network__onnx=b"\x08\x08" * 500_000))
    order = {"url": any_store.url, "name": "tags", "number": version.number}
    folders = race("materialise", [order | {"cache": str(tmp_path / "cache")}] * 4)
    assert len(set(folders)) == 1
    assert (Path(folders[0]) / "network.onnx").stat().st_size == 1_000_000
    assert [path.name for path in Path(folders[0]).parent.iterdir()] == [Path(folders[0]).name]


def test_gc_beside_racing_publishers_never_takes_a_blob_they_share(
    store: Store, make_folder: MakeFolder, race: Race, start: Callable[..., Any], tmp_path: Path
) -> None:
    # Orphans a day old, one of them with the very bytes that every publisher is about to write.
    store.publish("other", make_folder(labels__txt=b"negative\npositive\n"))
    for path in Path(store.url).glob("models/other/versions/*"):
        path.unlink()
    for blob in Path(store.url).glob("blobs/sha256/*"):
        os.utime(blob, (time.time() - 86_400,) * 2)
    gc = start("collect", {"url": store.url, "count": 100, "grace_seconds": 600})
    orders = [
        {"url": store.url, "name": "sentiment", "worker": worker, "count": 10}
        | {"folder": str(tmp_path / "drafts")}
        for worker in range(4)
    ]
    race("publish", orders)
    output, errors = gc.communicate(timeout=120)
    assert int(output) >= 2, errors
    assert store.versions("sentiment") == list(range(1, 41))
    for number in store.versions("sentiment"):
        store.verify("sentiment", number)
