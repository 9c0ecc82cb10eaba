"""An ablation: a grid of choices, each trained with several seeds, and what the choice is worth.

The best choice is the one with the best mean dev score. The held-out scores are shown beside it,
and a paired test says whether another choice answers the held-out items differently; nothing is
chosen by them.
"""

import json
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from nlp.model import Model
from training.errors import ScoreError
from training.fit import Record
from training.grid import Cell, Choice, named
from training.outcome import Outcome, best_dev, digest, figure, rank
from training.paired import SHUFFLES, Shares, holm, p_value, shares
from training.recipe import Metric
from training.run import run_recipe
from training.run_folder import RunFolder
from training.splits import prepare, read_test

Values = tuple[str, ...]
"""A choice, without its keys."""

OUTCOME: Final = "outcome.json"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9=.,_-]+")
_LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class Spread:
    """A score over seeds; sd: the sample standard deviation, None of one seed."""

    mean: float
    sd: float | None
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return cls(float(np.mean(values)), sd, tuple(values))


@dataclass(frozen=True, slots=True)
class Line:
    """One choice. p: of a difference to the best choice on the held-out items, corrected for all
    that are compared (Holm); None of the best itself, and where the items cannot be paired.
    """

    choice: Choice
    dev: Spread
    test: Spread
    seconds: float
    parameters: int
    p: float | None
    best: bool


@dataclass(frozen=True, slots=True)
class Ablation:
    """All choices in the order of the grid."""

    metric: Metric
    scored_on: str
    seeds: tuple[int, ...]
    lines: tuple[Line, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "scored_on": self.scored_on,
            "seeds": list(self.seeds),
            "chosen_by": "mean dev score",
            "p": f"approximate randomisation, {SHUFFLES:,} shuffles, summed over seeds, Holm",
            "choices": [_plain(line) for line in self.lines],
        }


def train_cell(
    cell: Cell,
    runs: Path,
    *,
    device: str = "auto",
    record: Record | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Train one cell in a folder of its own, or read what it came to when it was trained before.

    The folder is named by the recipe's content: a killed training goes on, a changed recipe begins
    anew. Checkpoints are removed once they are of no use.
    """
    recipe, folder = cell.recipe, runs / folder_name(cell)
    if is_done(cell, runs):
        return Outcome.load(folder / OUTCOME)
    run = RunFolder.at(folder, recipe)
    started = time.monotonic()
    result = run_recipe(recipe, run, device=device, record=record, say=say)
    model = Model.load(run.version)
    examples = read_test(recipe) if recipe.data.test else prepare(recipe).splits.dev
    found = shares(model, examples)
    outcome = Outcome(
        dev=best_dev(run, recipe.training.metric),
        test=figure(result.evaluation, recipe.training.metric),
        seconds=time.monotonic() - started,
        parameters=int(model.manifest["parameters"]),
        shares=None if found is None else found.tolist(),
    )
    outcome.save(folder / OUTCOME)
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    return outcome


def is_done(cell: Cell, runs: Path) -> bool:
    """Whether the cell was trained to its end."""
    return (runs / folder_name(cell) / OUTCOME).is_file()


def folder_name(cell: Cell) -> str:
    """Readable, and different for each recipe."""
    readable = f"{named(cell.choice)},seed={cell.seed}".replace(", ", ",")
    return f"{_UNSAFE.sub('_', readable)[:_LONGEST]}-{digest(cell.recipe)}"


def compare(cells: Sequence[Cell], outcomes: Sequence[Outcome]) -> Ablation:
    """What the outcomes say, choice by choice. Raises ScoreError for no cells."""
    if not cells or len(cells) != len(outcomes):
        raise ScoreError(f"{len(outcomes)} outcomes of {len(cells)} trainings say nothing")
    recipe = cells[0].recipe
    groups: dict[Values, list[Outcome]] = {}
    for cell, outcome in zip(cells, outcomes, strict=True):
        groups.setdefault(tuple(cell.choice.values()), []).append(outcome)
    lines = _lines(list(cells[0].choice), groups, recipe.training.metric)
    seeds = tuple(sorted({cell.seed for cell in cells}))
    held_out = "test" if recipe.data.test else "dev"
    return Ablation(recipe.training.metric, held_out, seeds, lines)


def _lines(
    keys: Sequence[str], groups: Mapping[Values, Sequence[Outcome]], metric: Metric
) -> tuple[Line, ...]:
    devs = {values: Spread.of([one.dev for one in group]) for values, group in groups.items()}
    winner = max(devs, key=lambda values: rank(devs[values].mean, metric))
    p_values = _p_values(groups, winner)
    return tuple(
        Line(
            choice=dict(zip(keys, values, strict=True)),
            dev=devs[values],
            test=Spread.of([one.test for one in group]),
            seconds=float(np.mean([one.seconds for one in group])),
            parameters=group[0].parameters,
            p=p_values.get(values),
            best=values == winner,
        )
        for values, group in groups.items()
    )


def write_ablation(ablation: Ablation, folder: Path, *, recipe: str, vary: Sequence[str]) -> None:
    """ablation.json and ablation.png."""
    from training.ablate_picture import draw_ablation

    folder.mkdir(parents=True, exist_ok=True)
    document = {"recipe": recipe, "vary": list(vary), **ablation.to_dict()}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (folder / "ablation.json").write_text(text + "\n", encoding="utf-8")
    draw_ablation(ablation, folder / "ablation.png")


def _p_values(groups: Mapping[Values, Sequence[Outcome]], winner: Values) -> dict[Values, float]:
    summed = {
        values: found for values, group in groups.items() if (found := _summed(group)) is not None
    }
    if winner not in summed:
        return {}
    others = [values for values in summed if values != winner]
    corrected = holm([p_value(summed[winner], summed[values]) for values in others])
    return dict(zip(others, corrected, strict=True))


def _summed(group: Sequence[Outcome]) -> Shares | None:
    """Item by item over the seeds."""
    tables = [np.array(one.shares, np.float64) for one in group if one.shares is not None]
    return np.sum(tables, axis=0) if len(tables) == len(group) else None


def _plain(line: Line) -> dict[str, Any]:
    spreads = {
        name: {"mean": spread.mean, "sd": spread.sd, "values": list(spread.values)}
        for name, spread in (("dev", line.dev), ("test", line.test))
    }
    return {
        "choice": dict(line.choice),
        **spreads,
        "seconds": line.seconds,
        "parameters": line.parameters,
        "p": line.p,
        "best": line.best,
    }
