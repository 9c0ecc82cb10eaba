"""What `valence train --search N` does before the road of every other training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.errors import RecipeError, RunError

if TYPE_CHECKING:
    from training.recipe import Recipe
    from training.run_folder import RunFolder


def check_search(recipe: Recipe, trials: int | None) -> None:
    """Raises RecipeError for a search of nothing, and RunError under torchrun."""
    from training.ranks import check_alone

    if trials is None:
        return
    if not recipe.search:
        raise RecipeError("is empty: name the keys that may vary, and their values", path="search")
    check_alone("--search")


def chosen_run(
    recipe: Recipe, run: RunFolder, *, trials: int | None, device: str
) -> tuple[RunFolder, Recipe]:
    """The run to calibrate, export and score: the best trial's, or without a search this one.

    Raises RunError for the folder of a search that is to be gone on with as if it were none.
    """
    from training.search import is_search

    if trials is not None:
        best = _searched(recipe, run, trials=trials, device=device)
        return best, best.recipe()
    if is_search(run):
        raise RunError(f"{run.path} holds a search; go on with --search N")
    return run, recipe


def _searched(recipe: Recipe, run: RunFolder, *, trials: int, device: str) -> RunFolder:
    from rich.console import Console

    from training.progress import TrainingBar
    from training.search import search

    console = Console(stderr=True)
    with TrainingBar(console, metric=recipe.training.metric) as bar:
        return search(
            recipe, run, trials=trials, device=device, record=bar.record, say=console.print
        )
