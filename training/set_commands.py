"""`valence train-all`: every shipped recipe into one store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from model_store.options import StoreUrl
from training.commands import Device, Set, refusals, train_with_bar
from training.errors import TrainingError

if TYPE_CHECKING:
    from rich.console import Console

    from training.full_set import Line
    from training.recipe import Recipe
    from training.run_folder import RunFolder


def train_all(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECIPE]...", help="Only these; without any, the whole set."),
    ] = None,
    *,
    overrides: Set = None,
    store: StoreUrl,
    device: Device = "auto",
    runs: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs/models"),
) -> None:
    """Train the shipped recipes one by one, publish each, and write report.md.

    Call it again to go on after a kill: what is done is not done again. A first version becomes
    its model's champion.
    """
    from rich.console import Console

    from model_store import open_store
    from training.full_set import chosen, train_one, write_report

    console = Console(stderr=True)
    lines: list[Line] = []
    failures: dict[str, TrainingError] = {}
    with refusals():
        wanted, opened = chosen(names or []), open_store(store)
        _make_vectors(console)

    def train(recipe: Recipe, run: RunFolder) -> None:
        train_with_bar(recipe, run, device=device, console=console)

    for number, (family, name) in enumerate(wanted, 1):
        console.print(f"[bold]{number}/{len(wanted)}  {name}[/bold]  ({family})")
        try:
            line = train_one(
                family, name, store=opened, runs=runs, train=train, overrides=overrides or []
            )
        except TrainingError as error:  # the others can still be trained
            failures[name] = error
            typer.echo(f"{name}: {error}", err=True)
            continue
        lines.append(line)
        typer.echo(f"{line.reference}: {line}, {line.minutes:.1f} min")
        write_report(lines, failures, runs / "report.md")
    _end(lines, failures, runs / "report.md")


def _make_vectors(console: Console) -> None:
    """The recipes' static channels read vectors of review text, made once."""
    from training.review_vectors import ReviewVectors, train_review_vectors

    overrides = ["dimensions=100"]
    path = ReviewVectors(dimensions=100).path
    if not path.is_file():
        console.print(f"training the word vectors {path} (about half an hour)")
        train_review_vectors(overrides)


def _end(lines: Sequence[Line], failures: dict[str, TrainingError], report: Path) -> None:
    minutes = sum(line.minutes for line in lines)
    typer.echo(f"{len(lines)} models, {minutes:.0f} minutes; {len(failures)} failed; see {report}")
    if failures:
        raise typer.Exit(1)
