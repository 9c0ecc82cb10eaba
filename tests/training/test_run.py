"""A run may die at any moment: resumed, it ends as if nothing had happened."""

import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from tiny_runs import Finished, Moment, bytes_of, exit_code, run_until, start

from training.errors import RunError
from training.fit import fit
from training.materials import build_materials
from training.recipe import Optimizer, Recipe
from training.recipe_files import load_recipe
from training.run import run_recipe
from training.run_folder import RunFolder
from training.splits import prepare
from training.tasks.tagging import TAG_LAYERS

pytestmark = pytest.mark.usefixtures("one_thread")

NewRun = Callable[[Recipe], RunFolder]
PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04", b"\x1f\x8b")
"""How a pickle of each protocol begins, a torch archive (a zip file), and something packed."""
MOMENTS = (
    ("sentiment", Moment("row", 1)),  # in the middle of the first epoch: no checkpoint yet
    ("sentiment", Moment("row", 5)),  # an epoch is over, its score written, nothing saved
    ("sentiment", Moment("file", "checkpoints/checkpoint-48/optimizer.json")),  # half a checkpoint
    ("sentiment", Moment("row", 8)),  # in the middle of a later epoch
    ("sentiment", Moment("row", 13)),  # the loop has ended, its weights are not written
    ("tagging", Moment("row", 2)),
    ("tagging", Moment("row", 4)),
    ("tagging", Moment("file", "checkpoints/checkpoint-6/scheduler.json")),
)


def fitted(recipe: Recipe, run: RunFolder) -> bytes:
    """The trained weights, as a file; the rest of a run is not needed for them."""
    prepared = prepare(recipe)
    materials = build_materials(recipe, prepared.splits.train)
    fit(recipe, materials, prepared.splits, run, device="cpu")
    return run.trained.read_bytes()


def killed(run: RunFolder, moment: Moment) -> None:
    assert exit_code(start(run_until, run.path, moment)) == -signal.SIGKILL


def figures(run: RunFolder) -> list[dict[str, float]]:
    """The rows of metrics, without those that tell the time."""
    return [row for row in run.metrics() if "train_runtime" not in row]


@pytest.mark.parametrize(("task", "moment"), MOMENTS, ids=str)
def test_killed_and_resumed_is_bit_identical(
    task: str, moment: Moment, finished: dict[str, Finished], new_run: NewRun
) -> None:
    whole = finished[task]
    run = new_run(whole.recipe)
    killed(run, moment)
    assert not run.trained.exists()
    assert fitted(whole.recipe, run) == whole.run.trained.read_bytes()
    assert figures(run) == figures(whole.run)


def test_killed_again_and_again_until_published_files(
    finished: dict[str, Finished], new_run: NewRun
) -> None:
    """Through calibration, export and scoring: the version's files end the same, too."""
    whole = finished["sentiment"]
    run = new_run(whole.recipe)
    for moment in (
        Moment("row", 9),
        Moment("stage", "calibrating"),
        Moment("file", "version/network.safetensors"),
        Moment("file", "version/card.md"),
    ):
        killed(run, moment)
    run_recipe(whole.recipe, run, device="cpu")
    assert run.trained.read_bytes() == whole.run.trained.read_bytes()
    assert bytes_of(run.version) == bytes_of(whole.run.version)
    assert figures(run) == figures(whole.run)


def test_patience_outlives_a_kill(recipes: dict[str, Recipe], new_run: NewRun) -> None:
    """Killed when patience had run out, a resumed run takes no further epoch."""
    recipe = recipes["sentiment"]
    recipe = replace(recipe, training=replace(recipe.training, epochs=9, patience=1))
    whole, run = new_run(recipe), new_run(recipe)
    expected = fitted(recipe, whole)
    epochs = max(row["epoch"] for row in whole.metrics())
    assert epochs < recipe.training.epochs, "the recipe must stop early for this test to mean much"
    killed(run, Moment("row", len(whole.metrics())))
    assert fitted(recipe, run) == expected
    assert figures(run) == figures(whole)


def test_each_epoch_is_recorded_once(finished: dict[str, Finished]) -> None:
    rows = finished["sentiment"].run.metrics()
    assert [row["epoch"] for row in rows if "dev_accuracy" in row] == [1.0, 2.0, 3.0, 4.0]
    assert all(row["steps"] == 96 for row in rows)
    assert [row["step"] for row in rows if "loss" in row] == [20, 24, 40, 48, 60, 72, 80, 96]


def test_one_seed_one_result(finished: dict[str, Finished], new_run: NewRun) -> None:
    whole = finished["tagging"]
    assert fitted(whole.recipe, new_run(whole.recipe)) == whole.run.trained.read_bytes()
    other = replace(whole.recipe, seed=14)
    assert fitted(other, new_run(other)) != whole.run.trained.read_bytes()


def test_resuming_a_finished_run_changes_nothing(
    finished: dict[str, Finished], tmp_path: Path
) -> None:
    """Nor does it matter that its folder has moved."""
    whole = finished["sentiment"]
    moved = RunFolder.open(shutil.copytree(whole.run.path, tmp_path / "moved"))
    run_recipe(moved.recipe(), moved, device="cpu")
    assert bytes_of(moved.path) == bytes_of(whole.run.path)


def test_a_moved_run_goes_on(finished: dict[str, Finished], new_run: NewRun) -> None:
    whole = finished["sentiment"]
    run = new_run(whole.recipe)
    killed(run, Moment("row", 8))
    moved = RunFolder.open(run.path.rename(run.path.with_name("moved")))
    assert fitted(whole.recipe, moved) == whole.run.trained.read_bytes()


@pytest.mark.parametrize("task", ["sentiment", "tagging"])
def test_no_file_is_a_pickle(task: str, finished: dict[str, Finished]) -> None:
    files = bytes_of(finished[task].run.path)
    assert any("optimizer" in name for name in files)
    for name, content in files.items():
        assert not name.endswith((".pt", ".pth", ".bin", ".pkl", ".pickle", ".npz")), name
        assert not content.startswith(PICKLES), name


def test_what_a_run_leaves(finished: dict[str, Finished]) -> None:
    run = finished["tagging"].run
    assert {path.name for path in run.path.iterdir()} == {
        *("recipe.json", "metrics.jsonl", "tensorboard", "checkpoints", "trained.safetensors"),
        *("version", "card.md", "curves.png"),
        *(f"{kind}-{layer}.png" for kind in ("confusion", "reliability") for layer in TAG_LAYERS),
    }
    assert {path.name for path in run.version.iterdir()} == {
        *("manifest.json", "network.safetensors", "network.onnx", "vocabulary.txt"),
        *("golden.jsonl", "card.md"),
    }
    assert run.recipe() == finished["tagging"].recipe


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is no run: it holds no recipe\.json"):
        RunFolder.open(tmp_path)


def test_a_line_that_a_kill_cut_short_is_left_out(
    recipes: dict[str, Recipe], new_run: NewRun
) -> None:
    run = new_run(recipes["sentiment"])
    run.add_metrics({"step": 1, "loss": 0.5})
    run.add_metrics({"step": 2, "loss": 0.25})
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    assert [row["step"] for row in run.metrics()] == [1, 2]
    run.forget_after(1)
    assert run.metrics() == [{"step": 1, "loss": 0.5}]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused(recipes: dict[str, Recipe], new_run: NewRun) -> None:
    recipe = recipes["sentiment"]
    with pytest.raises(RunError, match="no CUDA device here"):
        run_recipe(recipe, new_run(recipe), device="cuda")


@pytest.mark.parametrize(
    ("optimizer", "schedule", "precision"),
    [
        ("adamw", "cosine", "bf16"),
        ("adamw_torch_fused", "constant", "no"),
        ("adafactor", "linear", "no"),
        ("adagrad", "cosine", "no"),
        ("rmsprop", "constant", "no"),
        ("sgd", "linear", "no"),
    ],
)
def test_every_optimizer_can_be_gone_on_with(
    optimizer: Optimizer,
    schedule: Literal["linear", "constant", "cosine"],
    precision: Literal["no", "bf16"],
    recipes: dict[str, Recipe],
    new_run: NewRun,
) -> None:
    """From the checkpoint of the first epoch of two to the same weights again."""
    recipe = recipes["sentiment"]
    policy = replace(recipe.training, epochs=2, optimizer=optimizer, schedule=schedule)
    recipe = replace(recipe, training=replace(policy, mixed_precision=precision))
    run = new_run(recipe)
    whole = fitted(recipe, run)
    run.trained.unlink()
    shutil.rmtree(run.checkpoints / "checkpoint-48")
    assert fitted(recipe, run) == whole


LITTLE: dict[str, tuple[str, ...]] = {
    "sentiment-sst2": (
        *('data.train=["sst2:train"]', "data.limit=600", "network.sizes.filters=20"),
        *("training.epochs=5", "training.learning_rate=0.005"),
    ),
    "tags": (
        *("data.limit=200", "network.sizes.hidden=32", "network.sizes.layers=1"),
        *("network.sizes.character_hidden=16", "training.epochs=4"),
        *("training.batch_size=4", "training.learning_rate=0.01"),
    ),
}
"""Shipped recipes, cut down to seconds: fewer examples, smaller networks, no pretrained vectors."""


@pytest.mark.parametrize(("name", "least"), [("sentiment-sst2", 0.55), ("tags", 0.6)])
def test_shipped_recipes_learn_from_real_data(
    name: str, least: float, data: Path, new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clearly better than the commonest label, which is half of the reviews, a fifth of words."""
    monkeypatch.setenv("VALENCE_DATA", str(data))
    smaller = ["text.vectors=''", "text.vector_words=0", "network.sizes.channels=random"]
    recipe = load_recipe(name, [*smaller, *LITTLE[name]])
    run = new_run(recipe)
    fitted(recipe, run)
    assert max(row.get("dev_accuracy", 0.0) for row in run.metrics()) > least
