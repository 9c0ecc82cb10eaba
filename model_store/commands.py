"""`valence models`: the store from a terminal.

A version is written as everywhere else: NAME@NUMBER, NAME@ALIAS, or NAME for its champion.
Exit status: 0 done, 1 refused or failed (one line on stderr says why), 2 wrong usage.
"""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from model_store import display
from model_store.errors import StoreError
from model_store.location import default_store_url
from model_store.names import DEFAULT_ALIAS, parse_reference
from model_store.publish import read_draft
from model_store.store import Store, Version, open_store

DAY_SECONDS = 24 * 3600


def default_actor() -> str:
    """`user@host` of this process, as far as the system knows them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


app = typer.Typer(name="models", help="The versions a store keeps.", no_args_is_help=True)

StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="VALENCE_STORE",
        default_factory=default_store_url,
        show_default="the user's own store",
        help="A path, file://, s3://bucket/prefix, gs:// or az://.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")]
ReferenceText = Annotated[
    str, typer.Argument(metavar="NAME[@NUMBER|@ALIAS]", help="Without @, the champion.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A model's name.")]
Alias = Annotated[str, typer.Option("--alias", help="The alias that moves or is shown.")]
Reason = Annotated[str, typer.Option("--reason", help="Kept in the alias's log.")]
Actor = Annotated[
    str,
    typer.Option(
        "--actor",
        default_factory=default_actor,
        show_default="user@host",
        help="Who moves the alias; kept in its log.",
    ),
]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (StoreError, OSError) as error:
        typer.echo(f"valence: {error}", err=True)
        raise typer.Exit(1) from None


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


@app.command("list")
def list_models(store: StoreUrl, as_json: Json = False) -> None:
    """The models, their versions and what their aliases name."""
    with _refusals():
        opened = open_store(store, create=False)
        models = [
            {"name": name, "versions": opened.versions(name), "aliases": opened.aliases(name)}
            for name in opened.names()
        ]
    if as_json:
        _print_json(models)
    else:
        display.print_models(models)


@app.command()
def show(reference: ReferenceText, store: StoreUrl, as_json: Json = False) -> None:
    """One version: where it comes from, its scores, its files."""
    with _refusals():
        opened = open_store(store, create=False)
        version = opened.resolve(reference)
        manifest = opened.manifest(version.name, version.number)
    if as_json:
        _print_json({"digest": manifest.digest, "manifest": manifest.raw})
    else:
        display.print_manifest(manifest)


@app.command("log")
def show_log(
    name: Name, store: StoreUrl, alias: Alias = DEFAULT_ALIAS, as_json: Json = False
) -> None:
    """Every move of an alias, oldest first."""
    with _refusals():
        entries = open_store(store, create=False).log(name, alias)
    if as_json:
        _print_json([asdict(entry) for entry in entries])
    else:
        display.print_log(entries)


@app.command()
def promote(
    reference: Annotated[
        str,
        typer.Argument(metavar="NAME@NUMBER|NAME@ALIAS", help="The version the alias shall name."),
    ],
    store: StoreUrl,
    actor: Actor,
    alias: Alias = DEFAULT_ALIAS,
    reason: Reason = "",
) -> None:
    """Make an alias name a version; a service that follows the alias picks it up."""
    if "@" not in reference:
        raise typer.BadParameter("say which version: NAME@NUMBER or NAME@ALIAS")
    with _refusals():
        opened = open_store(store, create=False)
        version = opened.resolve(reference)
        entry = opened.promote(
            version.name, version.number, alias=alias, actor=actor, reason=reason
        )
    typer.echo(display.move_line(entry))


@app.command()
def rollback(
    name: Name,
    store: StoreUrl,
    actor: Actor,
    alias: Alias = DEFAULT_ALIAS,
    reason: Reason = "",
) -> None:
    """Make an alias name the version before the current one; again, and it goes further back."""
    with _refusals():
        opened = open_store(store, create=False)
        entry = opened.rollback(name, alias=alias, actor=actor, reason=reason)
    typer.echo(display.move_line(entry))


@app.command()
def verify(
    store: StoreUrl,
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME[@NUMBER|@ALIAS]]...", help="Without any, every version."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Read every file of the versions and compare it with its manifest."""
    with _refusals():
        opened = open_store(store, create=False)
        versions = _versions(opened, references or [])
        results = [_verified(opened, name, number) for name, number in versions]
    if as_json:
        _print_json(results)
    else:
        display.print_verified(results)
    if any(result["error"] for result in results):
        raise typer.Exit(1)


def _versions(store: Store, references: list[str]) -> list[tuple[str, int]]:
    if not references:
        return [(name, number) for name in store.names() for number in store.versions(name)]
    resolved = [store.resolve(reference) for reference in references]
    return [(version.name, version.number) for version in resolved]


def _verified(store: Store, name: str, number: int) -> dict[str, Any]:
    error = None
    try:
        store.verify(name, number)
    except StoreError as refused:
        error = str(refused)
    return {"name": name, "version": number, "error": error}


@app.command()
def export(
    reference: ReferenceText,
    folder: Annotated[Path, typer.Argument(help="Missing or empty.")],
    store: StoreUrl,
) -> None:
    """Write a version as a folder, verified; `publish` takes such a folder elsewhere."""
    with _refusals():
        opened = open_store(store, create=False)
        version = opened.resolve(reference)
        opened.export(version.name, version.number, folder)
    typer.echo(f"{version.reference} is in {folder}")


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="manifest.json and the version's files, flat.")],
    store: StoreUrl,
    name: Annotated[
        str | None, typer.Option("--name", help="Default: the name in the folder's manifest.")
    ] = None,
    parent: Annotated[
        int | None, typer.Option("--parent", min=1, help="The version this one was made from.")
    ] = None,
) -> None:
    """Write a folder as a model's next version. No alias moves."""
    with _refusals():
        version = _published(folder, store, name=name, parent=parent)
    typer.echo(version.reference)


def _published(folder: Path, store: str, *, name: str | None, parent: int | None) -> Version:
    name = name or read_draft(folder).get("name")
    if not isinstance(name, str):
        raise typer.BadParameter("the folder's manifest has no name; give --name")
    parse_reference(name)  # refuse before a store is made
    return open_store(store).publish(name, folder, parent=parent)


@app.command()
def gc(
    store: StoreUrl,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
    grace_seconds: Annotated[
        float, typer.Option(min=0, help="Touch nothing written later than this.")
    ] = DAY_SECONDS,
    keep_last: Annotated[
        int, typer.Option(min=1, help="Log entries per alias, and newest versions, to keep.")
    ] = 5,
    versions: Annotated[
        bool, typer.Option("--versions", help="Also retire old versions no alias needs.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete files that no version names; with --versions, retire old versions first.

    The grace must be longer than the longest publish.
    """
    with _refusals():
        report = open_store(store, create=False).gc(
            dry_run=dry_run, grace_seconds=grace_seconds, keep_last=keep_last, versions=versions
        )
    if as_json:
        _print_json(asdict(report))
    else:
        display.print_gc(report)
