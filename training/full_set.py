"""Every recipe of the package, trained one after another into a store: `valence train-all`.

A recipe has a run folder of its own, named by its content: what was killed goes on where it stood,
what is done is not done again, and a recipe that was changed begins anew. A first version becomes
its model's champion, so that the store can be served; a champion that is there is never replaced.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from model_store import Store
from nlp.manifest import read_manifest
from training.errors import RecipeError, TrainingError
from training.outcome import digest
from training.recipe import LOWER_IS_BETTER, Recipe
from training.recipe_files import load_recipe
from training.run_folder import RunFolder
from training.stored import find_published

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "Linear with features": (
        *("sentiment-features", "sentiment-tfidf", "sentiment-nb", "sentiment-lsa"),
        "sentiment-topics",
    ),
    "Feed-forward": ("sentiment-average",),
    "Recurrent": ("sentiment-recurrent", "tags"),
    "TextCNN": ("sentiment-sst2", "sentiment"),
    "Aspect sentiment": ("aspects-lstm", "aspects-attention", "aspects-target", "aspects"),
    "Aspect extraction": ("aspect-terms-semeval", "aspect-terms"),
    "Language models": ("lm-window", "lm-recurrent", "lm-transformer", "lm-reviews"),
    "Encoder-decoder": ("pairs-recurrent", "pairs-transformer"),
    "Transformer": ("sentiment-transformer", "tags-transformer"),
    "Pretrained encoder": ("sentiment-minilm", "tags-minilm", "aspects-minilm"),
}
"""The shipped recipes by the lecture's families; small and quick ones first."""

ACTOR: Final = "valence train-all"

Train = Callable[[Recipe, RunFolder], None]
"""Trains, scores and exports a recipe in its folder; may be called again after a kill."""


@dataclass(frozen=True, slots=True)
class Line:
    """One model of the set, done.

    score: of the figure named `measure`, with its interval where it has one. minutes: of the call
    that finished it; 0 where it had been done before.
    """

    family: str
    recipe: str
    reference: str
    measure: str
    score: float
    low: float | None
    high: float | None
    scored_on: str
    parameters: int
    megabytes: float
    minutes: float

    def __str__(self) -> str:
        return f"{self.measure} {_shown(self.measure, self.score)} on {self.scored_on}"


def chosen(names: Sequence[str]) -> list[tuple[str, str]]:
    """(family, recipe) of the named recipes, in the set's order; of all where none is named.

    Raises RecipeError for a name that the set has not.
    """
    every = [(family, recipe) for family, recipes in FAMILIES.items() for recipe in recipes]
    unknown = sorted(set(names) - {recipe for _, recipe in every})
    if unknown:
        known = ", ".join(recipe for _, recipe in every)
        raise RecipeError(f"the set has no recipe {', '.join(unknown)}; it has {known}")
    return [pair for pair in every if not names or pair[1] in names]


def train_one(
    family: str, name: str, *, store: Store, runs: Path, train: Train, overrides: Sequence[str] = ()
) -> Line:
    """Train, publish and, as a first version, promote; or find that this was done before."""
    recipe = replace(load_recipe(name, overrides), search={})  # the recipe as it stands is trained
    run = RunFolder.at(runs / f"{recipe.name}-{digest(recipe)}", recipe)
    done = run.path / "done.json"
    started = time.monotonic()
    if not done.is_file() or find_published(store, recipe.name, run.version) is None:
        train(recipe, run)
        _publish(store, recipe, run)
        minutes = (time.monotonic() - started) / 60
        done.write_text(json.dumps({"minutes": minutes}) + "\n", encoding="utf-8")
    minutes = float(json.loads(done.read_text(encoding="utf-8"))["minutes"])
    number = find_published(store, recipe.name, run.version)
    return _line(family, recipe, run, reference=f"{recipe.name}@{number}", minutes=minutes)


def write_report(lines: Sequence[Line], failures: Mapping[str, TrainingError], path: Path) -> None:
    """A Markdown table of the set; intervals are 95 % bootstrap ones."""
    header = (
        *("family", "recipe", "version", "score", "interval", "on"),
        *("parameters", "MB", "minutes"),
    )
    rows = [_row(line) for line in lines]
    failed = [f"- {name}: {error}" for name, error in failures.items()]
    parts = [f"| {' | '.join(header)} |", "|---" * len(header) + "|", *rows]
    parts += ["", "Not trained:", "", *failed] if failed else []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _publish(store: Store, recipe: Recipe, run: RunFolder) -> None:
    number = find_published(store, recipe.name, run.version)
    if number is None:
        number = store.publish(recipe.name, run.version).number
    if "champion" not in store.aliases(recipe.name):
        store.promote(recipe.name, number, actor=ACTOR, reason="the first version")


def _line(family: str, recipe: Recipe, run: RunFolder, *, reference: str, minutes: float) -> Line:
    manifest = read_manifest(run.version)
    measure, found = _headline(manifest["scores"], recipe.training.metric)
    interval = found["interval"] or {"low": None, "high": None}
    size = sum(path.stat().st_size for path in run.version.iterdir())
    return Line(
        family=family,
        recipe=recipe.name,
        reference=reference,
        measure=measure,
        score=found["value"],
        low=interval["low"],
        high=interval["high"],
        scored_on=manifest["scored_on"],
        parameters=manifest["parameters"],
        megabytes=size / 1e6,
        minutes=minutes,
    )


def _headline(scores: Mapping[str, Any], metric: str) -> tuple[str, Mapping[str, Any]]:
    """The figure that the recipe was chosen by."""
    measures = scores.get("measures", {})
    if metric in measures:
        return metric, measures[metric]
    first = next(iter(scores["layers"].values()))
    return metric, {"value": first[metric], "interval": first[f"{metric}_interval"]}


def _row(line: Line) -> str:
    interval = (
        ""
        if line.low is None or line.high is None
        else (f"{_shown(line.measure, line.low)} to {_shown(line.measure, line.high)}")
    )
    cells = (
        *(line.family, line.recipe, line.reference),
        *(f"{line.measure} {_shown(line.measure, line.score)}", interval, line.scored_on),
        *(f"{line.parameters:,}", f"{line.megabytes:.1f}", f"{line.minutes:.1f}"),
    )
    return f"| {' | '.join(cells)} |"


def _shown(measure: str, value: float) -> str:
    return f"{value:.1f}" if measure in LOWER_IS_BETTER else f"{100 * value:.2f} %"
