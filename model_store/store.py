"""The store: names, numbers, aliases; every method reads the storage afresh and keeps no state.

A `Store` holds no lock and caches nothing, so any number of them, in any number of processes and
machines, may work on the same root. Each public method is one sentence of the package's promise;
the modules beside this one keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from model_store import cache as caches
from model_store import collect, log, signing, verify
from model_store import lease as leases
from model_store import manifest as manifests
from model_store.collect import GcReport
from model_store.errors import Conflict, NotFound, Retired
from model_store.keys import Keys, SigningKey
from model_store.lease import Clock
from model_store.location import open_objects
from model_store.log_entry import LogEntry, Move
from model_store.manifest import Manifest
from model_store.names import (
    DEFAULT_ALIAS,
    check_alias,
    check_name,
    check_number,
    manifest_key,
    parse_reference,
    retired_key,
)
from model_store.objects import Objects
from model_store.publish import publish_folder
from model_store.shelf import read_shelf, read_shelves
from model_store.version import Version, version_of

LISTED_IN_ERRORS = 20


def open_store(
    url: str | Path, *, create: bool = True, read_only: bool = False, trusted: Keys | None = None
) -> Store:
    """Open the store at `url`: a path, `file://`, `s3://`, `gs://` or `az://`.

    Args:
        trusted: keys of which one must have signed a version; None takes unsigned ones.
        create: make a missing local folder; buckets are never made.
        read_only: refuse every write with ReadOnly.

    Raises:
        Invalid: a URL of another form.
        NotFound: a missing local folder, with `create` off.
        Unavailable: the folder cannot be made or the bucket's settings are incomplete.
    """
    return Store(open_objects(url, create=create, read_only=read_only), trusted=trusted)


class Store:
    """Versions of models under one root. Safe to share between threads and processes.

    With `trusted`, a manifest whose signature is not one of these keys' is not even parsed, so that
    `resolve`, `promote`, `verify`, `materialise` and `export` refuse its version.
    """

    def __init__(self, objects: Objects, *, trusted: Keys | None = None) -> None:
        self.objects = objects
        self.trusted = trusted

    @property
    def url(self) -> str:
        return self.objects.url

    def names(self) -> list[str]:
        """The models with at least one version, in alphabetical order."""
        return sorted(name for name, shelf in read_shelves(self.objects).items() if shelf.versions)

    def versions(self, name: str) -> list[int]:
        """The numbers of `name` in ascending order, without those that gc retired.

        Raises:
            NotFound: the store never held a version of `name`.
        """
        shelf = read_shelf(self.objects, check_name(name))
        if not shelf.versions:
            held = _listed(self.names())
            raise NotFound(f"there is no model {name!r} in {self.url}; it holds {held}")
        return sorted(shelf.versions.keys() - shelf.retired.keys())

    def resolve(self, reference: str) -> Version:
        """The version that `name` (its champion), `name@alias` or `name@7` stands for now.

        Raises:
            InvalidName: the reference is malformed.
            NotFound: nothing of that name, alias or number; the message says what there is.
            Retired: a number that gc retired.
        """
        asked = parse_reference(reference)
        if asked.alias is None:
            return self._numbered(asked.name, asked.number or 0)
        last = log.last_entry(self.objects, asked.name, asked.alias)
        if last is None:
            numbers = self.versions(asked.name)
            aliases = _listed(sorted(self.aliases(asked.name)))
            raise NotFound(
                f"{asked.name} has no alias {asked.alias!r}; its aliases are {aliases}, its "
                f"versions {_listed(numbers)}"
            )
        return version_of(self.manifest(asked.name, last.version))

    def manifest(self, name: str, number: int) -> Manifest:
        """The validated manifest of a version, a retired one's too.

        Raises:
            NotFound: there is no such version; the message says which there are.
            Unsigned, BadSignature: with `trusted`, and the manifest was not parsed.
            InvalidDocument, UnsafeFile: the stored manifest breaks a rule.
        """
        key = manifest_key(check_name(name), check_number(number))
        try:
            body = self.objects.read(key)
        except NotFound as error:
            numbers = _listed(self.versions(name))
            raise NotFound(f"{name} has no version {number}; it has {numbers}") from error
        if self.trusted is None:
            return manifests.parse_stored(body, name, number)
        return signing.parse_signed(self.objects, body, name=name, number=number, keys=self.trusted)

    def sign(
        self, name: str, number: int, key: SigningKey, *, signer: str, digest: str | None = None
    ) -> str:
        """Vouch for a version with `key`, once all its files were read and found right.

        Args:
            signer: who signs, for people.
            digest: what the manifest's sha256 must be, where the caller knows it: a publisher that
                signs what it published thus signs nothing that was put there in between.

        Returns:
            The storage key of the signature. Signing twice with one key is no error.

        Raises:
            NotFound: there is no such version.
            VerifyError: a file is missing or differs.
            Conflict: another digest, or a wrong signature lies in this one's place.
        """
        manifest = Store(self.objects).manifest(name, number)
        if digest not in (None, manifest.digest):
            raise Conflict(f"{manifest.reference} is {manifest.digest}, not {digest}; not signed")
        verify.verify_blobs(self.objects, manifest)
        return signing.sign(self.objects, manifest, key, signer=signer)

    def publish(self, name: str, folder: Path | str, *, parent: int | None = None) -> Version:
        """Write a folder as the next version of `name`; see `publish.publish_folder`."""
        return version_of(publish_folder(self.objects, name, Path(folder), parent=parent))

    def promote(
        self,
        name: str,
        version: int,
        *,
        alias: str = DEFAULT_ALIAS,
        actor: str,
        reason: str,
        report: Mapping[str, Any] | None = None,
    ) -> LogEntry:
        """Make `alias` name `version`, by one more entry in its log.

        Args:
            report: any JSON object worth keeping with the move, such as a gate's verdict.

        Raises:
            NotFound: there is no such version.
            Retired: there was, until gc.
        """
        move = Move(actor, reason, report)
        self.manifest(name, version)
        self._check_not_retired(name, version)
        return log.promote(self.objects, name, version, alias=check_alias(alias), move=move)

    def rollback(
        self,
        name: str,
        *,
        alias: str = DEFAULT_ALIAS,
        actor: str,
        reason: str,
        to: int | None = None,
    ) -> LogEntry:
        """Make `alias` name the version before the current one; again, and it goes further back.

        The rule, with an example, is in `log`'s docstring; `to` goes back to that version at once.

        Raises:
            NotFound: there is no such model or alias.
            Conflict: nothing lies before the current version, or `to` does not.
            Retired: gc retired the version to go back to.
            Unsigned, BadSignature: with `trusted`.
        """
        self.versions(name)

        def check(version: int) -> None:
            self.manifest(name, version)
            self._check_not_retired(name, version)

        move = Move(actor, reason)
        return log.rollback(
            self.objects, name, alias=check_alias(alias), move=move, check=check, to=to
        )

    def log(self, name: str, alias: str = DEFAULT_ALIAS) -> list[LogEntry]:
        """Every entry of an alias's log, oldest first; empty for an alias never set.

        Raises:
            NotFound: there is no such model.
        """
        self.versions(name)
        entries = log.entries_of(self.objects, name).get(check_alias(alias), frozenset())
        top = log.contiguous(entries)
        return [log.read_entry(self.objects, name, alias, entry=n) for n in range(1, top + 1)]

    def aliases(self, name: str) -> dict[str, int]:
        """The version that each alias of `name` names now, by alias in alphabetical order."""
        self.versions(name)
        tops = {
            alias: log.contiguous(entries)
            for alias, entries in log.entries_of(self.objects, name).items()
        }
        return {
            alias: log.read_entry(self.objects, name, alias, entry=top).version
            for alias, top in tops.items()
            if top
        }

    def verify(self, name: str, number: int) -> None:
        """Read every file of a version and compare size and sha256 with the manifest.

        Raises:
            VerifyError: the first file that is missing or differs; `file` names it.
        """
        verify.verify_blobs(self.objects, self.manifest(name, number))

    def materialise(self, name: str, number: int, cache: Path | str) -> Path:
        """A verified local folder of the version, made or reused in `cache`; see `cache`."""
        return caches.materialise(self.objects, self.manifest(name, number), Path(cache))

    def export(self, name: str, number: int, folder: Path | str) -> Path:
        """The version as a folder to carry elsewhere; `publish` takes it as it is."""
        return caches.export(self.objects, self.manifest(name, number), Path(folder))

    def lease(
        self, name: str, kind: str, *, holder: str, seconds: float, clock: Clock = leases.utc_now
    ) -> AbstractContextManager[leases.Lease]:
        """Hold `kind` of work on `name` alone for the time of a block; see `lease`.

        Raises:
            LeaseHeld: another holds it; its `holder` and `until` say who and how long.
        """
        return leases.held(self.objects, name, kind, holder=holder, seconds=seconds, clock=clock)

    def gc(
        self, *, dry_run: bool, grace_seconds: float, keep_last: int, versions: bool = False
    ) -> GcReport:
        """Delete blobs that nothing names and, with `versions`, retire old versions.

        See `collect` for what is kept, why it is safe beside publishers, and the grace it needs.
        """
        return collect.collect(
            self.objects,
            dry_run=dry_run,
            grace_seconds=grace_seconds,
            keep_last=keep_last,
            versions=versions,
        )

    def _numbered(self, name: str, number: int) -> Version:
        self._check_not_retired(name, number)
        return version_of(self.manifest(name, number))

    def _check_not_retired(self, name: str, number: int) -> None:
        if self.objects.find(retired_key(name, number)) is not None:
            numbers = _listed(self.versions(name))
            raise Retired(f"{name}@{number} was retired by gc; there are {numbers}")


def _listed(items: list[str] | list[int]) -> str:
    shown = ", ".join(str(item) for item in items[-LISTED_IN_ERRORS:])
    more = len(items) - LISTED_IN_ERRORS
    return f"{shown} and {more} more" if more > 0 else shown or "none"
