"""`valence ablate`: what a choice in a recipe is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands import Device, RecipeName, Set, checked, refusals

if TYPE_CHECKING:
    from rich.table import Table

    from training.ablate import Ablation, Line, Spread
    from training.grid import Cell
    from training.outcome import Outcome


def ablate(
    recipe: RecipeName,
    *,
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary",
            metavar="KEY=A,B,...",
            help="A dotted key and its values, as network.cell=rnn,gru,lstm; repeatable.",
        ),
    ],
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each choice.")] = 3,
    overrides: Set = None,
    device: Device = "auto",
    runs: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs/ablate"),
) -> None:
    """Train a grid of choices and compare them: mean and spread over seeds, with a paired test.

    Call it again to go on after a kill: what is done is not done again. Nothing is published.
    """
    from rich.console import Console

    from training.ablate import compare, write_ablation
    from training.grid import Axis, grid
    from training.ranks import check_alone
    from training.recipe_files import load_recipe

    with refusals():
        check_alone("valence ablate")
        axes = [Axis.parse(text) for text in vary]
        cells = grid(recipe, axes, overrides=overrides or [], seeds=seeds)
        home = runs / load_recipe(recipe, overrides or []).name
        outcomes = _train(cells, home / "runs", device=checked(device))
        ablation = compare(cells, outcomes)
        folder = home / ",".join(axis.name for axis in axes)
        write_ablation(ablation, folder, recipe=recipe, vary=vary)
        Console().print(table(ablation))
        typer.echo(f"see {folder / 'ablation.json'} and ablation.png")


def table(ablation: Ablation) -> Table:
    """The choices, the best by dev marked."""
    from rich.table import Table

    scores = ("dev", "test" if ablation.scored_on == "test" else "dev again")
    found = Table(
        title=f"{ablation.metric}{_unit(ablation.metric)}, {len(ablation.seeds)} seeds",
        caption="*: best by dev; p: paired test against it on the items held out (Holm)",
    )
    for key in ablation.lines[0].choice:
        found.add_column(key.rpartition(".")[2])
    for name in (*scores, "p", "seconds", "parameters"):
        found.add_column(name, justify="right", no_wrap=True)
    for line in ablation.lines:
        found.add_row(*_cells(line, ablation), style="bold" if line.best else "")
    return found


def _cells(line: Line, ablation: Ablation) -> list[str]:
    p = "*" if line.best else "-" if line.p is None else f"{line.p:.4f}"
    scores = [_shown(spread, ablation.metric) for spread in (line.dev, line.test)]
    return [*line.choice.values(), *scores, p, f"{line.seconds:.0f}", f"{line.parameters:,}"]


def _unit(metric: str) -> str:
    from training.recipe import LOWER_IS_BETTER

    return "" if metric in LOWER_IS_BETTER else " in %"


def _shown(spread: Spread, metric: str) -> str:
    scale = 100.0 if _unit(metric) else 1.0
    sd = "" if spread.sd is None else f" ± {scale * spread.sd:.2f}"
    return f"{scale * spread.mean:.2f}{sd}"


def _train(cells: list[Cell], runs: Path, *, device: str) -> list[Outcome]:
    """One after another, under a bar that knows the time left."""
    from rich.console import Console

    from training.ablate import is_done, train_cell
    from training.grid import named
    from training.grid_progress import GridBar

    outcomes = []
    with GridBar(Console(stderr=True), total=len(cells)) as bar:
        for cell in cells:
            name = f"{named(cell.choice)}, seed {cell.seed}"
            bar.begin(name)
            trained = not is_done(cell, runs)
            outcome = train_cell(cell, runs, device=device, record=bar.record)
            said = f"{name}: dev {cell.recipe.training.metric} {outcome.dev:.4f}"
            bar.end(said if trained else f"{said} (done before)", trained=trained)
            outcomes.append(outcome)
    return outcomes
