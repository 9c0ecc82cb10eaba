"""Proof that what is stored is what a manifest says: every blob read and hashed in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from model_store.content import FileEntry, check_entry, digest_chunks, digest_file
from model_store.errors import NotFound, VerifyError
from model_store.manifest import Manifest
from model_store.names import MANIFEST_FILE, blob_key
from model_store.objects import Objects


def verify_blobs(objects: Objects, manifest: Manifest) -> None:
    """Check presence, size, sha256 and kind of every file of a stored version.

    Raises:
        VerifyError: the first file that is missing or differs; its `file` names it.
        UnsafeFile: a file whose bytes are of a forbidden kind.
    """
    for file, entry in manifest.files.items():
        chunks = blob_chunks(objects, manifest, file)
        check_entry(file, digest_chunks(chunks), expected=entry, where=manifest.reference)


def blob_chunks(objects: Objects, manifest: Manifest, file: str) -> Iterator[bytes]:
    """The bytes of one file, at most one piece more than the manifest's size."""
    entry = manifest.files[file]
    try:
        yield from _bounded(objects.stream(blob_key(entry.sha256)), entry)
    except NotFound as error:
        raise VerifyError(
            f"{file} of {manifest.reference} is missing from the store", file=file
        ) from error


def _bounded(chunks: Iterable[bytes], entry: FileEntry) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        yield chunk
        size += len(chunk)
        if size > entry.size:
            return


def verify_folder(folder: Path, manifest: Manifest) -> None:
    """Check a local folder: exactly the manifest's files, each a plain file with its bytes.

    Raises:
        VerifyError: a file is missing, differs, or does not belong to the version.
        UnsafeFile: a file whose bytes are of a forbidden kind.
    """
    found = {path.name for path in folder.iterdir()}
    expected = {MANIFEST_FILE, *manifest.files}
    for file in sorted(found ^ expected):
        problem = "missing from" if file in expected else "no part of"
        raise VerifyError(f"{file} is {problem} {manifest.reference}", file=file)
    if (folder / MANIFEST_FILE).read_bytes() != manifest.body:
        raise VerifyError(
            f"{MANIFEST_FILE} in {folder} is not that of {manifest.reference}", file=MANIFEST_FILE
        )
    for file, entry in manifest.files.items():
        verify_file(folder / file, manifest=manifest, entry=entry)


def verify_file(path: Path, *, manifest: Manifest, entry: FileEntry) -> None:
    """Check one local file; a link is refused, since what it points at may change."""
    if path.is_symlink() or not path.is_file():
        raise VerifyError(f"{path.name} in {path.parent} is no plain file", file=path.name)
    check_entry(path.name, digest_file(path), expected=entry, where=manifest.reference)
