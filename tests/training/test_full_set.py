"""The whole set: what is done is not done again, what failed is named, and nothing is replaced."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_runs import sentiment_recipe
from typer.testing import CliRunner

from model_store import Store, open_store
from training.errors import RecipeError
from training.full_set import FAMILIES, Line, chosen, train_one, write_report
from training.recipe import Recipe
from training.run import run_recipe
from training.run_folder import RunFolder
from valence import app


class Counting:
    """Trains, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.runs: list[Path] = []

    def __call__(self, recipe: Recipe, run: RunFolder) -> None:
        self.runs.append(run.path)
        run_recipe(recipe, run, device="cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path, str, Counting, Line]:
    """A tiny recipe, trained once through the set's road."""
    folder = tmp_path_factory.mktemp("set")
    recipe = str(sentiment_recipe(folder))
    store, train = open_store(folder / "store"), Counting()
    line = train_one("tiny", recipe, store=store, runs=folder / "runs", train=train)
    return store, folder / "runs", recipe, train, line


def again(made: tuple[Store, Path, str, Counting, Line], *overrides: str) -> tuple[Line, int]:
    """The line of another call, and how many trainings it took."""
    store, runs, recipe, train, _ = made
    before = len(train.runs)
    line = train_one("tiny", recipe, store=store, runs=runs, train=train, overrides=overrides)
    return line, len(train.runs) - before


def test_a_first_version_is_published_and_serves(
    made: tuple[Store, Path, str, Counting, Line],
) -> None:
    store, _, _, _, line = made
    assert line.reference == "tiny@1" == store.resolve("tiny@champion").reference
    assert line.measure == "accuracy"
    assert line.low is not None
    assert line.high is not None
    assert line.low <= line.score <= line.high
    assert line.scored_on == "test"
    assert line.parameters > 0
    assert line.megabytes > 0


def test_what_is_done_is_not_done_again(made: tuple[Store, Path, str, Counting, Line]) -> None:
    line, trainings = again(made)
    assert (line, trainings) == (made[-1], 0)


def test_a_changed_recipe_begins_anew_and_replaces_no_champion(
    made: tuple[Store, Path, str, Counting, Line],
) -> None:
    store, runs, *_ = made
    line, trainings = again(made, "training.epochs=1")
    assert (line.reference, trainings) == ("tiny@2", 1)
    assert store.resolve("tiny@champion").number == 1
    assert len(list(runs.iterdir())) == 2


def test_a_report_names_models_and_failures(
    made: tuple[Store, Path, str, Counting, Line], tmp_path: Path
) -> None:
    write_report([made[-1]], {"lost": RecipeError("no such thing")}, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "| tiny | tiny | tiny@1 | accuracy " in text
    assert "- lost: no such thing" in text


def test_names_are_taken_in_the_sets_order() -> None:
    family, (first, second, *_) = next(iter(FAMILIES.items()))
    assert chosen([second, first]) == [(family, first), (family, second)]
    with pytest.raises(RecipeError, match="the set has no recipe nothing; it has sentiment-"):
        chosen(["nothing"])


def test_the_command_says_which_recipes_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["train-all", "nothing", "--store", str(tmp_path / "store")])
    assert result.exit_code == 1
    assert "the set has no recipe nothing" in result.output


def test_vectors_of_reviews(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reviews_file: Callable[[], Path]
) -> None:
    """`valence train vectors` with texts of one's own instead of the reviews."""
    monkeypatch.chdir(tmp_path)
    settings = (
        *(f'sources=["{reviews_file().as_posix()}"]', "dimensions=6", "min_count=1"),
        *("epochs=1", "output=mine.txt"),
    )
    arguments = [part for setting in settings for part in ("--set", setting)]
    result = CliRunner().invoke(app, ["train", "vectors", *arguments])
    assert result.exit_code == 0, result.output
    head, *rows = (tmp_path / "mine.txt").read_text("utf-8").splitlines()
    assert head == f"{len(rows)} 6"
    assert {len(row.split()) for row in rows} == {7}
    unknown = CliRunner().invoke(app, ["train", "vectors", "--set", "width=3"])
    assert unknown.exit_code == 1
    assert "width" in unknown.output


@pytest.fixture
def reviews_file(tmp_path: Path) -> Callable[[], Path]:
    def write() -> Path:
        path = tmp_path / "reviews.txt"
        path.write_text("The soup was warm and good .\n" * 30, "utf-8")
        return path

    return write
