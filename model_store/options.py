"""What the commands over a store share: their options, their refusals, their JSON."""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from model_store.errors import StoreError
from model_store.keys import Keys
from model_store.location import default_store_url


def default_actor() -> str:
    """`user@host` of this process, as far as the system knows them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


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


KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key",
        help="A private key (PEM) to sign with; VALENCE_KEY_PASSPHRASE holds its passphrase.",
    ),
]
Trusted = Annotated[
    str,
    typer.Option(
        "--trusted",
        envvar="VALENCE_TRUSTED_KEYS",
        help="Public keys, or folders of them, by comma; one must have signed a version.",
    ),
]


def trusted_keys(text: str) -> Keys | None:
    """What `--trusted` says; None where it says nothing. Raises Invalid."""
    return Keys.of(text) if text else None


@contextmanager
def refusals() -> Iterator[None]:
    try:
        yield
    except (StoreError, OSError) as error:
        typer.echo(f"valence: {error}", err=True)
        raise typer.Exit(1) from None


def print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
