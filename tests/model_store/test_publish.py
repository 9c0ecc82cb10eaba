"""A folder becomes a version in one step that cannot be half done."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_store import (
    Conflict,
    Invalid,
    InvalidDocument,
    InvalidName,
    NotFound,
    Store,
    UnsafeFile,
    open_store,
)
from model_store.content import FileEntry, digest_file
from model_store.names import blob_key
from model_store.publish import publish_folder, upload_file

MakeFolder = Callable[..., Path]
Start = Callable[[str, dict[str, Any]], subprocess.Popen[str]]

STEPS = [
    "checked",
    "blob card.md",
    "blob labels.txt",
    "blob network.safetensors",
    "manifest",
    "confirmed",
]


def test_a_published_folder_is_a_version(any_store: Store, make_folder: MakeFolder) -> None:
    draft = {"task": "sentiment", "labels": ["negative", "positive"], "scores": {"accuracy": 0.9}}
    version = any_store.publish("sentiment", make_folder(draft, empty__txt=b""))
    manifest = any_store.manifest("sentiment", version.number)
    assert version.reference == "sentiment@1"
    assert version.digest == manifest.digest
    assert {key: manifest.raw[key] for key in draft} == draft
    assert sorted(manifest.files) == ["card.md", "empty.txt", "labels.txt", "network.safetensors"]
    assert (manifest.parent, manifest.origin) == (None, None)
    any_store.verify("sentiment", 1)


def test_versions_share_the_files_they_have_in_common(
    store: Store, make_folder: MakeFolder
) -> None:
    first = store.publish("sentiment", make_folder())
    second = store.publish("sentiment", make_folder(card__md=b"new"), parent=first.number)
    blobs = list(Path(store.url).glob("blobs/sha256/*"))
    assert second.number == 2
    assert store.manifest("sentiment", 2).parent == 1
    assert len(blobs) == 4


def test_publishing_twice_gives_two_versions(store: Store, make_folder: MakeFolder) -> None:
    folder = make_folder()
    first, second = (store.publish("sentiment", folder) for _ in range(2))
    assert (first.number, second.number) == (1, 2)
    assert first.digest != second.digest


def test_the_steps_are_those_the_crash_test_kills_at(store: Store, make_folder: MakeFolder) -> None:
    steps: list[str] = []
    publish_folder(store.objects, "sentiment", make_folder(), on_step=steps.append)
    assert steps == STEPS


@pytest.mark.parametrize("step", STEPS)
def test_a_publisher_killed_at_any_step_leaves_a_sound_store(
    any_store: Store, make_folder: MakeFolder, start: Start, step: str
) -> None:
    any_store.publish("sentiment", make_folder(card__md=b"before"))
    order = {"url": any_store.url, "name": "sentiment", "folder": str(make_folder()), "step": step}
    publisher = start("die", order)
    publisher.communicate(timeout=60)
    assert publisher.returncode == -9
    committed = step in ("manifest", "confirmed")
    assert any_store.versions("sentiment") == ([1, 2] if committed else [1])
    number = any_store.publish("sentiment", make_folder()).number
    assert number == (3 if committed else 2)
    for each in any_store.versions("sentiment"):
        any_store.verify("sentiment", each)


@pytest.mark.parametrize("delay_seconds", [0.0, 0.002, 0.01, 0.03])
def test_a_publisher_killed_between_steps_leaves_a_sound_store(
    store: Store, make_folder: MakeFolder, start: Start, delay_seconds: float
) -> None:
    folder = make_folder(network__onnx=b"\x08" * 30_000_000)
    order = {"url": store.url, "name": "sentiment", "folder": str(folder), "step": "never"}
    publisher = start("die", order)
    assert publisher.stdout is not None
    assert publisher.stdout.readline() == "checked\n"
    time.sleep(delay_seconds)
    publisher.kill()
    publisher.communicate(timeout=60)
    number = store.publish("sentiment", make_folder()).number
    assert store.versions("sentiment") == list(range(1, number + 1))
    for each in store.versions("sentiment"):
        store.verify("sentiment", each)
    assert store.gc(dry_run=False, grace_seconds=0, keep_last=1).freed_bytes in (0, 30_000_000)
    assert not list(Path(store.url).rglob("*#*"))


@pytest.mark.parametrize("files", [{"a__pkl": b"x"}, {"_hidden": b"x"}, {"a b": b"x"}])
def test_a_folder_with_a_forbidden_name_uploads_nothing(
    store: Store, make_folder: MakeFolder, files: dict[str, bytes]
) -> None:
    with pytest.raises(UnsafeFile):
        store.publish("sentiment", make_folder(**files))
    assert list(Path(store.url).iterdir()) == []


def test_a_pickle_by_content_is_refused(store: Store, make_folder: MakeFolder) -> None:
    with pytest.raises(UnsafeFile, match=r"weights\.onnx is refused: its content is a pickle"):
        store.publish("sentiment", make_folder(weights__onnx=b"\x80\x04\x95"))


def test_a_folder_in_the_folder_is_refused(store: Store, make_folder: MakeFolder) -> None:
    folder = make_folder()
    (folder / "inner").mkdir()
    with pytest.raises(UnsafeFile, match="flat folder of plain files"):
        store.publish("sentiment", folder)


def test_a_link_is_refused(store: Store, make_folder: MakeFolder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not for the store")
    folder = make_folder()
    (folder / "link.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(UnsafeFile, match="no plain file"):
        store.publish("sentiment", folder)


def test_a_folder_without_files_or_manifest_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no file manifest\.json"):
        store.publish("sentiment", tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "manifest.json").write_text("{}")
    with pytest.raises(Invalid, match="a version needs one"):
        store.publish("sentiment", tmp_path / "empty")


def test_a_draft_that_is_no_strict_object_is_refused(store: Store, make_folder: MakeFolder) -> None:
    folder = make_folder()
    (folder / "manifest.json").write_text('{"a": 1, "a": 2}')
    with pytest.raises(InvalidDocument, match="appears twice"):
        store.publish("sentiment", folder)
    with pytest.raises(InvalidName):
        store.publish("Sentiment", folder)


def test_a_parent_that_is_not_there_is_refused(store: Store, make_folder: MakeFolder) -> None:
    with pytest.raises(NotFound, match="the parent sentiment@7 is not in the store"):
        store.publish("sentiment", make_folder(), parent=7)


def test_a_draft_cannot_set_the_stores_own_keys(store: Store, make_folder: MakeFolder) -> None:
    draft = {"name": "other", "version": 9, "files": {"x": 1}, "created": "never", "task": "t"}
    version = store.publish("sentiment", make_folder(draft))
    manifest = store.manifest("sentiment", 1)
    assert (version.number, manifest.raw["task"]) == (1, "t")
    assert "x" not in manifest.files


def test_an_exported_folder_is_published_again_with_its_parent(
    store: Store, make_folder: MakeFolder, tmp_path: Path
) -> None:
    store.publish("sentiment", make_folder({"task": "sentiment", "note": "kept"}))
    folder = store.export("sentiment", 1, tmp_path / "carried")
    again = store.manifest("sentiment", store.publish("sentiment", folder).number)
    assert (again.version, again.parent, again.raw["note"]) == (2, 1, "kept")
    elsewhere = open_store(tmp_path / "elsewhere")
    copied = elsewhere.manifest("sentiment", elsewhere.publish("sentiment", folder).number)
    assert (copied.version, copied.parent) == (1, None)
    assert copied.origin is not None
    assert (copied.origin["name"], copied.origin["version"]) == ("sentiment", 1)
    # Version 1 of that store is another publication than the folder says: no parent either.
    third = elsewhere.manifest("sentiment", elsewhere.publish("sentiment", folder).number)
    assert (third.version, third.parent) == (2, None)
    renamed = store.manifest("other", store.publish("other", folder).number)
    assert renamed.parent is None
    assert json.loads((folder / "manifest.json").read_text())["version"] == 1


@pytest.mark.parametrize("size", [10, 12_000_000])
def test_a_file_that_changed_meanwhile_damages_no_blob(
    any_store: Store, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"a" * size)
    entry = digest_file(path).entry()
    upload_file(any_store.objects, path, entry=entry)
    path.write_bytes(b"b" * size)
    with pytest.raises(Conflict, match="changed while it was published"):
        upload_file(any_store.objects, path, entry=entry)
    stored = b"".join(any_store.objects.stream(blob_key(entry.sha256)))
    assert stored == b"a" * size


def test_a_blob_that_gc_took_right_after_the_commit_is_put_back(
    store: Store, make_folder: MakeFolder
) -> None:
    def on_step(step: str) -> None:
        if step == "manifest":
            for blob in Path(store.url).glob("blobs/sha256/*"):
                blob.unlink()

    publish_folder(store.objects, "sentiment", make_folder(), on_step=on_step)
    store.verify("sentiment", 1)


def test_a_damaged_blob_is_healed_by_publishing_its_file_again(
    store: Store, make_folder: MakeFolder
) -> None:
    folder = make_folder()
    store.publish("sentiment", folder)
    entry = store.manifest("sentiment", 1).files["labels.txt"]
    assert isinstance(entry, FileEntry)
    (Path(store.url) / blob_key(entry.sha256)).write_bytes(b"damaged")
    store.publish("sentiment", folder)
    store.verify("sentiment", 1)
