"""`valence data`: a look at the data before anything is trained on it.

Exit status: 0 done, 1 refused or failed (one line on stderr says why), 2 wrong usage.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from training.commands import refusals

if TYPE_CHECKING:
    from rich.console import Console

    from training.overlap import Fingerprint, Overlap
    from training.parts import Dataset

app = typer.Typer(name="data", help="The data sets, and what they share.", no_args_is_help=True)

LEAST: Final = 0.01
"""Of all data sets, pairs that share less are not listed."""

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]


@app.command("list")
def list_data(as_json: Json = False) -> None:
    """The named data sets: task, splits, licence, and whether the data folder has them."""
    from training.catalogue import DATASETS
    from training.datasets import VARIABLE
    from training.overlap import present_sources

    with refusals():
        present = present_sources()[0] if os.environ.get(VARIABLE) else []
    rows = [_described(dataset, present) for dataset in DATASETS.values()]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    header = ("data set", "task", "splits", "not in the data folder", "licence")
    _table(
        header,
        (
            (r["name"], r["task"], ", ".join(r["splits"]), ", ".join(r["absent"]), r["licence"])
            for r in rows
        ),
    )


def _described(dataset: Dataset, present: Sequence[str]) -> dict[str, Any]:
    splits = list(dataset.splits)
    return {
        "name": dataset.name,
        "task": dataset.task,
        "splits": splits,
        "absent": [split for split in splits if f"{dataset.name}:{split}" not in present],
        "licence": dataset.licence,
        "note": dataset.note,
        "url": dataset.url,
    }


@app.command()
def audit(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help='"dataset:split" or a file; without any, all that the data folder has.',
        ),
    ] = None,
    *,
    least: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            show_default=f"0; {LEAST} for all data sets",
            help="Leave pairs out that share less than this part of either.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Duplicates and label conflicts within data sets, and the texts that two of them share.

    Training on one set and testing on another that holds its texts is refused by `valence train`.
    """
    from rich.console import Console

    from training.overlap import overlaps, present_sources

    console = Console(stderr=True)
    with refusals():
        names, absent = (list(dict.fromkeys(sources)), []) if sources else present_sources()
        prints = _read(names, console)
    floor = least if least is not None else (0.0 if sources else LEAST)
    found = sorted(overlaps(prints, least=floor), key=lambda o: -max(o.of_first, o.of_second))
    if as_json:
        _print_json(prints, found, absent)
    else:
        _print_tables(prints, found, absent)


def _read(names: Sequence[str], console: Console) -> list[Fingerprint]:
    from rich.progress import track

    from training.overlap import fingerprint

    bar = track(names, "reading", console=console, transient=True)
    return [fingerprint(name) for name in bar]


def _print_json(
    prints: Sequence[Fingerprint], found: Sequence[Overlap], absent: Sequence[str]
) -> None:
    document = {
        "sources": [one.to_dict() for one in prints],
        "pairs": [one.to_dict() for one in found],
        "absent": list(absent),
    }
    typer.echo(json.dumps(document, indent=1))


def _print_tables(
    prints: Sequence[Fingerprint], found: Sequence[Overlap], absent: Sequence[str]
) -> None:
    _table(
        ("source", "examples", "distinct texts", "duplicates", "conflicts"),
        (
            (
                p.name,
                f"{p.examples:,}",
                f"{len(p.texts):,}",
                f"{p.duplicates:,}",
                f"{p.conflicts:,}",
            )
            for p in prints
        ),
    )
    _table(
        ("first", "second", "texts in both", "of first", "of second", "other label"),
        (
            (
                *(o.first.name, o.second.name, f"{o.shared:,}"),
                *(f"{o.of_first:.1%}", f"{o.of_second:.1%}"),
                "-" if o.conflicts is None else f"{o.conflicts:,}",
            )
            for o in found
        ),
    )
    if absent:
        typer.echo(f"not in the data folder: {', '.join(absent)}")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Names are shown as they are, never as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
