"""The space of a search, as a recipe states it."""

from pathlib import Path
from typing import Any

import pytest
from tiny_runs import sentiment_recipe

from training.errors import RecipeError
from training.recipe import from_dict, to_dict
from training.recipe_files import load_recipe
from training.space import Range

SPACE = """
[search]
"training.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
"network.sizes.hidden" = { low = 100, high = 300, step = 50 }
"network.sizes.cell" = ["lstm", "gru"]
"network.sizes.widths" = [[3], [3, 4]]
"""


def test_a_space_is_read_and_kept(tmp_path: Path) -> None:
    path = sentiment_recipe(tmp_path)
    path.write_text(path.read_text() + SPACE)
    recipe = load_recipe(path)
    assert recipe.search == {
        "training.learning_rate": Range(1e-4, 1e-2, log=True),
        "network.sizes.hidden": Range(100, 300, step=50),
        "network.sizes.cell": ("lstm", "gru"),
        "network.sizes.widths": ([3], [3, 4]),
    }
    wholes = [space.whole for space in recipe.search.values() if isinstance(space, Range)]
    assert wholes == [False, True]
    assert from_dict(to_dict(recipe)) == recipe


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"seed": [1, 2]}, r"search\.seed: cannot be searched; what can: training"),
        ({"training": [1]}, r"search\.training: cannot be searched"),
        ({"data.limit": [1]}, r"search\.data\.limit: cannot be searched"),
        ({"training.metric": ["accuracy"]}, r"search\.training\.metric: cannot be searched"),
        ({"training.epochs": []}, r"search\.training\.epochs: must name at least one choice"),
        ({"training.epochs": {"low": 3, "high": 3}}, r"high: must be above low \(3\), and is 3"),
        ({"training.epochs": {"low": 0, "high": 3, "log": True}}, r"low: must be above 0 on a log"),
        ({"training.epochs": {"low": 1, "high": 3, "step": 0}}, r"step: must be above 0"),
        (
            {"training.epochs": {"low": 1, "high": 3, "log": True, "step": 1}},
            r"step: must be above 0, and cannot be with log",
        ),
        ({"training.epochs": {"low": 1, "high": 3, "step": 0.5}}, r"step: must be whole"),
        ({"training.epochs": {"low": 1}}, r"high: is missing; expected a whole number or a numb"),
        ({"training.epochs": 3}, r"search\.training\.epochs: expected a table or a list"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    search: dict[str, Any], message: str, tmp_path: Path
) -> None:
    raw = to_dict(load_recipe(sentiment_recipe(tmp_path)))
    with pytest.raises(RecipeError, match=message):
        from_dict({**raw, "search": search})
