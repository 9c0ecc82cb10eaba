"""One entry of an alias's log: its fields, its stored form, and the checks on the way back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from model_store import strict_json
from model_store.errors import Invalid, InvalidDocument
from model_store.manifest import read_number, read_optional_number, read_text, read_time

FORMAT = "valence-alias/1"
TEXT_LIMIT = 2000

Action = Literal["promote", "rollback"]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One move of an alias.

    `entry` counts from 1; `version` is what the alias names from here on and `previous` what the
    entry before named (None for the first); `before` is the entry a rollback from here restores
    (None: there is nothing to go back to); `report` is the gate's verdict, if one was given.
    """

    name: str
    alias: str
    entry: int
    version: int
    previous: int | None
    before: int | None
    action: Action
    actor: str
    reason: str
    at: datetime
    report: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Move:
    """Who moves an alias and why; `report` is any JSON object worth keeping with it."""

    actor: str
    reason: str
    report: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.actor.strip():
            raise Invalid("an alias is moved by somebody: the actor must not be empty")
        if max(len(self.actor), len(self.reason)) > TEXT_LIMIT:
            raise Invalid(f"actor and reason may hold {TEXT_LIMIT} characters each")


def encode(entry: LogEntry) -> bytes:
    """The stored form of an entry. The token tells two equal entries of two writers apart."""
    document = {
        "format": FORMAT,
        "name": entry.name,
        "alias": entry.alias,
        "entry": entry.entry,
        "version": entry.version,
        "previous": entry.previous,
        "before": entry.before,
        "action": entry.action,
        "actor": entry.actor,
        "reason": entry.reason,
        "at": entry.at.isoformat(),
        "report": None if entry.report is None else dict(entry.report),
        "token": secrets.token_hex(16),
    }
    return strict_json.encode(document, what=f"the log entry of {entry.name}@{entry.alias}")


def parse(body: bytes, *, name: str, alias: str, entry: int) -> LogEntry:
    """Check an entry's bytes against the place they were found at.

    Raises:
        InvalidDocument: another format, a key missing or malformed, or another place's entry.
    """
    what = f"log entry {entry} of {name}@{alias}"
    raw = strict_json.parse(body, what=what)
    if (raw.get("format"), raw.get("name"), raw.get("alias"), raw.get("entry")) != (
        FORMAT,
        name,
        alias,
        entry,
    ):
        raise InvalidDocument(f"{what} is the entry of another place or of another format")
    return LogEntry(
        name=name,
        alias=alias,
        entry=entry,
        version=read_number(raw, "version", what=what),
        previous=read_optional_number(raw, "previous", what=what),
        before=_before(raw, entry=entry, what=what),
        action=_action(raw, what=what),
        actor=read_text(raw, "actor", what=what),
        reason=read_text(raw, "reason", what=what),
        at=read_time(raw, "at", what=what),
        report=_report(raw, what=what),
    )


def _before(raw: Mapping[str, Any], *, entry: int, what: str) -> int | None:
    before = read_optional_number(raw, "before", what=what)
    if before is not None and before >= entry:
        raise InvalidDocument(f"{what}: 'before' names entry {before}, which is not before it")
    return before


def _action(raw: Mapping[str, Any], *, what: str) -> Action:
    action = raw.get("action")
    if action not in ("promote", "rollback"):
        raise InvalidDocument(f"{what}: 'action' is neither 'promote' nor 'rollback'")
    return cast(Action, action)


def _report(raw: Mapping[str, Any], *, what: str) -> Mapping[str, Any] | None:
    report = raw.get("report")
    if report is not None and not isinstance(report, dict):
        raise InvalidDocument(f"{what}: 'report' is neither an object nor null")
    return report
