"""gc takes what nothing names, keeps what anything names, and waits out its grace."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore

from model_store import (
    GcReport,
    Invalid,
    InvalidDocument,
    Retired,
    Store,
    VerifyError,
    open_store,
)
from model_store.names import entry_key, manifest_key, retired_key
from model_store.objects import Objects
from model_store.publish import publish_folder

MakeFolder = Callable[..., Path]
WHO: dict[str, Any] = {"actor": "ada@desk", "reason": ""}
NOW: dict[str, Any] = {"dry_run": False, "grace_seconds": 0}


def orphan(store: Store, make_folder: MakeFolder, content: bytes) -> None:
    """Leave the blobs of a publisher that died before its manifest."""

    def die(step: str) -> None:
        if step.startswith("blob orphan"):
            raise KeyboardInterrupt

    folder = make_folder(orphan__txt=content, network__safetensors=None)
    with pytest.raises(KeyboardInterrupt):
        publish_folder(store.objects, "sentiment", folder, on_step=die)


def age(store: Store, seconds: float) -> None:
    """Make everything in a local store older."""
    for path in Path(store.url).rglob("*"):
        modified = path.stat().st_mtime - seconds
        os.utime(path, (modified, modified))


def test_an_orphan_goes_and_a_named_blob_stays(any_store: Store, make_folder: MakeFolder) -> None:
    any_store.publish("sentiment", make_folder())
    orphan(any_store, make_folder, b"left behind")
    dry = any_store.gc(dry_run=True, grace_seconds=0, keep_last=1)
    assert len(any_store.objects.list("blobs")) == 4
    report = any_store.gc(dry_run=False, grace_seconds=0, keep_last=1)
    assert (dry.blobs, dry.freed_bytes, dry.kept_blobs) == (report.blobs, 11, 3)
    assert len(any_store.objects.list("blobs")) == 3
    any_store.verify("sentiment", 1)
    again = any_store.gc(dry_run=False, grace_seconds=0, keep_last=1)
    assert again == GcReport(False, (), 0, 3, (), 0, 0)


def test_the_grace_is_waited_out(store: Store, make_folder: MakeFolder) -> None:
    orphan(store, make_folder, b"left behind")
    assert store.gc(dry_run=False, grace_seconds=3600, keep_last=1).blobs == ()
    age(store, 3601)
    assert len(store.gc(dry_run=False, grace_seconds=3600, keep_last=1).blobs) == 3


class Renewing(Objects):
    """A storage where a publisher renews every blob right after gc listed them."""

    def list(self, prefix: str) -> Any:  # noqa: ANN401
        found = super().list(prefix)
        if prefix.startswith("blobs"):
            time.sleep(0.02)
            for stored in found:
                self.upload(stored.key, b"".join(self.stream(stored.key)))
        return found


def test_a_blob_renewed_since_it_was_listed_is_kept(store: Store, make_folder: MakeFolder) -> None:
    orphan(store, make_folder, b"left behind")
    age(store, 100)
    objects = store.objects
    renewing = Store(Renewing(objects._backend, url=objects.url, folder=objects.folder))
    report = renewing.gc(dry_run=False, grace_seconds=50, keep_last=1)
    assert (report.blobs, report.kept_blobs) == ((), 3)


def test_old_versions_are_retired_then_their_blobs_go(
    store: Store, make_folder: MakeFolder
) -> None:
    for number in range(1, 7):
        store.publish("sentiment", make_folder(card__md=b"card %d" % number))
    store.promote("sentiment", 2, **WHO)
    first = store.gc(dry_run=False, grace_seconds=0, keep_last=2, versions=True)
    assert first.retired == (("sentiment", 1), ("sentiment", 3), ("sentiment", 4))
    assert first.blobs == ()
    assert store.versions("sentiment") == [2, 5, 6]
    second = store.gc(dry_run=False, grace_seconds=0, keep_last=2, versions=True)
    assert (second.retired, len(second.blobs)) == ((), 3)
    for number in store.versions("sentiment"):
        store.verify("sentiment", number)
    assert store.publish("sentiment", make_folder()).number == 7


def test_a_retired_version_is_named_as_such(store: Store, make_folder: MakeFolder) -> None:
    for number in range(1, 4):
        store.publish("sentiment", make_folder(card__md=b"card %d" % number))
    for _ in range(2):
        store.gc(dry_run=False, grace_seconds=0, keep_last=1, versions=True)
    for use in (
        lambda: store.resolve("sentiment@1"),
        lambda: store.promote("sentiment", 1, **WHO),
    ):
        with pytest.raises(Retired, match="sentiment@1 was retired by gc; there are 3"):
            use()
    assert store.manifest("sentiment", 1).raw["task"] == "sentiment"
    with pytest.raises(VerifyError, match=r"card\.md of sentiment@1 is missing"):
        store.verify("sentiment", 1)


def test_a_rollback_to_a_retired_version_is_refused(store: Store, make_folder: MakeFolder) -> None:
    for number in range(1, 5):
        store.publish("sentiment", make_folder(card__md=b"card %d" % number))
        store.promote("sentiment", number, **WHO)
    store.gc(dry_run=False, grace_seconds=0, keep_last=1, versions=True)
    assert store.versions("sentiment") == [3, 4]
    assert store.rollback("sentiment", **WHO).version == 3
    with pytest.raises(Retired, match="sentiment@2 was retired"):
        store.rollback("sentiment", **WHO)


def test_a_version_retired_while_it_was_promoted_keeps_its_blobs(
    store: Store, make_folder: MakeFolder
) -> None:
    for number in (1, 2):
        store.publish("sentiment", make_folder(card__md=b"card %d" % number))
    store.promote("sentiment", 1, **WHO)
    # The marker that a gc writes which looked at the log just before that entry.
    store.objects.create(retired_key("sentiment", 1), b"{}")
    assert store.gc(dry_run=False, grace_seconds=0, keep_last=1).blobs == ()
    assert store.resolve("sentiment").number == 1
    store.verify("sentiment", 1)


def test_the_marker_waits_out_the_grace_too(store: Store, make_folder: MakeFolder) -> None:
    for number in (1, 2):
        store.publish("sentiment", make_folder(card__md=b"card %d" % number))
    age(store, 1000)
    run: dict[str, Any] = {"dry_run": False, "grace_seconds": 600, "keep_last": 1, "versions": True}
    assert store.gc(**run).retired == (("sentiment", 1),)
    assert store.gc(**run).blobs == ()
    age(store, 1000)
    assert len(store.gc(**run).blobs) == 1


@pytest.mark.parametrize("key", [manifest_key("tags", 1), entry_key("tags", "champion", 1)])
def test_one_unreadable_document_stops_gc(store: Store, make_folder: MakeFolder, key: str) -> None:
    store.publish("tags", make_folder())
    store.promote("tags", 1, **WHO)
    orphan(store, make_folder, b"left behind")
    (Path(store.url) / key).write_text("{")
    blobs = store.objects.list("blobs")
    with pytest.raises(InvalidDocument):
        store.gc(dry_run=False, grace_seconds=0, keep_last=1)
    assert len(store.objects.list("blobs")) == len(blobs)


def test_half_written_files_go_after_the_grace(store: Store, make_folder: MakeFolder) -> None:
    store.publish("sentiment", make_folder())
    partial = Path(store.url) / "blobs" / "sha256" / f"{'a' * 64}#1"
    partial.write_bytes(b"half")
    assert store.gc(dry_run=False, grace_seconds=3600, keep_last=1).partial_files == 0
    assert store.gc(dry_run=True, grace_seconds=0, keep_last=1).partial_files == 1
    assert partial.exists()
    assert store.gc(dry_run=False, grace_seconds=0, keep_last=1).partial_files == 1
    assert not partial.exists()


@pytest.mark.parametrize("settings_", [{"grace_seconds": -1, "keep_last": 1}, {"keep_last": 0}])
def test_senseless_settings_are_refused(store: Store, settings_: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="gc needs a grace"):
        store.gc(**{"dry_run": True, "grace_seconds": 0} | settings_)


moves = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, 3)),
    st.tuples(st.just("promote"), st.integers(1, 8)),
    st.tuples(st.just("rollback"), st.just(0)),
    st.tuples(st.just("gc"), st.just(0)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(moves, max_size=15), st.integers(1, 3))
def test_whatever_happens_what_an_alias_needs_is_whole(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, int]], keep_last: int
) -> None:
    """After any history: what is listed verifies, and so does what aliases name or go back to."""
    store = Store(Objects(MemoryStore(), url="memory"))
    folder = tmp_path_factory.mktemp("draft")
    (folder / "manifest.json").write_text("{}")
    published = 0
    for move, number in moves:
        live = store.versions("m") if published else []
        if move == "publish":
            (folder / "card.md").write_text(f"card {number}")
            published = store.publish("m", folder).number
        elif move == "promote" and number in live:
            store.promote("m", number, **WHO)
        elif move == "rollback" and live and _can_roll_back(store):
            store.rollback("m", **WHO)
        elif move == "gc":
            store.gc(dry_run=False, grace_seconds=0, keep_last=keep_last, versions=True)
            _check_sound(store, published, keep_last=keep_last)


def _can_roll_back(store: Store) -> bool:
    entries = store.log("m")
    if not entries or entries[-1].before is None:
        return False
    return entries[entries[-1].before - 1].version in store.versions("m")


def _check_sound(store: Store, published: int, *, keep_last: int) -> None:
    if not published:
        assert store.names() == []
        return
    live = store.versions("m")
    assert set(range(max(1, published - keep_last + 1), published + 1)) <= set(live)
    kept = {entry.version for entry in store.log("m")[-keep_last:]}
    assert kept | set(store.aliases("m").values()) <= set(live)
    for number in live:
        store.verify("m", number)


def test_an_empty_store_has_nothing_to_collect(tmp_path: Path) -> None:
    report = open_store(tmp_path / "new").gc(dry_run=False, grace_seconds=0, keep_last=1)
    assert report == GcReport(False, (), 0, 0, (), 0, 0)
