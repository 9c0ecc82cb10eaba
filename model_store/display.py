"""Tables of `valence models`. Every text from the store is shown as it is, never as markup."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from model_store.collect import GcReport
from model_store.log_entry import LogEntry
from model_store.manifest import STORE_KEYS, Manifest

VALUE_CHARACTERS = 300


def print_models(models: Sequence[Mapping[str, Any]]) -> None:
    """One row a model: its newest version, how many there are, its aliases."""
    rows = (
        (
            model["name"],
            str(max(model["versions"], default="none")),
            str(len(model["versions"])),
            ", ".join(f"{alias} = {number}" for alias, number in model["aliases"].items()),
        )
        for model in models
    )
    print_table(("model", "newest", "versions", "aliases"), rows)


def print_manifest(manifest: Manifest) -> None:
    """The store's facts, the model's own keys (long ones cut), then the files."""
    facts = {
        "version": manifest.reference,
        "digest": manifest.digest,
        "created": _time(manifest.created.isoformat()),
        "parent": "none" if manifest.parent is None else str(manifest.parent),
    }
    own = {key: _short(value) for key, value in manifest.raw.items() if key not in STORE_KEYS}
    print_table(("key", "value"), (facts | own).items())
    files = ((file, f"{entry.size:,}", entry.sha256) for file, entry in manifest.files.items())
    print_table(("file", "bytes", "sha256"), files)


def print_log(entries: Iterable[LogEntry]) -> None:
    """One row an entry, oldest first."""
    rows = (
        (
            str(entry.entry),
            _time(entry.at.isoformat()),
            entry.action,
            "none" if entry.previous is None else str(entry.previous),
            str(entry.version),
            entry.actor,
            entry.reason,
        )
        for entry in entries
    )
    print_table(("entry", "at (UTC)", "action", "from", "to", "actor", "reason"), rows)


def print_verified(results: Iterable[Mapping[str, Any]]) -> None:
    """One row a version: sound, and signed where that was asked, or what is wrong with it."""
    rows = ((f"{r['name']}@{r['version']}", r["error"] or _sound(r["signed"])) for r in results)
    print_table(("version", "result"), rows)


def print_gc(report: GcReport) -> None:
    """What went, or what would go."""
    verb = "would be" if report.dry_run else "were"
    retired = ", ".join(f"{name}@{number}" for name, number in report.retired) or "none"
    print_table(
        ("what", "count"),
        (
            (f"blobs that {verb} deleted", str(len(report.blobs))),
            (f"bytes that {verb} freed", f"{report.freed_bytes:,}"),
            ("blobs kept", str(report.kept_blobs)),
            (f"versions that {verb} retired", retired),
            (f"half-written files that {verb} deleted", str(report.partial_files)),
            (f"lease entries that {verb} deleted", str(report.lease_entries)),
        ),
    )


def move_line(entry: LogEntry) -> str:
    """One line that says what an alias names now and what it named before."""
    before = "nothing" if entry.previous is None else f"version {entry.previous}"
    return f"{entry.name}@{entry.alias} now names version {entry.version}, before it {before}"


def who_line(entry: LogEntry) -> str:
    """One line that says who moved it, when and why."""
    why = entry.reason or "no reason given"
    return f"{entry.action} by {entry.actor} at {_time(entry.at.isoformat())} UTC: {why}"


def _sound(signed: bool) -> str:
    return "sound, signed by a trusted key" if signed else "sound"


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Every cell as it is."""
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_CHARACTERS else f"{text[:VALUE_CHARACTERS]}…"


def _time(iso: str) -> str:
    return iso[:19].replace("T", " ")
