"""`valence train --search`: what is tried, kept, published, and gone on with."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import sentiment_recipe
from typer.testing import CliRunner, Result

from model_store import open_store
from training.errors import RecipeError, RunError
from training.recipe import Recipe
from training.recipe_files import load_recipe
from training.run_folder import RunFolder
from training.sampler import Values
from training.search import (
    ACCOUNT,
    Trial,
    best_trial,
    ended,
    is_search,
    search,
    shown,
    trial_folder,
    with_values,
)
from valence import app

pytestmark = pytest.mark.usefixtures("one_thread")

SPACE = """
[search]
"training.learning_rate" = { low = 1e-3, high = 5e-2, log = true }
"network.sizes.filters" = { low = 2, high = 6, step = 2 }
"network.sizes.widths" = [[3], [2, 3]]
"""


def searching(folder: Path) -> Path:
    path = sentiment_recipe(folder)
    text = path.read_text().replace("epochs = 4", "epochs = 2")
    path.write_text(text + SPACE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    return load_recipe(searching(tmp_path_factory.mktemp("search")))


@pytest.fixture(scope="module")
def whole(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunFolder]:
    """A search of three trials that was never stopped, and the trial it chose."""
    run = RunFolder.create(recipe, tmp_path_factory.mktemp("whole"))
    return run, search(recipe, run, trials=3, device="cpu")


def told(run: RunFolder) -> list[tuple[Any, float | None]]:
    return [(trial.values, trial.dev) for trial in ended(run)]


def test_every_trial_is_a_run_of_its_own_recipe(
    recipe: Recipe, whole: tuple[RunFolder, RunFolder]
) -> None:
    run, _ = whole
    for number, trial in enumerate(ended(run)):
        folder = RunFolder.open(trial_folder(run, number))
        assert folder.recipe() == with_values(recipe, trial.values)
        assert folder.recipe().search == {}
        assert trial.dev == max(row.get("dev_accuracy", 0) for row in folder.metrics())
        assert folder.trained.is_file()
        assert not folder.checkpoints.exists()
        assert not folder.version.exists(), "no trial was scored on test"


def test_the_best_by_dev_is_kept(whole: tuple[RunFolder, RunFolder]) -> None:
    run, kept = whole
    scores = [trial.dev or 0.0 for trial in ended(run)]
    assert kept.path == trial_folder(run, scores.index(max(scores)))


def test_a_search_goes_on_as_if_never_stopped(
    recipe: Recipe, whole: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    """After a trial that ended, and in a trial that had begun."""
    run = RunFolder.create(recipe, tmp_path)
    search(recipe, run, trials=1, device="cpu")
    assert told(run) == told(whole[0])[:1]
    RunFolder.at(trial_folder(run, 1), with_values(recipe, ended(whole[0])[1].values))
    said: list[str] = []
    kept = search(recipe, run, trials=3, device="cpu", say=said.append)
    assert told(run) == told(whole[0])
    assert kept.path.name == whole[1].path.name
    assert not any(line.startswith("trial 1") for line in said)
    assert search(recipe, run, trials=3, device="cpu").path == kept.path


def test_the_best_of_nothing(recipe: Recipe) -> None:
    trials = [Trial({}, None, 1.0), Trial({}, 0.5, 1.0), Trial({}, 0.7, 1.0), Trial({}, 0.7, 1.0)]
    assert best_trial(trials, recipe) == 2
    with pytest.raises(RunError, match="no trial of the search came to a dev score"):
        best_trial(trials[:1], recipe)


def test_values_for_people() -> None:
    values: Values = {"training.learning_rate": 0.00123456, "network.sizes.widths": [2, 3]}
    assert shown(values) == "learning_rate = 0.001235, widths = [2, 3]"


# -- as typed ------------------------------------------------------------------------------------


def train(place: Path, *options: str) -> Result:
    folders = ["--runs", str(place / "runs"), "--store", str(place / "store"), "--device", "cpu"]
    return CliRunner().invoke(app, ["train", str(place / "sentiment.toml"), *folders, *options])


def test_train_search_publish(tmp_path: Path) -> None:
    searching(tmp_path)
    result = train(tmp_path, "--search", "2")
    assert result.exit_code == 0, result.output
    (folder,) = (tmp_path / "runs").iterdir()
    run = RunFolder.open(folder)
    assert is_search(run)
    assert result.stdout.endswith("to serve it: valence models promote tiny@1\n")
    manifest = open_store(tmp_path / "store").manifest("tiny", 1).raw
    account = manifest["search"]
    kept = account["trials"][account["chosen"]]
    assert json.loads((folder / ACCOUNT).read_text())["trials"] == account["trials"]
    assert f"the best trial: {trial_folder(run, account['chosen'])}" in result.stdout
    assert kept["dev"] == max(trial["dev"] for trial in account["trials"])
    policy = manifest["recipe"]["training"]
    assert policy["learning_rate"] == kept["values"]["training.learning_rate"]
    assert set(account["space"]) == set(kept["values"])

    refused = train(tmp_path, "--resume", str(folder))
    assert refused.exit_code == 1
    assert "holds a search; go on with --search N" in refused.stderr


def test_a_recipe_without_a_space_is_refused(tmp_path: Path) -> None:
    sentiment_recipe(tmp_path)
    result = train(tmp_path, "--search", "2")
    assert result.exit_code == 1
    assert "search: is empty: name the keys that may vary" in result.stderr
    assert not (tmp_path / "runs").exists()
    recipe = load_recipe(tmp_path / "sentiment.toml")
    with pytest.raises(RecipeError, match="is empty"):
        search(recipe, RunFolder.create(recipe, tmp_path), trials=1)


def test_a_search_is_of_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searching(tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = train(tmp_path, "--search", "2")
    assert result.exit_code == 1
    assert "--search makes its trainings in one process" in result.stderr
