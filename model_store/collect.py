"""gc: what nothing names any more, and how that is decided while others publish.

Three things can be collected:

- A *blob* that no manifest names, last written longer ago than the grace.
- With `versions`, a *version* older than the grace that no alias names now, that none of the last
  `keep_last` entries of any alias log names, to which no rollback would go, and that is not among
  the `keep_last` newest of its model. It is *retired*: a marker `<n>.retired.json` is written
  beside its manifest, which stays for ever, so numbers stay contiguous and the audit trail
  complete. Its blobs are collected by the first gc that runs a grace later, unless an alias names
  it by then.
- An *entry of a lease* older than the grace, but never a lease's highest (`lease`).

Safety against racing publishers and promoters rests on order and on the grace:

1. Candidate blobs are listed first and manifests read after, so a manifest committed in between is
   seen. 2. A publisher writes every blob anew before it commits, which renews the time of last
   write; this time is looked at once more right before each delete. 3. A promoter refuses a retired
   version, and a version retired while its promotion was on the way keeps its blobs because the
   log names it. 4. One manifest or log that cannot be read stops gc before anything is deleted.

So the grace must be longer than the longest publish and than the clocks' difference; a day is the
command line's default.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from model_store import lease, log, strict_json
from model_store import manifest as manifests
from model_store.errors import Invalid
from model_store.names import BLOBS, digest_of, manifest_key, retired_key
from model_store.objects import Objects, Stored
from model_store.shelf import Shelf, read_shelves

RETIRED_FORMAT = "valence-retired/1"


@dataclass(frozen=True, slots=True)
class GcReport:
    """What a run collected, or with `dry_run` would have.

    `blobs` are digests and `freed_bytes` their sizes together; `retired` are (name, number) pairs;
    `partial_files` counts half-written files of killed writers, which only a local disk has;
    `lease_entries` counts old entries of leases.
    """

    dry_run: bool
    blobs: tuple[str, ...]
    freed_bytes: int
    kept_blobs: int
    retired: tuple[tuple[str, int], ...]
    partial_files: int
    lease_entries: int


def collect(
    objects: Objects,
    *,
    dry_run: bool,
    grace_seconds: float,
    keep_last: int,
    versions: bool = False,
) -> GcReport:
    """Collect what the module's docstring describes.

    Raises:
        Invalid: a negative grace, or `keep_last` below 1.
        InvalidDocument, UnsafeFile: a manifest or log entry is malformed; nothing was deleted.
    """
    if grace_seconds < 0 or keep_last < 1:
        raise Invalid("gc needs a grace of 0 seconds or more and a keep_last of 1 or more")
    before = datetime.now(UTC) - timedelta(seconds=grace_seconds)
    listed = [blob for blob in objects.list(BLOBS) if digest_of(blob.key)]
    shelves = read_shelves(objects)
    kept = {name: _kept(objects, name, keep_last=keep_last) for name in shelves}
    old = _old_versions(shelves, kept, before=before, keep_last=keep_last) if versions else []
    named = _named_digests(objects, shelves, kept=kept, before=before)
    orphans = [b for b in listed if b.modified <= before and digest_of(b.key) not in named]
    if not dry_run:
        _retire(objects, old)
        orphans = [blob for blob in orphans if _delete(objects, blob, before=before)]
    return GcReport(
        dry_run=dry_run,
        blobs=tuple(sorted(str(digest_of(blob.key)) for blob in orphans)),
        freed_bytes=sum(blob.size for blob in orphans),
        kept_blobs=len(listed) - len(orphans),
        retired=tuple(old),
        partial_files=objects.drop_partial(before=before, dry_run=dry_run),
        lease_entries=lease.drop_old(objects, before=before, dry_run=dry_run),
    )


def _kept(objects: Objects, name: str, *, keep_last: int) -> frozenset[int]:
    """The numbers of `name` that some alias names now, lately, or after a rollback."""
    numbers: set[int] = set()
    for alias, entries in log.entries_of(objects, name).items():
        top = log.contiguous(entries)
        for entry in range(max(1, top - keep_last + 1), top + 1):
            found = log.read_entry(objects, name, alias, entry=entry)
            numbers |= {found.version, found.previous or found.version}
            if entry == top and found.before is not None:
                before = log.read_entry(objects, name, alias, entry=found.before)
                numbers.add(before.version)
    return frozenset(numbers)


def _old_versions(
    shelves: dict[str, Shelf],
    kept: dict[str, frozenset[int]],
    *,
    before: datetime,
    keep_last: int,
) -> list[tuple[str, int]]:
    old: list[tuple[str, int]] = []
    for name, shelf in sorted(shelves.items()):
        live = sorted(shelf.versions.keys() - shelf.retired.keys())
        old += [
            (name, number)
            for number in live[:-keep_last]
            if number not in kept[name] and shelf.versions[number].modified <= before
        ]
    return old


def _named_digests(
    objects: Objects,
    shelves: dict[str, Shelf],
    *,
    kept: dict[str, frozenset[int]],
    before: datetime,
) -> frozenset[str]:
    """The blobs of every version but those retired before `before` and named by no alias."""
    digests: set[str] = set()
    for name, shelf in shelves.items():
        gone = {number for number, marker in shelf.retired.items() if marker.modified <= before}
        for number in shelf.versions.keys() - (gone - kept[name]):
            key = manifest_key(name, number)
            manifest = manifests.parse(objects.read(key), what=key)
            digests |= {entry.sha256 for entry in manifest.files.values()}
    return frozenset(digests)


def _retire(objects: Objects, versions: list[tuple[str, int]]) -> None:
    for name, number in versions:
        marker = {"format": RETIRED_FORMAT, "name": name, "version": number}
        marker["at"] = datetime.now(UTC).isoformat()
        key = retired_key(name, number)
        objects.create(key, strict_json.encode(marker, what=key))


def _delete(objects: Objects, blob: Stored, *, before: datetime) -> bool:
    """Delete a blob unless a publisher renewed it since it was listed."""
    now = objects.find(blob.key)
    if now is None or now.modified > before:
        return False
    objects.delete(blob.key)
    return True
