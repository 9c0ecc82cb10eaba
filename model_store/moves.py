"""`promote` and `rollback`: moving an alias from a terminal.

Exit status: 0 the alias moved, 1 refused or failed (one line on stderr says why, nothing moved),
2 wrong usage.
"""

from __future__ import annotations

from typing import Annotated

import typer

from model_store import display
from model_store.names import DEFAULT_ALIAS
from model_store.options import (
    Actor,
    Alias,
    Name,
    Reason,
    StoreUrl,
    Trusted,
    refusals,
    trusted_keys,
)
from model_store.store import open_store

POLL_VARIABLE = "VALENCE_POLL_INTERVAL_SECONDS"
POLL_SECONDS = 5.0  # the services' default, which a test compares


def promote(
    reference: Annotated[
        str,
        typer.Argument(metavar="NAME@NUMBER|NAME@ALIAS", help="The version the alias shall name."),
    ],
    store: StoreUrl,
    actor: Actor,
    alias: Alias = DEFAULT_ALIAS,
    reason: Reason = "",
    trusted: Trusted = "",
) -> None:
    """Make an alias name a version; a service that follows the alias picks it up."""
    if "@" not in reference:
        raise typer.BadParameter("say which version: NAME@NUMBER or NAME@ALIAS")
    with refusals():
        opened = open_store(store, create=False, trusted=trusted_keys(trusted))
        version = opened.resolve(reference)
        entry = opened.promote(
            version.name, version.number, alias=alias, actor=actor, reason=reason
        )
    typer.echo(display.move_line(entry))


def rollback(
    name: Name,
    store: StoreUrl,
    actor: Actor,
    alias: Alias = DEFAULT_ALIAS,
    reason: Reason = "",
    to: Annotated[
        int | None,
        typer.Option("--to", min=1, help="Go back to this version, over those in between."),
    ] = None,
    trusted: Trusted = "",
) -> None:
    """Make an alias name the version before the current one; again, and it goes further back.

    Services notice within their poll interval. Exit status: 0 the alias moved, 1 refused or failed
    (nothing moved), 2 wrong usage.
    """
    with refusals():
        opened = open_store(store, create=False, trusted=trusted_keys(trusted))
        entry = opened.rollback(name, alias=alias, actor=actor, reason=reason, to=to)
    typer.echo(display.move_line(entry))
    typer.echo(display.who_line(entry))
    typer.echo(
        f"services that follow it notice within their poll interval ({POLL_SECONDS:g} seconds, or "
        f"what {POLL_VARIABLE} says), verify and load the version, then swap"
    )
