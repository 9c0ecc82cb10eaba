"""`valence models`: the store from a terminal.

A version is written as everywhere else: NAME@NUMBER, NAME@ALIAS, or NAME for its champion.
Exit status: 0 done, 1 refused or failed (one line on stderr says why), 2 wrong usage.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from model_store import display, starter
from model_store.keys import SigningKey
from model_store.moves import promote, rollback
from model_store.names import DEFAULT_ALIAS, parse_reference
from model_store.options import (
    Actor,
    Alias,
    Json,
    KeyFile,
    Name,
    ReferenceText,
    StoreUrl,
    print_json,
    refusals,
)
from model_store.publish import read_draft
from model_store.signing_commands import keygen, sign, verify
from model_store.store import open_store
from model_store.version import Version

DAY_SECONDS = 24 * 3600

app = typer.Typer(name="models", help="The versions a store keeps.", no_args_is_help=True)
app.command()(promote)
app.command()(rollback)
app.command()(keygen)
app.command()(sign)
app.command()(verify)


@app.command("list")
def list_models(store: StoreUrl, as_json: Json = False) -> None:
    """The models, their versions and what their aliases name."""
    with refusals():
        opened = open_store(store, create=False)
        models = [
            {"name": name, "versions": opened.versions(name), "aliases": opened.aliases(name)}
            for name in opened.names()
        ]
    if as_json:
        print_json(models)
    else:
        display.print_models(models)


@app.command()
def show(reference: ReferenceText, store: StoreUrl, as_json: Json = False) -> None:
    """One version: where it comes from, its scores, its files."""
    with refusals():
        opened = open_store(store, create=False)
        version = opened.resolve(reference)
        manifest = opened.manifest(version.name, version.number)
    if as_json:
        print_json({"digest": manifest.digest, "manifest": manifest.raw})
    else:
        display.print_manifest(manifest)


@app.command("log")
def show_log(
    name: Name, store: StoreUrl, alias: Alias = DEFAULT_ALIAS, as_json: Json = False
) -> None:
    """Every move of an alias, oldest first."""
    with refusals():
        entries = open_store(store, create=False).log(name, alias)
    if as_json:
        print_json([asdict(entry) for entry in entries])
    else:
        display.print_log(entries)


@app.command()
def export(
    reference: ReferenceText,
    folder: Annotated[Path, typer.Argument(help="Missing or empty.")],
    store: StoreUrl,
) -> None:
    """Write a version as a folder, verified; `publish` takes such a folder elsewhere."""
    with refusals():
        opened = open_store(store, create=False)
        version = opened.resolve(reference)
        opened.export(version.name, version.number, folder)
    typer.echo(f"{version.reference} is in {folder}")


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="manifest.json and the version's files, flat.")],
    store: StoreUrl,
    actor: Actor,
    name: Annotated[
        str | None, typer.Option("--name", help="Default: the name in the folder's manifest.")
    ] = None,
    parent: Annotated[
        int | None, typer.Option("--parent", min=1, help="The version this one was made from.")
    ] = None,
    key: KeyFile = None,
) -> None:
    """Write a folder as a model's next version, signed where there is a key. No alias moves."""
    with refusals():
        signing_key = None if key is None else SigningKey.read(key)
        version = _published(folder, store, name=name, parent=parent)
        if signing_key is not None:
            open_store(store).sign(
                version.name, version.number, signing_key, signer=actor, digest=version.digest
            )
    typer.echo(version.reference)


@app.command()
def seed(store: StoreUrl) -> None:
    """Copy each starter model that the store does not have; a bucket must be there already."""
    with refusals():
        copied = starter.seed(open_store(store))
    for version in copied:
        typer.echo(version.reference)
    if not copied:
        typer.echo("there was nothing to copy")


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
    with refusals():
        report = open_store(store, create=False).gc(
            dry_run=dry_run, grace_seconds=grace_seconds, keep_last=keep_last, versions=versions
        )
    if as_json:
        print_json(asdict(report))
    else:
        display.print_gc(report)
