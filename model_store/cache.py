"""A version as a local folder: complete and proven before anybody can see it.

The files are written into a folder beside the target, hashed, checked and flushed, then made
visible by one rename. A folder in the cache is checked again before it is handed out. Once visible
it is never moved or removed, so a process that was given its path may keep using it; a file in it
that went bad is replaced by one rename of its own. Of several processes that build the same version
at once, the first rename wins and the others use its folder.

The folder's name carries the manifest's digest: two stores may share one cache.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model_store.errors import Conflict, VerifyError
from model_store.manifest import Manifest
from model_store.names import MANIFEST_FILE
from model_store.objects import Objects, sync
from model_store.verify import blob_chunks, verify_folder

STALE_SECONDS = 24 * 3600
_PARTIAL = ".partial-"


def materialise(objects: Objects, manifest: Manifest, cache: Path) -> Path:
    """The folder of a version in `cache`: manifest.json and its files, all verified.

    Raises:
        VerifyError: the store's bytes differ from the manifest.
        UnsafeFile: a file of a forbidden kind.
        Unavailable: the store does not answer.
        OSError: the cache's disk fails.
    """
    home = cache / manifest.name
    target = home / f"{manifest.version}-{manifest.digest[:16]}"
    home.mkdir(parents=True, exist_ok=True)
    if not target.is_dir():
        _drop_stale(home)
        if _build(objects, manifest, target):
            return target
    _repair(objects, manifest, target)
    return target


def export(objects: Objects, manifest: Manifest, folder: Path) -> Path:
    """Write the version into `folder`, which must be missing or empty.

    Raises:
        Conflict: the folder holds something.
        VerifyError, UnsafeFile, Unavailable, OSError: as `materialise`.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} is taken; an export needs a missing or empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not _build(objects, manifest, folder):
        raise Conflict(f"{folder} was filled by another process meanwhile")
    return folder


def _build(objects: Objects, manifest: Manifest, target: Path) -> bool:
    """Fill a folder beside `target` and rename it there; False where the target is taken."""
    with _filled(objects, manifest, target.parent) as partial:
        try:
            partial.rename(target)
        except OSError:  # ENOTEMPTY: another process was first
            if not target.is_dir():
                raise
            return False
    sync(target.parent)
    return True


def _repair(objects: Objects, manifest: Manifest, target: Path) -> None:
    """Put right a visible folder that fails its check, each file by one rename."""
    try:
        verify_folder(target, manifest)
    except VerifyError:
        with _filled(objects, manifest, target.parent) as partial:
            expected = {path.name for path in partial.iterdir()}
            for path in target.iterdir():
                if path.name not in expected or not path.is_file():
                    _remove(path)
            for file in expected:
                (partial / file).replace(target / file)
        verify_folder(target, manifest)


@contextmanager
def _filled(objects: Objects, manifest: Manifest, home: Path) -> Iterator[Path]:
    """A new folder in `home` with the whole version, verified and flushed; removed at the end."""
    partial = home / f"{_PARTIAL}{secrets.token_hex(8)}"
    partial.mkdir()
    try:
        for file in manifest.files:
            _write(partial / file, blob_chunks(objects, manifest, file))
        _write(partial / MANIFEST_FILE, [manifest.body])
        verify_folder(partial, manifest)
        sync(partial)
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    with path.open("xb") as target:
        for chunk in chunks:
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())


def _drop_stale(home: Path) -> None:
    """Remove what builders that were killed more than a day ago left behind."""
    for path in home.glob(f"{_PARTIAL}*"):
        with suppress(FileNotFoundError):  # its builder ended just now
            if time.time() - path.lstat().st_mtime > STALE_SECONDS:
                _remove(path)
