"""`valence ablate`: outcomes compared by hand, and a small grid in earnest."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_runs import bytes_of, sentiment_recipe
from typer.testing import CliRunner, Result

from training.ablate import OUTCOME, Ablation, compare, folder_name, is_done, train_cell
from training.errors import ScoreError
from training.grid import Axis, Cell, grid
from training.outcome import Outcome
from training.paired import p_value
from training.recipe import Metric
from training.recipe_files import load_recipe
from training.run_folder import RunFolder
from valence import app

pytestmark = pytest.mark.usefixtures("one_thread")

ITEMS = 30


def cells_of(folder: Path, values: Sequence[str], *, metric: Metric = "accuracy") -> list[Cell]:
    recipe = sentiment_recipe(folder)
    axis = Axis("network.sizes.filters", tuple(values))
    cells = grid(recipe, [axis], overrides=[f"training.metric={metric}"], seeds=2)
    assert [cell.seed for cell in cells] == [13, 14] * len(values)
    return cells


def first_right(count: int) -> NDArray[np.float64]:
    """(items, 2)"""
    return np.array([[i < count, 1] for i in range(ITEMS)], np.float64)


def outcome(dev: float, *, test: float, right: int | None = None) -> Outcome:
    """right: how many of the items are right, the first ones."""
    shares = None if right is None else first_right(right).tolist()
    return Outcome(dev, test, seconds=10 * dev, parameters=7, shares=shares)


def summary(ablation: Ablation) -> Mapping[str, bool]:
    return {next(iter(line.choice.values())): line.best for line in ablation.lines}


def test_means_spreads_and_what_is_best(tmp_path: Path) -> None:
    """The best by dev, though another has the better test score."""
    cells = cells_of(tmp_path, ("2", "4"))
    devs, tests = (0.7, 0.8, 0.9, 0.8), (0.99, 0.95, 0.6, 0.7)
    outcomes = [outcome(d, test=t) for d, t in zip(devs, tests, strict=True)]
    ablation = compare(cells, outcomes)
    first, second = ablation.lines
    assert (first.best, second.best) == (False, True)
    assert first.dev.mean == pytest.approx(0.75)
    assert first.dev.sd == pytest.approx(statistics.stdev(devs[:2]))
    assert second.test.values == (0.6, 0.7)
    assert second.test.sd == pytest.approx(statistics.stdev(tests[2:]))
    assert (first.p, second.p) == (None, None), "items that cannot be paired have no test"
    assert (ablation.scored_on, ablation.seeds) == ("test", (13, 14))


def test_of_one_seed_there_is_no_spread(tmp_path: Path) -> None:
    cells = cells_of(tmp_path, ("2",))[:1]
    (line,) = compare(cells, [outcome(0.5, test=0.5)]).lines
    assert (line.dev.mean, line.dev.sd, line.best) == (0.5, None, True)


def test_of_perplexity_the_lowest_is_best(tmp_path: Path) -> None:
    cells = cells_of(tmp_path, ("2", "4", "6"), metric="perplexity")
    devs = (90.0, 80.0, 70.0, 60.0, 75.0, float("nan"))
    ablation = compare(cells, [outcome(dev, test=50.0) for dev in devs])
    assert summary(ablation) == {"2": False, "4": True, "6": False}


def test_each_other_choice_is_tested_against_the_best(tmp_path: Path) -> None:
    """Item by item, summed over the seeds, and corrected for two tests."""
    cells = cells_of(tmp_path, ("2", "4", "6"))
    right = ((10, 12), (29, 30), (24, 25))
    outcomes = [outcome(n / ITEMS, test=n / ITEMS, right=n) for pair in right for n in pair]
    worst, best, middle = compare(cells, outcomes).lines
    tables = [np.add(*map(first_right, pair)) for pair in right]
    alone = [p_value(tables[1], tables[i]) for i in (0, 2)]
    assert best.best
    assert best.p is None
    assert worst.p == pytest.approx(2 * alone[0])
    assert middle.p == pytest.approx(alone[1])
    assert worst.p is not None
    assert middle.p is not None
    assert worst.p < 0.001 < middle.p < 0.2


def test_nothing_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="0 outcomes of 2 trainings say nothing"):
        compare(cells_of(tmp_path, ("2",)), [])


def test_a_folder_a_recipe(tmp_path: Path) -> None:
    cells = cells_of(tmp_path, ("2", "4"))
    epochs = replace(cells[0].recipe.training, epochs=9)
    changed = replace(cells[0], recipe=replace(cells[0].recipe, training=epochs))
    names = {folder_name(cell) for cell in (*cells, changed)}
    assert len(names) == 5
    assert folder_name(cells[0]).startswith("filters=2,seed=13-")


# -- in earnest ----------------------------------------------------------------------------------

SET = ("--set", "training.epochs=2")


def ablate(place: Path, *options: str) -> Result:
    arguments = ["ablate", str(place / "sentiment.toml"), "--runs", str(place / "runs")]
    return CliRunner().invoke(app, [*arguments, "--device", "cpu", *SET, *options])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two choices, one seed."""
    place = tmp_path_factory.mktemp("ablate")
    sentiment_recipe(place)
    result = ablate(place, "--vary", "network.filters=2,6", "--seeds", "1")
    assert result.exit_code == 0, result.output
    (place / "said.txt").write_text(result.stdout)
    return place


def cells_in(place: Path) -> list[Cell]:
    axis = Axis.parse("network.filters=2,6")
    return grid(place / "sentiment.toml", [axis], overrides=["training.epochs=2"], seeds=1)


def test_a_grid_is_trained_and_told(trained: Path) -> None:
    said = (trained / "said.txt").read_text()
    folder = trained / "runs" / "tiny" / "filters"
    document = json.loads((folder / "ablation.json").read_text())
    assert [choice["choice"] for choice in document["choices"]] == [
        {"network.sizes.filters": "2"},
        {"network.sizes.filters": "6"},
    ]
    assert (document["metric"], document["scored_on"]) == ("accuracy", "test")
    assert sum(choice["best"] for choice in document["choices"]) == 1
    assert (folder / "ablation.png").read_bytes().startswith(b"\x89PNG")
    for word in ("filters", "dev", "test", "seconds", "parameters", "ablation.json"):
        assert word in said


def test_an_outcome_is_what_its_run_says(trained: Path) -> None:
    runs = trained / "runs" / "tiny" / "runs"
    for cell in cells_in(trained):
        assert is_done(cell, runs)
        run = RunFolder.open(runs / folder_name(cell))
        found = Outcome.load(run.path / OUTCOME)
        manifest = json.loads((run.version / "manifest.json").read_text())
        assert found.dev == max(row["dev_accuracy"] for row in run.metrics() if "dev_loss" in row)
        assert found.test == manifest["scores"]["layers"]["sentiment"]["accuracy"]
        assert found.parameters == manifest["parameters"]
        assert found.shares is not None
        assert np.mean([share[0] for share in found.shares]) == pytest.approx(found.test)
        assert not run.checkpoints.exists()


def test_what_is_trained_is_not_trained_again(trained: Path) -> None:
    runs = trained / "runs" / "tiny" / "runs"
    before = bytes_of(runs)
    first = cells_in(trained)[0]
    rows: list[Mapping[str, float]] = []
    assert train_cell(first, runs, record=rows.append) == Outcome.load(
        runs / folder_name(first) / OUTCOME
    )
    assert not rows
    again = ablate(trained, "--vary", "network.filters=6,2", "--seeds", "1")
    assert again.exit_code == 0, again.output
    assert "done before" in again.stderr
    assert bytes_of(runs) == before


def test_a_key_that_is_none_trains_nothing(tmp_path: Path) -> None:
    sentiment_recipe(tmp_path)
    result = ablate(tmp_path, "--vary", "training.epoch=1,2")
    assert result.exit_code == 1
    assert "training.epoch: unknown key; did you mean 'epochs'?" in result.stderr
    assert not (tmp_path / "runs").exists()


def test_the_recipe_of_a_cell_is_checked(tmp_path: Path) -> None:
    sentiment_recipe(tmp_path)
    result = ablate(tmp_path, "--vary", "network.filter=1")
    assert result.exit_code == 1
    assert "textcnn has no size ['filter']" in result.stderr
    assert load_recipe(tmp_path / "sentiment.toml").name == "tiny"
