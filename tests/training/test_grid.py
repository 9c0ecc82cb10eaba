"""The grid of an ablation: what is typed, and the recipes that come of it."""

from pathlib import Path

import pytest
from tiny_runs import sentiment_recipe

from training.errors import RecipeError
from training.grid import Axis, grid, named


@pytest.mark.parametrize(
    ("typed", "key", "values"),
    [
        ("network.cell=rnn,gru,lstm", "network.sizes.cell", ("rnn", "gru", "lstm")),
        ("network.sizes.cell=gru", "network.sizes.cell", ("gru",)),
        ("network.architecture=a,b", "network.architecture", ("a", "b")),
        ("training.learning_rate=1e-3, 2e-3", "training.learning_rate", ("1e-3", "2e-3")),
        ("network.hidden=[],[300],[300,300]", "network.sizes.hidden", ("[]", "[300]", "[300,300]")),
        ("text.vectors='a,b',\"c\"", "text.vectors", ("'a,b'", '"c"')),
        ("data.dev={split_from_train=0.1},x", "data.dev", ("{split_from_train=0.1}", "x")),
    ],
)
def test_what_is_typed(typed: str, key: str, values: tuple[str, ...]) -> None:
    assert Axis.parse(typed) == Axis(key, values)


@pytest.mark.parametrize("typed", ["network.cell", "=a,b", "network.cell=", "network.cell=a,,b"])
def test_what_is_no_axis_is_refused(typed: str) -> None:
    with pytest.raises(RecipeError, match="expected key=value,value"):
        Axis.parse(typed)


def test_every_choice_with_every_seed(tmp_path: Path) -> None:
    recipe = sentiment_recipe(tmp_path)
    axes = [Axis.parse("network.filters=3,5"), Axis.parse("network.widths=[2],[2,3]")]
    cells = grid(recipe, axes, overrides=["seed=7", "training.epochs=1"], seeds=2)
    made = [
        (cell.recipe.network.sizes["filters"], cell.recipe.network.sizes["widths"], cell.seed)
        for cell in cells
    ]
    assert made == [(f, w, s) for f in (3, 5) for w in ([2], [2, 3]) for s in (7, 8)]
    assert all(cell.recipe.seed == cell.seed for cell in cells)
    assert {cell.recipe.training.epochs for cell in cells} == {1}
    assert named(cells[2].choice) == "filters=3, widths=[2,3]"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["network.filters=3,3"], "names a value twice"),
        (["network.filters=3", "network.sizes.filters=4"], "none twice"),
        ([], "name at least one key"),
        (["training.epochs=2,none"], r"training\.epochs: expected a whole number"),
        (["training.epoch=2"], "did you mean 'epochs'"),
        (["training.metric=accuracy,macro_f1"], "every choice must be scored alike"),
        (["data.limit=4,8"], "every choice must be scored alike"),
    ],
)
def test_a_wrong_grid_is_refused_before_any_training(
    typed: list[str], message: str, tmp_path: Path
) -> None:
    recipe = sentiment_recipe(tmp_path)
    with pytest.raises(RecipeError, match=message):
        grid(recipe, [Axis.parse(text) for text in typed], seeds=1)
