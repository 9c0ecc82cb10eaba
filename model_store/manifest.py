"""The manifest: the JSON object whose existence is the commit of a version.

The store owns the keys in `STORE_KEYS`; every other key belongs to the model (task, architecture,
labels, scores, ...) and is carried unread. A manifest is checked in full each time it is read,
because the bucket it came from may be written by others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from model_store import strict_json
from model_store.content import FileEntry, check_file_name
from model_store.errors import InvalidDocument, InvalidName
from model_store.names import check_name, check_number, is_digest, manifest_key

FORMAT = "valence-model/1"
STORE_KEYS = frozenset(
    {"format", "name", "version", "created", "parent", "origin", "publication", "files"}
)
FILES_LIMIT = 1000
FILE_SIZE_LIMIT_BYTES = 1 << 40


@dataclass(frozen=True, slots=True)
class Manifest:
    """A validated manifest.

    `raw` is the whole JSON object, the model's own keys included; `body` its exact stored bytes;
    `digest` the sha256 of `body`; `publication` the random token of the publish; `parent` the
    version number this one was made from, if any; `origin` where an exported folder came from:
    `{"name", "version", "publication"}`, if any.
    """

    name: str
    version: int
    created: datetime
    publication: str
    parent: int | None
    origin: Mapping[str, Any] | None
    files: Mapping[str, FileEntry]
    digest: str
    raw: Mapping[str, Any] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}"


def parse(body: bytes, *, what: str = "the manifest") -> Manifest:
    """Read and check a whole manifest.

    Raises:
        InvalidDocument: no strict JSON, an unknown format, a missing or malformed store key.
        UnsafeFile: a file name that is a path, or a name used for pickles.
    """
    raw = strict_json.parse(body, what=what)
    if raw.get("format") != FORMAT:
        found = repr(raw.get("format"))
        raise InvalidDocument(f"{what} has the format {found:.80}; this program reads {FORMAT!r}")
    return Manifest(
        name=_name(raw, what=what),
        version=read_number(raw, "version", what=what),
        created=read_time(raw, "created", what=what),
        publication=read_text(raw, "publication", what=what),
        parent=read_optional_number(raw, "parent", what=what),
        origin=_origin(raw, what=what),
        files=_files(raw, what=what),
        digest=hashlib.sha256(body).hexdigest(),
        raw=raw,
        body=body,
    )


def parse_stored(body: bytes, name: str, number: int) -> Manifest:
    """As `parse`; raise InvalidDocument, too, where it is not the manifest of its own place."""
    manifest = parse(body, what=f"the manifest of {name}@{number}")
    if (manifest.name, manifest.version) != (name, number):
        key = manifest_key(name, number)
        raise InvalidDocument(f"{key} is the manifest of {manifest.reference}, not its own")
    return manifest


def read_time(raw: Mapping[str, Any], key: str, *, what: str) -> datetime:
    """The value of `key` as a time with a zone; raise InvalidDocument otherwise."""
    text = raw.get(key)
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidDocument(f"{what}: {key!r} is no ISO 8601 time with a zone")
    return moment


def read_text(raw: Mapping[str, Any], key: str, *, what: str) -> str:
    """The value of `key` as text; raise InvalidDocument otherwise."""
    text = raw.get(key)
    if not isinstance(text, str):
        raise InvalidDocument(f"{what}: {key!r} is no text")
    return text


def _name(raw: Mapping[str, Any], *, what: str) -> str:
    return check_name(read_text(raw, "name", what=what))


def read_number(raw: Mapping[str, Any], key: str, *, what: str) -> int:
    """The value of `key` as a number from 1 to 999,999,999; raise InvalidDocument otherwise."""
    number = raw.get(key)
    if not isinstance(number, int):
        raise InvalidDocument(f"{what}: {key!r} is no whole number")
    try:
        return check_number(number)
    except InvalidName as error:
        raise InvalidDocument(f"{what}: {key!r}: {error}") from error


def read_optional_number(raw: Mapping[str, Any], key: str, *, what: str) -> int | None:
    """Like `read_number`, and None where the key is null or missing."""
    return None if raw.get(key) is None else read_number(raw, key, what=what)


def _origin(raw: Mapping[str, Any], *, what: str) -> Mapping[str, Any] | None:
    origin = raw.get("origin")
    if origin is not None and not isinstance(origin, dict):
        raise InvalidDocument(f"{what}: 'origin' is neither an object nor null")
    return origin


def _files(raw: Mapping[str, Any], *, what: str) -> Mapping[str, FileEntry]:
    files = raw.get("files")
    if not isinstance(files, dict) or not 1 <= len(files) <= FILES_LIMIT:
        raise InvalidDocument(f"{what}: 'files' is no object of 1 to {FILES_LIMIT} files")
    if len({file.casefold() for file in files}) < len(files):
        raise InvalidDocument(f"{what}: two files have names that differ only in case")
    return {check_file_name(file): _file(file, entry, what=what) for file, entry in files.items()}


def _file(file: str, entry: object, *, what: str) -> FileEntry:
    digest = entry.get("sha256") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not is_digest(digest):
        raise InvalidDocument(f"{what}: the sha256 of {file} is not 64 lower-case hex digits")
    size = entry.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < FILE_SIZE_LIMIT_BYTES:
        raise InvalidDocument(
            f"{what}: the size of {file} is no number of bytes from 0 to {FILE_SIZE_LIMIT_BYTES}"
        )
    return FileEntry(str(digest), size)
