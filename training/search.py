"""Hyper-parameter search: trials drawn by Optuna, each trained in full, chosen by its dev score.

Optuna's TPE (Bergstra et al. 2011) draws a trial from what the earlier ones came to and from the
recipe's seed and the trial's number alone. So a search that was killed goes on as if nothing had
happened, and one of 20 trials begins with those of one of 10. The first trial is the recipe as it
stands, where its own values lie in the space; no trial is trained twice.

search.json      what each ended trial drew, and its best dev score
trials/000/      a run folder a trial; the best one's is exported, scored on test and published
"""

import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from nlp.manifest import read_manifest
from training.errors import RecipeError, RunError
from training.fit import Record
from training.manifest import write_manifest
from training.outcome import best_dev, rank
from training.recipe import Recipe, from_dict, to_dict
from training.recipe_files import apply_overrides
from training.run import train_network
from training.run_folder import RunFolder
from training.sampler import Scored, Values, draw
from training.splits import Prepared, prepare

ACCOUNT: Final = "search.json"


@dataclass(frozen=True, slots=True)
class Trial:
    """dev: its best dev score; None where that was no number. seconds: of its last call."""

    values: Values
    dev: float | None
    seconds: float


def search(
    recipe: Recipe,
    run: RunFolder,
    *,
    trials: int,
    device: str = "auto",
    record: Record | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> RunFolder:
    """The run folder of the best of `trials` trials, trained; those that ended before count.

    Test takes no part. Raises RecipeError for a recipe without a space, and RunError where every
    trial's score was no number.
    """
    if not recipe.search:
        raise RecipeError("is empty: name the keys that may vary, and their values", path="search")
    done = ended(run)
    prepared = prepare(recipe)
    for number in range(len(done), trials):
        values = draw(recipe, [Scored(trial.values, trial.dev) for trial in done])
        if values is None:
            say(f"the space holds no more than the {number} trials that were made")
            break
        say(f"trial {number + 1} of {trials}: {shown(values)}")
        laid = RunFolder.at(trial_folder(run, number), with_values(recipe, values))
        done = [*done, _tried(laid, values, prepared=prepared, device=device, record=record)]
        _write(done, run)
        say(f"trial {number + 1}: dev {recipe.training.metric} {_dev(done[-1])}")
    return RunFolder.open(trial_folder(run, best_trial(done, recipe)))


def ended(run: RunFolder) -> list[Trial]:
    """The trials of a search that came to their end, in order."""
    path = run.path / ACCOUNT
    if not path.is_file():
        return []
    return [Trial(**trial) for trial in json.loads(path.read_text(encoding="utf-8"))["trials"]]


def is_search(run: RunFolder) -> bool:
    """Whether a run folder holds a search, begun or ended."""
    return (run.path / ACCOUNT).is_file() or trial_folder(run, 0).is_dir()


def best_trial(done: Sequence[Trial], recipe: Recipe) -> int:
    """The number of the trial with the best dev score; of equals the first."""
    scores = {i: trial.dev for i, trial in enumerate(done) if trial.dev is not None}
    if not scores:
        raise RunError("no trial of the search came to a dev score")
    return max(scores, key=lambda i: rank(scores[i], recipe.training.metric))


def account(recipe: Recipe, run: RunFolder) -> dict[str, Any]:
    """What a manifest says of the search that its version comes from."""
    done = ended(run)
    return {
        "space": to_dict(recipe)["search"],
        "metric": recipe.training.metric,
        "chosen": best_trial(done, recipe),
        "trials": [asdict(trial) for trial in done],
    }


def write_account(recipe: Recipe, run: RunFolder, version: Path) -> None:
    """Put the account of the search `run` into a version's manifest."""
    write_manifest({**read_manifest(version), "search": account(recipe, run)}, version)


def with_values(recipe: Recipe, values: Values) -> Recipe:
    """The recipe of one trial; it has nothing left to search. Raises RecipeError."""
    laid = [f"{key}={json.dumps(value)}" for key, value in values.items()]
    return from_dict(apply_overrides({**to_dict(recipe), "search": {}}, laid))


def trial_folder(run: RunFolder, number: int) -> Path:
    return run.path / "trials" / f"{number:03d}"


def shown(values: Values) -> str:
    """For people: the keys' last parts."""
    rounded = {k: f"{v:.4g}" if isinstance(v, float) else str(v) for k, v in values.items()}
    return ", ".join(f"{key.rpartition('.')[2]} = {value}" for key, value in rounded.items())


def _tried(
    run: RunFolder, values: Values, *, prepared: Prepared, device: str, record: Record | None
) -> Trial:
    """Trained in its folder, or gone on with there; the checkpoints are of no use behind it."""
    started = time.monotonic()
    recipe = run.recipe()
    train_network(recipe, prepared, run, device=device, record=record)
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    dev = best_dev(run, recipe.training.metric)
    return Trial(values, dev if math.isfinite(dev) else None, time.monotonic() - started)


def _dev(trial: Trial) -> str:
    return "is no number" if trial.dev is None else f"{trial.dev:.4f}"


def _write(done: Sequence[Trial], run: RunFolder) -> None:
    """All or nothing, whenever the process dies."""
    path = run.path / ACCOUNT
    beside = path.with_suffix(".partial")
    text = json.dumps({"trials": [asdict(trial) for trial in done]}, indent=1)
    beside.write_text(text + "\n", encoding="utf-8")
    beside.replace(path)
