"""`valence drift`: a file of texts against what a version was measured on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from model_store.options import StoreUrl
from training.commands import refusals

if TYPE_CHECKING:
    from rich.table import Table

    from nlp.drift import Shift
    from training.traffic import Traffic

FAIR: Final = 0.1
FAR: Final = 0.25
"""The usual marks of PSI: below the first nothing has moved, above the second much has."""


def drift(
    reference: Annotated[
        str, typer.Argument(metavar="NAME[@NUMBER|@ALIAS]", help="Without @, the champion.")
    ],
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help='CSV, TSV, JSON lines, .txt (a text a line), or "dataset:split".'
        ),
    ],
    *,
    store: StoreUrl,
    text: Annotated[str, typer.Option(help="Column or field that holds the text.")] = "text",
    picture: Annotated[Path | None, typer.Option(help="Draw the distributions, as PNG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """How far texts have moved from what a version was measured on (its dev split).

    The same figures that /metrics shows of traffic. Malformed lines are passed over.
    """
    from dataclasses import replace

    from rich.console import Console

    from training.recipe import Source
    from training.traffic import meet

    with refusals():
        named = Source.from_text(source)
        found = meet(store, reference, named if named.dataset else replace(named, text=text))
        if picture is not None:
            _draw(found, picture)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=1))
    else:
        Console().print(_table(found))
        Console().print(_accuracy(found), highlight=False)


def _draw(found: Traffic, path: Path) -> None:
    from training.drift_picture import draw_drift

    draw_drift(found.reference.sketch, found.sketch, found.shifts, path)


def _table(found: Traffic) -> Table:
    from rich.table import Table

    dev, items = found.reference.sketch.items, found.sketch.items
    title = f"{found.version}: {items:,} texts against {dev:,} of dev"
    table = Table(title=title)
    for heading in ("feature", "PSI", "KS", "items", ""):
        table.add_column(heading, justify="left" if heading in ("feature", "") else "right")
    for feature, shift in found.shifts.items():
        ks = "" if shift.ks is None else f"{shift.ks:.3f}"
        row = (feature, f"{shift.psi:.3f}", ks, f"{shift.items:,}", _verdict(shift))
        table.add_row(*row)
    return table


def _verdict(shift: Shift) -> str:
    from nlp.drift import LEAST_ITEMS

    if shift.items < LEAST_ITEMS:
        return f"fewer than {LEAST_ITEMS}: says nothing"
    return "as before" if shift.psi < FAIR else "moved" if shift.psi < FAR else "moved far"


def _accuracy(found: Traffic) -> str:
    if found.estimated is None or found.reference.accuracy is None:
        return "no accuracy is estimated for this task"
    return (
        f"accuracy: {found.reference.accuracy:.1%} on dev, {found.estimated:.1%} estimated for "
        "these texts (it sees how sure the model is, not what is right)"
    )
