"""Tiny runs that several files of tests look at; nobody may change them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_runs import Finished, sentiment_recipe, tagging_recipe

from training.recipe import Recipe
from training.recipe_files import load_recipe
from training.run_folder import RunFolder

RECIPES = {"sentiment": sentiment_recipe, "tagging": tagging_recipe}


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Networks this small lose more to a thread pool than they gain."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def recipe_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recipe file by task."""
    return {task: write(tmp_path_factory.mktemp(task)) for task, write in RECIPES.items()}


@pytest.fixture(scope="session")
def recipes(recipe_files: dict[str, Path]) -> dict[str, Recipe]:
    return {task: load_recipe(path) for task, path in recipe_files.items()}


@pytest.fixture
def new_run(tmp_path: Path) -> Callable[[Recipe], RunFolder]:
    return lambda recipe: RunFolder.create(recipe, tmp_path)


@pytest.fixture(scope="session")
def finished(
    recipes: dict[str, Recipe],
    tmp_path_factory: pytest.TempPathFactory,
    one_thread: None,  # noqa: ARG001
) -> dict[str, Finished]:
    """By task."""
    from training.run import run_recipe

    runs = {}
    for task, recipe in recipes.items():
        run = RunFolder.create(recipe, tmp_path_factory.mktemp("runs"))
        run_recipe(recipe, run, device="cpu")
        runs[task] = Finished(recipe, run)
    return runs
