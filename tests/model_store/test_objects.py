"""The storage's few promises, on a local disk and on S3."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_store import NotFound, Store, Unavailable
from model_store.objects import Objects


@pytest.fixture
def objects(any_store: Store) -> Objects:
    return any_store.objects


def test_create_never_overwrites(objects: Objects) -> None:
    assert objects.create("models/x", b"one")
    assert not objects.create("models/x", b"two")
    assert objects.read("models/x") == b"one"


def test_a_lost_answer_is_no_loss(objects: Objects) -> None:
    assert objects.create("models/x", b"one")
    assert objects.create("models/x", b"one")


def test_what_is_missing(objects: Objects) -> None:
    with pytest.raises(NotFound, match="cannot read models/x: it is not in the store"):
        objects.read("models/x")
    with pytest.raises(NotFound):
        list(objects.stream("models/x"))
    assert objects.find("models/x") is None
    assert objects.list("models") == []
    objects.delete("models/x")


def test_what_is_there(objects: Objects) -> None:
    objects.upload("blobs/x", iter([b"a" * 3_000_000, b"b" * 4_000_000]))
    found = objects.find("blobs/x")
    assert found is not None
    assert (found.key, found.size) == ("blobs/x", 7_000_000)
    assert b"".join(objects.stream("blobs/x")) == b"a" * 3_000_000 + b"b" * 4_000_000
    assert [stored.key for stored in objects.list("blobs")] == ["blobs/x"]
    objects.delete("blobs/x")
    assert objects.find("blobs/x") is None


def test_a_source_that_fails_writes_nothing(objects: Objects) -> None:
    def chunks() -> object:
        yield b"a" * 6_000_000
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="the source broke"):
        objects.upload("blobs/x", chunks())  # type: ignore[arg-type]
    assert objects.find("blobs/x") is None


def test_a_disk_that_refuses_is_said_in_one_line(store: Store) -> None:
    (Path(store.url) / "models").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot create models/x/versions") as caught:
        store.objects.create("models/x/versions/1.json", b"{}")
    assert "\n" not in str(caught.value)
