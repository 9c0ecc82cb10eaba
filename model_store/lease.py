"""A lease: who may do one kind of work on one model now, such as retraining it. No lock server.

A lease is an append-only log like an alias's: `models/<name>/leases/<kind>/<00000001>.json`, each
entry written with create-only after the one below was read, the highest one deciding. An entry says
`taken`, `renewed` or `released`, by whom, and until when. Of racing takers one wins the number; the
others read again and find it held.

Expiry is by time: a holder that was killed writes nothing more, and its lease may be taken
over once `until` has passed. `until` is the holder's clock and it is compared with the taker's, so
the takers wait SKEW_SECONDS longer: clocks may differ by that much. Where they differ by more, two
may hold a lease at once; so it must save work, not guard truth, which in this store the create-only
writes do. The same holds for a holder that stood still beyond its time: it learns so from `renew`.

gc drops entries older than its grace, never the highest one. A taker that stood still so long that
its number was used, and dropped, looks at the log once more after its write and finds a higher one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from model_store import strict_json
from model_store.contest import rounds
from model_store.errors import (
    Conflict,
    Invalid,
    InvalidDocument,
    LeaseHeld,
    LeaseLost,
    NotFound,
    Unavailable,
)
from model_store.manifest import read_text, read_time
from model_store.names import MODELS, check_name, entry_of, lease_key, lease_prefix
from model_store.objects import Objects, Stored

__all__ = ["Clock", "Lease", "LeaseEntry", "LeaseHeld", "LeaseLost", "abandon", "held", "take"]

FORMAT = "valence-lease/1"
SKEW_SECONDS = 30.0
SECONDS_LIMIT = 7 * 24 * 3600.0
HOLDER_LIMIT = 200
RENEW_SHARE = 3  # a renewal is written once a third of the time has gone

State = Literal["taken", "renewed", "released"]
Clock = Callable[[], datetime]
STATES: tuple[State, ...] = ("taken", "renewed", "released")


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LeaseEntry:
    """One entry. `token` is random and the same in all entries of one holding."""

    name: str
    kind: str
    entry: int
    state: State
    holder: str
    token: str
    at: datetime
    until: datetime

    def is_free(self, now: datetime) -> bool:
        """Whether another may take over: released, or over for longer than clocks may differ."""
        return self.state == "released" or now > self.until + timedelta(seconds=SKEW_SECONDS)


class Lease:
    """Held by this process until it is released, or taken over once it was not renewed in time."""

    def __init__(
        self, objects: Objects, entry: LeaseEntry, *, seconds: float, clock: Clock
    ) -> None:
        self.entry = entry
        self._objects = objects
        self._time = timedelta(seconds=seconds)
        self._clock = clock

    def renew(self) -> None:
        """Hold it for `seconds` from now. Cheap to call often: writes after a third of the time.

        One that ran out and that nobody took meanwhile is renewed all the same.

        Raises:
            LeaseLost: another took it over; stop what it was held for.
            Unavailable: the store does not answer; try again while time is left.
        """
        if self._clock() >= self.entry.at + self._time / RENEW_SHARE:
            self._write("renewed", self._time)

    def release(self) -> None:
        """Give it back; raise LeaseLost where another has it."""
        self._write("released", timedelta(0))

    def _write(self, state: State, time: timedelta) -> None:
        now, mine = self._clock(), self.entry
        last = _last(self._objects, mine.name, mine.kind)
        if last is None or last.token != mine.token or last.state == "released":
            raise _lost(mine, last)
        following = replace(last, entry=last.entry + 1, state=state, at=now, until=now + time)
        if not _append(self._objects, following):
            raise _lost(mine, _last(self._objects, mine.name, mine.kind))
        self.entry = following


@contextmanager
def held(
    objects: Objects,
    name: str,
    kind: str,
    *,
    holder: str,
    seconds: float,
    clock: Clock = utc_now,
) -> Iterator[Lease]:
    """Hold the lease for the time of the block; see `take` for what it raises.

    It is released however the block ends. A release that fails changes nothing of how the block
    ended: the lease then runs out by itself, or is another's already.
    """
    lease = take(objects, name, kind, holder=holder, seconds=seconds, clock=clock)
    try:
        yield lease
    finally:
        with suppress(LeaseLost, Unavailable):
            lease.release()


def take(
    objects: Objects,
    name: str,
    kind: str,
    *,
    holder: str,
    seconds: float,
    clock: Clock = utc_now,
) -> Lease:
    """Take the lease, or take it over from a holder whose time is over.

    Raises:
        LeaseHeld: another holds it; its `holder` and `until` say who and how long.
        Invalid: an empty or long holder, or seconds outside 0 to seven days.
        InvalidName: a name or kind outside the pattern.
        InvalidDocument: the highest entry breaks the format.
    """
    _check(name, kind, holder, seconds)
    token = secrets.token_hex(16)
    for _ in rounds():
        last, now = _last(objects, name, kind), clock()
        if last is not None and not last.is_free(now):
            raise LeaseHeld(
                f"{name} is held for {kind} by {last.holder} until {last.until.isoformat()}",
                holder=last.holder,
                until=last.until,
            )
        entry = LeaseEntry(
            name=name,
            kind=kind,
            entry=last.entry + 1 if last else 1,
            state="taken",
            holder=holder,
            token=token,
            at=now,
            until=now + timedelta(seconds=seconds),
        )
        if _append(objects, entry):
            return Lease(objects, entry, seconds=seconds, clock=clock)
    raise Conflict(f"the lease {kind} of {name} changed hands each time it was tried; try again")


def abandon(objects: Objects, name: str, kind: str, *, holder: str) -> None:
    """Release a lease in the name of a holder that the caller knows to live no more.

    Raises LeaseLost where another has it by now.
    """
    last = _last(objects, name, kind)
    if last is None or last.holder != holder:
        raise LeaseLost(f"the lease {kind} of {name} is not {holder}'s")
    Lease(objects, last, seconds=1, clock=utc_now).release()


def drop_old(objects: Objects, *, before: datetime, dry_run: bool) -> int:
    """Delete entries last written before `before`, but no lease's highest; return how many."""
    logs: dict[str, dict[int, Stored]] = {}
    for stored in objects.list(MODELS):
        folder, entry = stored.key.rpartition("/")[0], entry_of(stored.key)
        if entry is not None and _is_lease(folder):
            logs.setdefault(folder, {})[entry] = stored
    old = [
        stored
        for entries in logs.values()
        for _, stored in sorted(entries.items())[:-1]
        if stored.modified <= before
    ]
    if not dry_run:
        for stored in old:
            objects.delete(stored.key)
    return len(old)


def _is_lease(folder: str) -> bool:
    parts = folder.split("/")
    return len(parts) == 4 and folder == lease_prefix(parts[1], parts[3])


def _check(name: str, kind: str, holder: str, seconds: float) -> None:
    check_name(name)
    check_name(kind)
    if not holder.strip() or len(holder) > HOLDER_LIMIT:
        raise Invalid(f"a lease has a holder of 1 to {HOLDER_LIMIT} characters")
    if not 0 < seconds <= SECONDS_LIMIT:
        raise Invalid(f"a lease lasts up to {SECONDS_LIMIT:.0f} seconds, not {seconds}")


def _lost(mine: LeaseEntry, last: LeaseEntry | None) -> LeaseLost:
    now = "nobody" if last is None or last.state == "released" else last.holder
    return LeaseLost(
        f"the lease {mine.kind} of {mine.name} is no longer {mine.holder}'s: {now} has it"
    )


def _append(objects: Objects, entry: LeaseEntry) -> bool:
    """Whether the number was won, and is the highest still."""
    key = lease_key(entry.name, entry.kind, entry.entry)
    return objects.create(key, _encode(entry)) and (
        _highest(objects, entry.name, entry.kind) == entry.entry
    )


def _highest(objects: Objects, name: str, kind: str) -> int:
    prefix = lease_prefix(name, kind)
    listed = [stored.key for stored in objects.list(prefix)]
    numbers = [entry_of(key) for key in listed if key.rpartition("/")[0] == prefix]
    return max((number for number in numbers if number is not None), default=0)


def _last(objects: Objects, name: str, kind: str) -> LeaseEntry | None:
    for _ in rounds():
        highest = _highest(objects, name, kind)
        if not highest:
            return None
        with suppress(NotFound):  # a higher one came, and gc dropped this one, just now
            return _parse(objects.read(lease_key(name, kind, highest)), name, kind, entry=highest)
    raise Conflict(f"the lease {kind} of {name} changed each time it was read; try again")


def _encode(entry: LeaseEntry) -> bytes:
    document = {
        "format": FORMAT,
        "name": entry.name,
        "kind": entry.kind,
        "entry": entry.entry,
        "state": entry.state,
        "holder": entry.holder,
        "token": entry.token,
        "at": entry.at.isoformat(),
        "until": entry.until.isoformat(),
    }
    return strict_json.encode(document, what=f"the lease {entry.kind} of {entry.name}")


def _parse(body: bytes, name: str, kind: str, *, entry: int) -> LeaseEntry:
    what = f"lease entry {entry} of {name}/{kind}"
    raw = strict_json.parse(body, what=what)
    place = (raw.get("format"), raw.get("name"), raw.get("kind"), raw.get("entry"))
    if place != (FORMAT, name, kind, entry):
        raise InvalidDocument(f"{what} is the entry of another place or of another format")
    return LeaseEntry(
        name=name,
        kind=kind,
        entry=entry,
        state=_state(raw, what=what),
        holder=read_text(raw, "holder", what=what),
        token=read_text(raw, "token", what=what),
        at=read_time(raw, "at", what=what),
        until=read_time(raw, "until", what=what),
    )


def _state(raw: Mapping[str, Any], *, what: str) -> State:
    if raw.get("state") not in STATES:
        raise InvalidDocument(f"{what}: 'state' is none of {', '.join(STATES)}")
    return cast(State, raw["state"])
