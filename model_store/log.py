"""An alias is an append-only log; its highest contiguous entry says which version it names.

Entry n+1 is written with create-only after entry n was read, so of two racing writers one wins the
number and the other reads again. Nothing in a log is ever changed, so it is the audit trail, and
what an alias named at any past moment can be asked for.

Rollback walks back and never forth. Each entry carries `before`: the entry that a rollback from
here restores. Promoting a different version sets it to the entry just replaced; promoting the same
version again keeps it; a rollback takes over the restored entry's own. So after promoting 1, 2, 3 a
first rollback names 2, a second names 1, and a third is refused; promoting 4 between the two makes
the second name 2 again: version 3, once rolled back from, is not returned to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from model_store import log_entry
from model_store.contest import ATTEMPTS, rounds
from model_store.errors import Conflict, NotFound
from model_store.log_entry import Action, LogEntry, Move
from model_store.names import aliases_prefix, entry_key, entry_of, log_prefix
from model_store.objects import Objects


def promote(
    objects: Objects,
    name: str,
    version: int,
    *,
    alias: str,
    move: Move,
    attempts: int = ATTEMPTS,
) -> LogEntry:
    """Append an entry that names `version`; the caller has checked that it exists.

    Raises:
        Conflict: others won the next number `attempts` times.
    """

    def following(last: LogEntry | None) -> LogEntry:
        if last is None or last.version != version:
            before = last.entry if last else None
        else:
            before = last.before
        return _next(name, alias, last, version=version, before=before, move=move)

    return _append(objects, name, alias, following=following, attempts=attempts)


def rollback(
    objects: Objects,
    name: str,
    *,
    alias: str,
    move: Move,
    check: Callable[[int], None],
    to: int | None = None,
) -> LogEntry:
    """Append an entry that names the version before the current one.

    Args:
        check: raises where the version to go back to must not be named again.
        to: go back to this version, over all that lie between, as single rollbacks would.

    Raises:
        NotFound: the alias names nothing yet.
        Conflict: nothing lies before the current version, or `to` does not.
    """

    def following(last: LogEntry | None) -> LogEntry:
        target = _target(objects, name, alias, last=last)
        passed = [target.version]
        while to not in (None, target.version):
            target = _further(objects, target, to=to, passed=passed)
        check(target.version)
        return _next(
            name,
            alias,
            last,
            version=target.version,
            before=target.before,
            move=move,
            action="rollback",
        )

    return _append(objects, name, alias, following=following)


def _target(objects: Objects, name: str, alias: str, *, last: LogEntry | None) -> LogEntry:
    if last is None:
        raise NotFound(f"{name} has no alias {alias!r} to roll back")
    if last.before is None:
        raise Conflict(
            f"{name}@{alias} names version {last.version} and there is nothing before it to roll "
            "back to; promote a version instead"
        )
    return read_entry(objects, name, alias, entry=last.before)


def _further(objects: Objects, entry: LogEntry, *, to: int | None, passed: list[int]) -> LogEntry:
    """The entry that one more rollback would restore; `passed` are the versions seen so far."""
    if entry.before is None:
        back = ", ".join(map(str, passed))
        raise Conflict(
            f"no rollback of {entry.name}@{entry.alias} leads to version {to}; it leads to {back}; "
            "promote a version instead"
        )
    further = read_entry(objects, entry.name, entry.alias, entry=entry.before)
    passed.append(further.version)
    return further


def _next(
    name: str,
    alias: str,
    last: LogEntry | None,
    *,
    version: int,
    before: int | None,
    move: Move,
    action: Action = "promote",
) -> LogEntry:
    return LogEntry(
        name=name,
        alias=alias,
        entry=last.entry + 1 if last else 1,
        version=version,
        previous=last.version if last else None,
        before=before,
        action=action,
        actor=move.actor,
        reason=move.reason,
        at=datetime.now(UTC),
        report=move.report,
    )


def _append(
    objects: Objects,
    name: str,
    alias: str,
    *,
    following: Callable[[LogEntry | None], LogEntry],
    attempts: int = ATTEMPTS,
) -> LogEntry:
    """Win the next number, however many race for it: each loss means that another one won."""
    for _ in rounds(attempts):
        entry = following(last_entry(objects, name, alias))
        if objects.create(entry_key(name, alias, entry.entry), log_entry.encode(entry)):
            return entry
    raise Conflict(f"{name}@{alias} moved {attempts} times while this entry was tried; try again")


def last_entry(objects: Objects, name: str, alias: str) -> LogEntry | None:
    """The highest contiguous entry, None for an alias without one."""
    top = contiguous(entries_of(objects, name).get(alias, frozenset()))
    return read_entry(objects, name, alias, entry=top) if top else None


def entries_of(objects: Objects, name: str) -> dict[str, frozenset[int]]:
    """The numbers of the entries of every alias of `name`, read from one listing."""
    found: dict[str, set[int]] = {}
    for stored in objects.list(aliases_prefix(name)):
        folder, _, _ = stored.key.rpartition("/")
        entry = entry_of(stored.key)
        alias = folder.rpartition("/")[2]
        if entry is not None and folder == log_prefix(name, alias):
            found.setdefault(alias, set()).add(entry)
    return {alias: frozenset(entries) for alias, entries in sorted(found.items())}


def contiguous(entries: frozenset[int]) -> int:
    """The highest n such that 1 to n are all there; 0 without a first one."""
    top = 0
    while top + 1 in entries:
        top += 1
    return top


def read_entry(objects: Objects, name: str, alias: str, *, entry: int) -> LogEntry:
    """Read and check one entry; raise InvalidDocument where it breaks the format."""
    body = objects.read(entry_key(name, alias, entry))
    return log_entry.parse(body, name=name, alias=alias, entry=entry)
