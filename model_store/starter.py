"""The default store that ships inside the package, and how a new store is seeded from it.

The data lies in the folder `starter/` beside this file, in the store's own layout. It may be empty:
then there is nothing to seed and every function here says so by an empty answer.
"""

from __future__ import annotations

from pathlib import Path

from model_store import log
from model_store.errors import Conflict
from model_store.keys import Keys
from model_store.manifest import Manifest
from model_store.names import blob_key, entry_key, manifest_key
from model_store.objects import Objects
from model_store.publish import upload_file
from model_store.shelf import read_shelf
from model_store.store import Store, open_store
from model_store.version import Version

FOLDER = Path(__file__).with_name("starter")


def embedded_store(folder: Path = FOLDER, *, trusted: Keys | None = None) -> Store:
    """The shipped store, read-only; with `trusted`, as unsigned as it ships, it serves nothing.

    Raises:
        NotFound: this installation ships none.
    """
    return open_store(folder, create=False, read_only=True, trusted=trusted)


def seed(store: Store, *, folder: Path = FOLDER) -> list[Version]:
    """Copy each shipped model that `store` does not have; return the versions copied.

    Everything is copied byte for byte with create-only, blobs first and alias logs last, so any
    number of processes may seed one store at once. A model the store already has is left alone,
    however old it is; the one exception is a seeding that was cut short, which is finished: then
    the store's versions are the first of the shipped ones, byte for byte, and no alias is set.

    Raises:
        VerifyError: a shipped file is damaged; nothing of its model is copied.
    """
    if not folder.is_dir():
        return []
    shipped = embedded_store(folder)
    return [
        version
        for name in shipped.names()
        if _wanted(shipped.objects, store.objects, name)
        for version in _copy(shipped, store.objects, name, folder=folder)
    ]


def _wanted(shipped: Objects, target: Objects, name: str) -> bool:
    present = read_shelf(target, name).versions
    if log.entries_of(target, name):
        return False
    expected = read_shelf(shipped, name).versions.keys()
    return present.keys() <= expected and all(
        target.read(manifest_key(name, number)) == shipped.read(manifest_key(name, number))
        for number in present
    )


def _copy(shipped: Store, target: Objects, name: str, *, folder: Path) -> list[Version]:
    manifests = [shipped.manifest(name, number) for number in shipped.versions(name)]
    for manifest in manifests:
        shipped.verify(name, manifest.version)
        _copy_blobs(folder, target, manifest)
    for manifest in manifests:
        _create(target, manifest_key(name, manifest.version), manifest.body)
    _copy_logs(shipped.objects, target, name)
    return [Version(name, manifest.version, manifest.digest) for manifest in manifests]


def _copy_blobs(folder: Path, target: Objects, manifest: Manifest) -> None:
    for entry in manifest.files.values():
        upload_file(target, folder / blob_key(entry.sha256), entry=entry)


def _copy_logs(shipped: Objects, target: Objects, name: str) -> None:
    for alias, entries in log.entries_of(shipped, name).items():
        for entry in range(1, log.contiguous(entries) + 1):
            key = entry_key(name, alias, entry)
            _create(target, key, shipped.read(key))


def _create(target: Objects, key: str, body: bytes) -> None:
    if not target.create(key, body):
        raise Conflict(f"{key} was written by somebody else while {target.url} was seeded")
