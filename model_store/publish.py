"""How a folder becomes a version: blobs first, the manifest last.

A publisher that dies before its manifest is written leaves blobs that nothing names (gc collects
them); one that dies after it leaves a whole version. There is no state in between.

Numbers: the first one tried is one above the highest manifest; where another publisher has it, the
next is tried, and after a few such steps the highest is looked up anew, since a walker alone might
never catch up with a crowd. A number is tried only after the one below was seen to exist, and no
manifest is ever deleted (gc retires a version with a marker beside it), so numbers are contiguous
and none is used twice.

Racing gc: every blob is written anew, even where it is already there. That renews its time of last
write, and gc looks at this time right before it deletes. After the commit each blob is looked up
once more and put back if a gc deleted it in the very moment in between.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model_store import manifest as manifests
from model_store import strict_json
from model_store.content import (
    Digester,
    FileEntry,
    check_file_name,
    check_head,
    digest_file,
    read_chunks,
)
from model_store.contest import rounds
from model_store.errors import Conflict, Invalid, NotFound, UnsafeFile
from model_store.manifest import FORMAT, STORE_KEYS, Manifest
from model_store.names import (
    MANIFEST_FILE,
    blob_key,
    check_name,
    check_number,
    manifest_key,
)
from model_store.objects import Objects
from model_store.shelf import read_shelf

OnStep = Callable[[str], None]

STEPS_A_ROUND = 4
SINGLE_PUT_BYTES = 8 * 1024 * 1024  # larger files are streamed in parts, never held whole


def no_step(_: str) -> None:
    """The hook that does nothing; tests pass one that kills the process."""


def publish_folder(
    objects: Objects,
    name: str,
    folder: Path,
    *,
    parent: int | None = None,
    on_step: OnStep = no_step,
) -> Manifest:
    """Write the files of `folder` and its draft manifest as the next version of `name`.

    Args:
        parent: the version this one was made from. Without it, an exported folder published again
            has the version it was exported from as its parent, where this store holds that one.
        on_step: called with the name of each step once the step is done.

    Raises:
        InvalidName: `name` is outside the pattern.
        NotFound: the folder, its manifest.json or the parent is missing.
        InvalidDocument: the draft is no strict JSON object.
        UnsafeFile: the folder holds a folder, a link, a pickle, or a file of a forbidden name.
        Conflict: a file changed while it was published.
    """
    check_name(name)
    draft = read_draft(folder)
    paths = _files(folder)
    entries = {file: _entry(file, path) for file, path in paths.items()}
    kept = _kept(objects, name, draft, parent=parent)
    # Encoded once up front, so that a draft that cannot be stored uploads nothing.
    _encode(name, 1, draft, files=entries, kept=kept)
    on_step("checked")
    _upload(objects, paths, entries, on_step=on_step)
    committed = _commit(objects, name, draft, files=entries, kept=kept)
    on_step("manifest")
    _confirm(objects, paths, entries)
    on_step("confirmed")
    return committed


def highest_number(objects: Objects, name: str) -> int:
    """The highest version number ever given to `name`, 0 before the first."""
    return max(read_shelf(objects, name).versions, default=0)


def read_draft(folder: Path) -> dict[str, Any]:
    """The JSON object in the folder's manifest.json."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise NotFound(f"{folder} is no model folder: it has no file {MANIFEST_FILE}")
    strict_json.check_size(path.stat().st_size, what=str(path))
    return strict_json.parse(path.read_bytes(), what=str(path))


def _files(folder: Path) -> dict[str, Path]:
    paths = {path.name: path for path in sorted(folder.iterdir()) if path.name != MANIFEST_FILE}
    for file, path in paths.items():
        check_file_name(file)
        if path.is_symlink() or not path.is_file():
            raise UnsafeFile(f"{path} is no plain file; a version is a flat folder of plain files")
    if not paths:
        raise Invalid(f"{folder} holds no file besides {MANIFEST_FILE}; a version needs one")
    return paths


def _entry(file: str, path: Path) -> FileEntry:
    found = digest_file(path)
    check_head(file, found.head, size=found.size)
    return found.entry()


def _kept(
    objects: Objects, name: str, draft: Mapping[str, Any], *, parent: int | None
) -> dict[str, Any]:
    """The keys `parent` and `origin` of the new manifest."""
    if parent is not None and objects.find(manifest_key(name, check_number(parent))) is None:
        raise NotFound(f"the parent {name}@{parent} is not in the store")
    origin = _origin(draft)
    if origin is None:
        return {"parent": parent}
    if parent is None and _holds(objects, name, origin):
        parent = origin["version"]
    return {"parent": parent, "origin": origin}


def _origin(draft: Mapping[str, Any]) -> dict[str, Any] | None:
    """Which version an exported folder was, None for a folder that was none."""
    origin = {key: draft.get(key) for key in ("name", "version", "publication")}
    known = draft.get("format") == FORMAT and None not in origin.values()
    return origin if known and isinstance(origin["version"], int) else None


def _holds(objects: Objects, name: str, origin: Mapping[str, Any]) -> bool:
    key = manifest_key(name, check_number(origin["version"]))
    if origin["name"] != name or objects.find(key) is None:
        return False
    token: str = origin["publication"]
    return manifests.parse(objects.read(key)).publication == token


def _upload(
    objects: Objects,
    paths: Mapping[str, Path],
    entries: Mapping[str, FileEntry],
    *,
    on_step: OnStep,
) -> None:
    for file, path in paths.items():
        upload_file(objects, path, entry=entries[file])
        on_step(f"blob {file}")


def _commit(
    objects: Objects,
    name: str,
    draft: Mapping[str, Any],
    *,
    files: Mapping[str, FileEntry],
    kept: Mapping[str, Any],
) -> Manifest:
    for _ in rounds():
        highest = highest_number(objects, name)
        for number in range(highest + 1, highest + 1 + STEPS_A_ROUND):
            body = _encode(name, number, draft, files=files, kept=kept)
            if objects.create(manifest_key(name, number), body):
                return manifests.parse(body)
    raise Conflict(f"other publishers of {name} won every number that was tried; try again")


def _encode(
    name: str,
    number: int,
    draft: Mapping[str, Any],
    *,
    files: Mapping[str, FileEntry],
    kept: Mapping[str, Any],
) -> bytes:
    document = {
        "format": FORMAT,
        "name": name,
        "version": number,
        "created": datetime.now(UTC).isoformat(),
        **kept,
        "publication": secrets.token_hex(16),  # no two publications are byte for byte the same
        **{key: value for key, value in draft.items() if key not in STORE_KEYS},
        "files": {file: asdict(entry) for file, entry in files.items()},
    }
    body = strict_json.encode(document, what=f"the manifest of {name}@{number}")
    manifests.parse(body)
    return body


def _confirm(objects: Objects, paths: Mapping[str, Path], entries: Mapping[str, FileEntry]) -> None:
    for file, path in paths.items():
        if objects.find(blob_key(entries[file].sha256)) is None:
            upload_file(objects, path, entry=entries[file])


def upload_file(objects: Objects, path: Path, *, entry: FileEntry) -> None:
    """Write `path` as the blob `entry`; raise Conflict, and write nothing, if it is not that.

    The bytes are hashed again on their way out: a file that changed since it was listed would
    otherwise land under a digest that older versions may share.
    """
    chunks = _unchanged(path, entry)
    whole = entry.size <= SINGLE_PUT_BYTES
    objects.upload(blob_key(entry.sha256), b"".join(chunks) if whole else chunks)


def _unchanged(path: Path, entry: FileEntry) -> Iterator[bytes]:
    digester = Digester()
    for chunk in read_chunks(path):
        digester.add(chunk)
        yield chunk
    if digester.entry() != entry:
        raise Conflict(f"{path} changed while it was published; publish it when it is finished")
