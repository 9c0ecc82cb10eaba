"""The five things the store asks of a storage: create, upload, read, list, delete.

A thin layer over obstore that turns its errors into this package's, and that makes a write on a
local disk durable (obstore's LocalStore renames or links atomically but does not fsync).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from model_store import strict_json
from model_store.content import CHUNK_BYTES
from model_store.errors import NotFound, ReadOnly, Unavailable
from model_store.strict_json import DOCUMENT_LIMIT_BYTES

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as a listing shows it: key from the store's root, size in bytes, last write."""

    key: str
    size: int
    modified: datetime


class Objects:
    """Objects under one root. `folder` is that root on a local disk, None elsewhere."""

    def __init__(
        self,
        backend: ObjectStore,
        *,
        url: str,
        folder: Path | None = None,
        read_only: bool = False,
    ) -> None:
        self.url = url
        self.folder = folder
        self.read_only = read_only
        self._backend = backend

    def create(self, key: str, body: bytes) -> bool:
        """Write `body` under `key` if nothing is there; False where other bytes are.

        A client that lost the answer to its own successful write tries again and meets itself:
        equal bytes therefore count as created. Callers that must be told apart put a random token
        into `body`.
        """
        from obstore.exceptions import AlreadyExistsError

        self._writable(key)
        with _translated(f"create {key}"):
            try:
                self._backend.put(key, body, mode="create")
            except AlreadyExistsError:
                return self.read(key) == body
            self._settle(key)
        return True

    def upload(self, key: str, source: bytes | Iterator[bytes]) -> None:
        """Write `source` under `key`, over whatever is there. For blobs only.

        An iterator that raises leaves nothing written, and its error comes through. It must not
        itself read from a storage: obstore runs it inside its event loop, which cannot nest.

        A blob's key is its content's digest, so writing it again changes nothing a reader sees; it
        renews the time of last write, from which gc counts its grace, and heals a damaged blob.
        """
        self._writable(key)
        with _translated(f"write {key}"):
            self._backend.put(key, source)
            self._settle(key)

    def read(self, key: str, *, limit: int = DOCUMENT_LIMIT_BYTES) -> bytes:
        """The bytes of a document; raise NotFound, or InvalidDocument above `limit` bytes."""
        with _translated(f"read {key}"):
            result = self._backend.get(key)
            strict_json.check_size(result.meta["size"], what=key, limit=limit)
            return result.bytes().to_bytes()

    def stream(self, key: str) -> Iterator[bytes]:
        """The bytes of a blob in pieces of about one MiB; raise NotFound."""
        with _translated(f"read {key}"):
            for chunk in self._backend.get(key).stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)

    def find(self, key: str) -> Stored | None:
        """Size and time of one object, None where there is none."""
        try:
            with _translated(f"look up {key}"):
                return _stored(self._backend.head(key))
        except NotFound:
            return None

    def list(self, prefix: str) -> list[Stored]:
        """Every object below `prefix`, in no particular order."""
        with _translated(f"list {prefix}"):
            return [_stored(meta) for meta in self._backend.list(prefix).collect()]

    def delete(self, key: str) -> None:
        """Remove one object; one that is already gone is no error."""
        self._writable(key)
        try:
            with _translated(f"delete {key}"):
                self._backend.delete(key)
        except NotFound:
            return

    def drop_partial(self, *, before: datetime, dry_run: bool) -> int:
        """Remove what writers killed half-way left on a local disk; return how many files.

        obstore writes `<key>#<n>` and renames; its listings hide such files. (On S3 the like are
        unfinished multipart uploads: give the bucket a lifecycle rule that aborts them.)
        """
        if self.folder is None:
            return 0
        partial = [
            path
            for path in self.folder.rglob("*#*")
            if path.is_file() and path.lstat().st_mtime <= before.timestamp()
        ]
        if not dry_run:
            self._writable("a partial file")
            for path in partial:
                path.unlink(missing_ok=True)
        return len(partial)

    def _writable(self, key: str) -> None:
        if self.read_only:
            raise ReadOnly(f"the store {self.url} is read-only; {key} is not written")

    def _settle(self, key: str) -> None:
        if self.folder is None:
            return
        path = self.folder / key
        sync(path)
        for parent in path.parents:
            sync(parent)
            if parent == self.folder:
                return


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk, so that it outlives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _stored(meta: ObjectMeta) -> Stored:
    return Stored(meta["path"], meta["size"], meta["last_modified"])


@contextmanager
def _translated(action: str) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"cannot {action}: it is not in the store") from error
    except (BaseError, OSError) as error:
        # The first line says what failed; the rest is obstore's debugging output.
        raise Unavailable(f"cannot {action}: {str(error).partition(chr(10))[0]}") from error
