"""A local folder is proven before it is seen, and one flipped byte never gets through."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from model_store import Conflict, Store, StoreError, UnsafeFile, VerifyError, open_store
from model_store.names import blob_key, manifest_key

MakeFolder = Callable[..., Path]
FILES = ["card.md", "labels.txt", "network.safetensors"]


@pytest.fixture
def published(any_store: Store, make_folder: MakeFolder) -> Store:
    any_store.publish("sentiment", make_folder())
    return any_store


@pytest.fixture
def on_disk(store: Store, make_folder: MakeFolder) -> Store:
    store.publish("sentiment", make_folder())
    return store


def blob_path(store: Store, file: str) -> Path:
    return Path(store.url) / blob_key(store.manifest("sentiment", 1).files[file].sha256)


def flip(path: Path) -> None:
    """Change one bit of the middle byte."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_folder_holds_the_manifest_and_the_files(published: Store, tmp_path: Path) -> None:
    folder = published.materialise("sentiment", 1, tmp_path / "cache")
    manifest = published.manifest("sentiment", 1)
    assert sorted(snapshot(folder)) == [*FILES[:2], "manifest.json", FILES[2]]
    assert (folder / "manifest.json").read_bytes() == manifest.body
    for file, entry in manifest.files.items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == entry.sha256


def test_a_folder_is_reused_without_the_blobs(on_disk: Store, tmp_path: Path) -> None:
    first = on_disk.materialise("sentiment", 1, tmp_path / "cache")
    inode = (first / "labels.txt").stat().st_ino
    blob_path(on_disk, "labels.txt").unlink()
    second = on_disk.materialise("sentiment", 1, tmp_path / "cache")
    assert (second, (second / "labels.txt").stat().st_ino) == (first, inode)


@pytest.mark.parametrize("file", FILES)
def test_one_flipped_byte_in_the_store_is_refused_by_name(
    on_disk: Store, tmp_path: Path, file: str
) -> None:
    flip(blob_path(on_disk, file))
    for attempt in (
        lambda: on_disk.verify("sentiment", 1),
        lambda: on_disk.materialise("sentiment", 1, tmp_path / "cache"),
        lambda: on_disk.export("sentiment", 1, tmp_path / "out"),
    ):
        with pytest.raises(VerifyError, match=f"{file} of sentiment@1 is damaged") as caught:
            attempt()
        assert caught.value.file == file
    assert list((tmp_path / "cache" / "sentiment").iterdir()) == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"x" * 3_000_000, "is 3000000 bytes|is 1048576 bytes"), (b"x", "is 1 bytes"), (None, "miss")],
)
def test_a_blob_of_another_size_is_refused_by_name(
    on_disk: Store, content: bytes | None, reason: str
) -> None:
    path = blob_path(on_disk, "labels.txt")
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(VerifyError, match=reason) as caught:
        on_disk.verify("sentiment", 1)
    assert caught.value.file == "labels.txt"


@pytest.mark.parametrize("file", [*FILES, "manifest.json"])
def test_a_damaged_cache_is_rebuilt(published: Store, tmp_path: Path, file: str) -> None:
    folder = published.materialise("sentiment", 1, tmp_path / "cache")
    sound = snapshot(folder)
    flip(folder / file)
    assert published.materialise("sentiment", 1, tmp_path / "cache") == folder
    assert snapshot(folder) == sound


def test_a_cache_with_strangers_in_it_is_rebuilt(on_disk: Store, tmp_path: Path) -> None:
    folder = on_disk.materialise("sentiment", 1, tmp_path / "cache")
    sound = snapshot(folder)
    (folder / "labels.txt").unlink()
    (folder / "labels.txt").mkdir()
    (folder / "card.md").unlink()
    (folder / "card.md").symlink_to("/dev/null")
    (folder / "extra.txt").write_text("not of this version")
    on_disk.materialise("sentiment", 1, tmp_path / "cache")
    assert snapshot(folder) == sound
    assert not (folder / "card.md").is_symlink()


def test_a_damaged_cache_of_a_damaged_store_stays_refused(on_disk: Store, tmp_path: Path) -> None:
    folder = on_disk.materialise("sentiment", 1, tmp_path / "cache")
    flip(folder / "labels.txt")
    flip(blob_path(on_disk, "labels.txt"))
    with pytest.raises(VerifyError, match=r"labels\.txt"):
        on_disk.materialise("sentiment", 1, tmp_path / "cache")


def test_two_stores_share_a_cache(store: Store, make_folder: MakeFolder, tmp_path: Path) -> None:
    other = open_store(tmp_path / "other")
    store.publish("sentiment", make_folder(labels__txt=b"one\n"))
    other.publish("sentiment", make_folder(labels__txt=b"two\n"))
    folders = [each.materialise("sentiment", 1, tmp_path / "cache") for each in (store, other)]
    assert [(folder / "labels.txt").read_text() for folder in folders] == ["one\n", "two\n"]


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("network.safetensors", b"\xff" * 8 + b"{}" * 100, "safetensors header"),
        ("network.onnx", b"\x80\x05\x95" + b"x" * 100, "its content is a pickle"),
    ],
)
def test_a_malicious_file_with_the_right_digest_is_refused(
    on_disk: Store, tmp_path: Path, file: str, content: bytes, reason: str
) -> None:
    digest = hashlib.sha256(content).hexdigest()
    (Path(on_disk.url) / blob_key(digest)).write_bytes(content)
    forge(on_disk, {file: {"sha256": digest, "size": len(content)}})
    for attempt in (
        lambda: on_disk.verify("sentiment", 1),
        lambda: on_disk.materialise("sentiment", 1, tmp_path / "cache"),
    ):
        with pytest.raises(UnsafeFile, match=reason):
            attempt()
    assert not any((tmp_path / "cache").rglob("*.onnx"))


@pytest.mark.parametrize("file", ["../x", "/tmp/x", "weights.pkl", "a/../../x"])  # noqa: S108
def test_a_malicious_name_is_refused_before_anything_is_fetched(
    on_disk: Store, tmp_path: Path, file: str
) -> None:
    entry = on_disk.manifest("sentiment", 1).files["labels.txt"]
    forge(on_disk, {file: {"sha256": entry.sha256, "size": entry.size}})
    with pytest.raises(UnsafeFile):
        on_disk.materialise("sentiment", 1, tmp_path / "cache")
    with pytest.raises(StoreError):
        on_disk.export("sentiment", 1, tmp_path / "out")
    assert not (tmp_path / "cache").exists()


def forge(store: Store, files: dict[str, dict[str, object]]) -> None:
    """Overwrite the manifest of version 1 as an attacker with write access would."""
    path = Path(store.url) / manifest_key("sentiment", 1)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"files": files}))


def test_an_export_needs_a_free_folder(on_disk: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert on_disk.export("sentiment", 1, tmp_path / "empty") == tmp_path / "empty"
    assert sorted(snapshot(tmp_path / "empty")) == [*FILES[:2], "manifest.json", FILES[2]]
    (tmp_path / "file").write_text("x")
    for taken in ("empty", "file"):
        with pytest.raises(Conflict, match="is taken"):
            on_disk.export("sentiment", 1, tmp_path / taken)


def test_a_file_where_the_folder_should_be_is_an_error(on_disk: Store, tmp_path: Path) -> None:
    folder = on_disk.materialise("sentiment", 1, tmp_path / "cache")
    folder.rename(tmp_path / "aside")
    folder.write_text("in the way")
    with pytest.raises(NotADirectoryError):
        on_disk.materialise("sentiment", 1, tmp_path / "cache")


def test_what_killed_builders_left_is_removed_after_a_day(on_disk: Store, tmp_path: Path) -> None:
    home = tmp_path / "cache" / "sentiment"
    for age_seconds, name in ((0, ".partial-new"), (2 * 86_400, ".partial-old")):
        (home / name).mkdir(parents=True)
        os.utime(home / name, (time.time() - age_seconds,) * 2)
    on_disk.materialise("sentiment", 1, tmp_path / "cache")
    assert sorted(path.name for path in home.glob(".partial-*")) == [".partial-new"]
