"""Leases: one holder at a time, however many race, whoever dies, on disk and on S3."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from model_store import Conflict, Invalid, InvalidDocument, InvalidName, Store, open_store
from model_store.lease import (
    SECONDS_LIMIT,
    SKEW_SECONDS,
    Lease,
    LeaseHeld,
    LeaseLost,
    held,
    take,
    utc_now,
)
from model_store.names import lease_key, lease_prefix
from model_store.objects import Objects

Race = Callable[[str, list[dict[str, Any]]], list[Any]]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is told how long to go on."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def taken(store: Store, clock: Clock, holder: str, seconds: float = 60) -> Lease:
    return take(store.objects, "tags", "retrain", holder=holder, seconds=seconds, clock=clock)


def entries(store: Store) -> list[dict[str, Any]]:
    keys = sorted(stored.key for stored in store.objects.list(lease_prefix("tags", "retrain")))
    return [json.loads(store.objects.read(key)) for key in keys]


# -- one process ---------------------------------------------------------------------------------


def test_a_lease_is_taken_renewed_and_released(any_store: Store, clock: Clock) -> None:
    with any_store.lease("tags", "retrain", holder="ada", seconds=60, clock=clock) as lease:
        lease.renew()  # too early for an entry
        clock.pass_seconds(20)
        lease.renew()
        clock.pass_seconds(59)
        with (
            pytest.raises(LeaseHeld, match="by ada until 2026-03-01T12:01:20") as refused,
            any_store.lease("tags", "retrain", holder="bo", seconds=60, clock=clock),
        ):
            pass
        assert (refused.value.holder, refused.value.until) == ("ada", lease.entry.until)
        assert isinstance(refused.value, Conflict)
    with any_store.lease("tags", "retrain", holder="bo", seconds=60, clock=clock):
        pass
    assert [(e["entry"], e["state"], e["holder"]) for e in entries(any_store)] == [
        (1, "taken", "ada"),
        (2, "renewed", "ada"),
        (3, "released", "ada"),
        (4, "taken", "bo"),
        (5, "released", "bo"),
    ]
    assert any_store.names() == []


def test_each_model_and_kind_has_its_own_lease(store: Store, clock: Clock) -> None:
    places = [("tags", "retrain"), ("tags", "audit"), ("sentiment", "retrain")]
    with ExitStack() as stack:
        leases = [
            stack.enter_context(store.lease(*place, holder="ada", seconds=60, clock=clock))
            for place in places
        ]
        assert [(lease.entry.name, lease.entry.kind) for lease in leases] == places


def test_an_error_in_the_block_releases_the_lease_and_comes_through(
    store: Store, clock: Clock
) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        store.lease("tags", "retrain", holder="ada", seconds=60, clock=clock),
    ):
        raise ZeroDivisionError
    assert entries(store)[-1]["state"] == "released"


def test_a_lease_is_taken_over_only_once_clocks_cannot_disagree(store: Store, clock: Clock) -> None:
    taken(store, clock, "ada", seconds=60)
    clock.pass_seconds(60 + SKEW_SECONDS)
    with pytest.raises(LeaseHeld):
        taken(store, clock, "bo")
    clock.pass_seconds(0.001)
    assert taken(store, clock, "bo").entry.entry == 2


def test_a_holder_that_lost_its_lease_learns_so(store: Store, clock: Clock) -> None:
    with held(store.objects, "tags", "retrain", holder="ada", seconds=60, clock=clock) as lease:
        clock.pass_seconds(1000)
        other = taken(store, clock, "bo")
        with pytest.raises(LeaseLost, match="no longer ada's: bo has it"):
            lease.renew()
        with pytest.raises(LeaseLost):
            lease.release()
    assert [e["state"] for e in entries(store)] == ["taken", "taken"], "bo's is left alone"
    other.release()
    clock.pass_seconds(1000)
    with pytest.raises(LeaseLost, match="nobody has it"):
        other.renew()


def test_a_late_renewal_counts_where_nobody_took_over(store: Store, clock: Clock) -> None:
    lease = taken(store, clock, "ada", seconds=60)
    clock.pass_seconds(100_000)
    lease.renew()
    with pytest.raises(LeaseHeld):
        taken(store, clock, "bo")


def test_a_storage_that_fails_at_the_end_leaves_the_work_done(store: Store, clock: Clock) -> None:
    """The lease then runs out by itself."""
    folder = Path(store.url)
    with store.lease("tags", "retrain", holder="ada", seconds=60, clock=clock):
        folder.rename(folder.with_name("elsewhere"))
        folder.write_text("no folder")
    folder.unlink()
    folder.with_name("elsewhere").rename(folder)
    clock.pass_seconds(1000)
    assert taken(store, clock, "bo").entry.entry == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"kind": "../aliases"}, InvalidName),
        ({"name": "Tags"}, InvalidName),
        ({"holder": " "}, Invalid),
        ({"holder": "x" * 201}, Invalid),
        ({"seconds": 0.0}, Invalid),
        ({"seconds": SECONDS_LIMIT + 1}, Invalid),
        ({"seconds": float("nan")}, Invalid),
    ],
)
def test_a_lease_outside_the_rules_writes_nothing(
    store: Store, change: dict[str, Any], error: type[Exception]
) -> None:
    given: dict[str, Any] = {"name": "tags", "kind": "retrain", "holder": "ada", "seconds": 1.0}
    given |= change
    with pytest.raises(error):
        take(store.objects, given.pop("name"), given.pop("kind"), **given)
    assert store.objects.list("models") == []


@pytest.mark.parametrize(
    "change",
    [
        {"format": "valence-lease/2"},
        {"name": "sentiment"},
        {"entry": 2},
        {"state": "lent"},
        {"holder": None},
        {"until": "tomorrow"},
        {"until": "2026-03-01T12:00:00"},
    ],
)
def test_an_entry_that_breaks_the_format_is_no_free_lease(
    store: Store, clock: Clock, change: dict[str, Any]
) -> None:
    taken(store, clock, "ada")
    key = lease_key("tags", "retrain", 1)
    (Path(store.url) / key).write_text(json.dumps(entries(store)[0] | change))
    clock.pass_seconds(100_000)
    with pytest.raises(InvalidDocument):
        taken(store, clock, "bo")


# -- gc ------------------------------------------------------------------------------------------


def test_gc_drops_old_entries_and_never_the_highest(store: Store, clock: Clock) -> None:
    for holder in ("ada", "bo"):
        taken(store, clock, holder).release()
    lease = taken(store, clock, "cy")
    for path in Path(store.url).rglob("*.json"):
        os.utime(path, (time.time() - 1000,) * 2)
    clock.pass_seconds(30)
    lease.renew()
    dry = store.gc(dry_run=True, grace_seconds=500, keep_last=1)
    assert (dry.lease_entries, len(entries(store))) == (5, 6)
    assert store.gc(dry_run=False, grace_seconds=500, keep_last=1).lease_entries == 5
    assert [e["entry"] for e in entries(store)] == [6]
    with pytest.raises(LeaseHeld):
        taken(store, clock, "di")
    lease.release()
    assert taken(store, clock, "di").entry.entry == 8


def test_a_taker_whose_number_was_used_and_dropped_meanwhile_has_not_won(clock: Clock) -> None:
    """It stood still between its look and its write; the log went on and gc took the number."""
    objects = Objects(MemoryStore(), url="memory://")

    class Stopped(Objects):
        """Runs `meanwhile` once, right before its first create."""

        def create(self, key: str, body: bytes) -> bool:
            if not meanwhile:
                meanwhile.append(key)
                for entry, who in enumerate(("bo", "cy"), start=1):
                    clock.pass_seconds(1000)
                    other = take(objects, "tags", "retrain", holder=who, seconds=60, clock=clock)
                    assert other.entry.entry == entry
                objects.delete(key)
            return super().create(key, body)

    meanwhile: list[str] = []
    stopped = Stopped(objects._backend, url="memory://")
    with pytest.raises(LeaseHeld, match="by cy"):
        take(stopped, "tags", "retrain", holder="ada", seconds=60, clock=clock)
    assert meanwhile == [lease_key("tags", "retrain", 1)]


# -- races ---------------------------------------------------------------------------------------


def test_of_racing_processes_one_wins_and_of_those_after_its_time_one(
    any_url: str, race: Race
) -> None:
    def winners(seconds: float) -> list[str]:
        orders = [
            {"url": any_url, "name": "tags", "holder": f"racer-{n}", "seconds": seconds}
            for n in range(6)
        ]
        return [winner for winner in race("lease", orders) if winner]

    (first,) = winners(60)
    with pytest.raises(LeaseHeld, match=first):
        take(open_store(any_url).objects, "tags", "retrain", holder="late", seconds=60)
    assert winners(60) == []
    later = utc_now() + timedelta(seconds=100)
    objects = open_store(any_url).objects
    take(objects, "tags", "retrain", holder="next", seconds=60, clock=lambda: later).release()
    assert len(winners(60)) == 1


def test_racing_processes_work_one_at_a_time(any_url: str, race: Race, tmp_path: Path) -> None:
    order = {"url": any_url, "file": str(tmp_path / "alone"), "count": 5}
    assert race("turns", [order] * 4) == [5] * 4


def test_of_racing_threads_one_takes_over_an_expired_lease(store: Store, clock: Clock) -> None:
    taken(store, clock, "gone")
    clock.pass_seconds(1000)
    barrier = Barrier(8)

    def run(index: int) -> int | None:
        barrier.wait()
        try:
            taken(store, clock, f"thread-{index}")
        except LeaseHeld:
            return None
        return index

    with ThreadPoolExecutor(8) as pool:
        winners = [index for index in pool.map(run, range(8)) if index is not None]
    assert len(winners) == 1
    assert entries(store)[-1]["holder"] == f"thread-{winners[0]}"


def test_a_killed_holder_keeps_its_lease_until_its_time_is_over(
    any_url: str, start: Callable[..., Any]
) -> None:
    order = {"url": any_url, "name": "tags", "holder": "killed", "seconds": 300}
    worker = start("lease and die", order)
    output, _ = worker.communicate(timeout=60)
    assert (worker.returncode, output) == (-9, "taken\n")
    objects = open_store(any_url).objects
    with pytest.raises(LeaseHeld, match="by killed"):
        take(objects, "tags", "retrain", holder="next", seconds=60)
    later = utc_now() + timedelta(seconds=300 + SKEW_SECONDS + 1)
    lease = take(objects, "tags", "retrain", holder="next", seconds=60, clock=lambda: later)
    assert lease.entry.entry == 2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("trxp")), max_size=30))
def test_whatever_happens_at_most_one_holds_it(steps: list[tuple[str, str]]) -> None:
    """Against a model: who holds it, and until when. t takes, r renews, x releases, p: time."""
    clock, objects = Clock(), Objects(MemoryStore(), url="memory://")
    leases: dict[str, Lease] = {}
    holder, until = "", NOON
    for who, step in steps:
        if step == "p":
            clock.pass_seconds(70)
        elif step == "t":
            free = not holder or clock.now > until + timedelta(seconds=SKEW_SECONDS)
            with nullcontext() if free else pytest.raises(LeaseHeld, match=f"by {holder}"):
                leases[who] = take(objects, "tags", "retrain", holder=who, seconds=60, clock=clock)
                holder, until = who, clock.now + timedelta(seconds=60)
        elif who in leases:
            holder, until = _used(leases[who], step, holder=holder, until=until, now=clock.now)


def _used(
    lease: Lease, step: str, *, holder: str, until: datetime, now: datetime
) -> tuple[str, datetime]:
    due = step == "x" or now >= lease.entry.at + timedelta(seconds=20)
    mine = holder == lease.entry.holder
    try:
        lease.renew() if step == "r" else lease.release()
    except LeaseLost:
        assert not mine
        return holder, until
    assert mine or not due
    if not due:
        return holder, until
    return ("", until) if step == "x" else (holder, now + timedelta(seconds=60))
