"""A stored manifest is checked as if a stranger had written it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from model_store import Invalid, InvalidDocument, InvalidName, UnsafeFile
from model_store.content import FileEntry
from model_store.manifest import FORMAT, parse

DIGEST = hashlib.sha256(b"labels").hexdigest()


def document(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "format": FORMAT,
        "name": "sentiment",
        "version": 3,
        "created": "2026-01-31T12:00:00+00:00",
        "publication": "0" * 32,
        "parent": 2,
        "task": "sentiment",
        "files": {"labels.txt": {"sha256": DIGEST, "size": 6}},
    } | changes


def body(**changes: Any) -> bytes:  # noqa: ANN401
    return json.dumps(document(**changes)).encode()


def test_a_sound_manifest_is_read_whole() -> None:
    manifest = parse(body())
    assert manifest.reference == "sentiment@3"
    assert (manifest.parent, manifest.origin) == (2, None)
    assert manifest.files == {"labels.txt": FileEntry(DIGEST, 6)}
    assert manifest.created.isoformat() == "2026-01-31T12:00:00+00:00"
    assert manifest.raw == document()
    assert manifest.digest == hashlib.sha256(body()).hexdigest()


@pytest.mark.parametrize(
    "file",
    ["../x", "/etc/passwd", "a/b.txt", "..", "", "manifest.json", "C:\\x", "x\n", "a" * 200],
)
def test_a_path_is_no_file_of_a_version(file: str) -> None:
    with pytest.raises(UnsafeFile, match="is no file name of a version"):
        parse(body(files={file: {"sha256": DIGEST, "size": 6}}))


@pytest.mark.parametrize("file", ["weights.pkl", "w.pt", "w.PTH", "pytorch_model.bin", "m.joblib"])
def test_a_pickle_is_no_file_of_a_version(file: str) -> None:
    with pytest.raises(UnsafeFile, match="hold pickles"):
        parse(body(files={file: {"sha256": DIGEST, "size": 6}}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "valence-model/2"}, "this program reads 'valence-model/1'"),
        ({"format": None}, "this program reads"),
        ({"name": 7}, "'name' is no text"),
        ({"version": "3"}, "'version' is no whole number"),
        ({"version": 0}, "'version'"),
        ({"version": True}, "'version'"),
        ({"version": 1.5}, "'version'"),
        ({"parent": -1}, "'parent'"),
        ({"created": "yesterday"}, "'created' is no ISO 8601 time"),
        ({"created": "2026-01-31T12:00:00"}, "'created' is no ISO 8601 time with a zone"),
        ({"created": 7}, "'created'"),
        ({"publication": None}, "'publication' is no text"),
        ({"origin": "elsewhere"}, "'origin' is neither an object nor null"),
        ({"files": {}}, "'files' is no object of 1 to 1000 files"),
        ({"files": []}, "'files' is no object"),
        (
            {"files": {f"f{i}": {"sha256": DIGEST, "size": 1} for i in range(1001)}},
            "1 to 1000 files",
        ),
        (
            {"files": {name: {"sha256": DIGEST, "size": 1} for name in ("Card.md", "card.md")}},
            "differ only in case",
        ),
        ({"files": {"a": None}}, "the sha256 of a"),
        ({"files": {"a": {"sha256": DIGEST.upper(), "size": 1}}}, "64 lower-case hex digits"),
        ({"files": {"a": {"sha256": DIGEST[:40], "size": 1}}}, "64 lower-case hex digits"),
        ({"files": {"a": {"sha256": DIGEST, "size": -1}}}, "the size of a"),
        ({"files": {"a": {"sha256": DIGEST, "size": True}}}, "the size of a"),
        ({"files": {"a": {"sha256": DIGEST, "size": "1"}}}, "the size of a"),
        ({"files": {"a": {"sha256": DIGEST, "size": 1 << 41}}}, "the size of a"),
    ],
)
def test_a_broken_store_key_is_refused_by_name(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidDocument, match=reason):
        parse(body(**changes))


def test_a_name_outside_the_pattern_is_refused() -> None:
    with pytest.raises(InvalidName):
        parse(body(name="../sentiment"))


def test_every_refusal_is_one_kind_of_error() -> None:
    assert all(issubclass(kind, Invalid) for kind in (InvalidDocument, InvalidName, UnsafeFile))
