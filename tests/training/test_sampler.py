"""What a search tries next."""

from pathlib import Path
from typing import Any

import pytest
from tiny_runs import sentiment_recipe

from training.recipe import Recipe, from_dict, to_dict
from training.recipe_files import load_recipe
from training.sampler import Scored, draw, holds, own_values
from training.space import Range

WIDE: dict[str, Any] = {
    "training.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
    "network.sizes.filters": {"low": 2, "high": 10, "step": 4},
    "network.sizes.widths": [[3], [3, 4]],
}


def searching(folder: Path, space: dict[str, Any], **keys: Any) -> Recipe:  # noqa: ANN401
    raw = to_dict(load_recipe(sentiment_recipe(folder)))
    return from_dict({**raw, **keys, "search": space})


def trials(recipe: Recipe, count: int) -> list[Scored]:
    """As many draws, each scored by how near its learning rate is to 0.01."""
    done: list[Scored] = []
    for _ in range(count):
        values = draw(recipe, done)
        assert values is not None
        rate = values.get("training.learning_rate", 0.0)
        assert isinstance(rate, float)
        done.append(Scored(values, -abs(rate - 0.01)))
    return done


def test_every_draw_lies_in_the_space(tmp_path: Path) -> None:
    recipe = searching(tmp_path, WIDE)
    done = trials(recipe, 13)
    for trial in done:
        assert set(trial.values) == set(WIDE)
        assert all(holds(space, trial.values[key]) for key, space in recipe.search.items())
    assert len({str(trial.values) for trial in done}) == 13
    assert {trial.values["network.sizes.filters"] for trial in done} == {2, 6, 10}


def test_a_draw_depends_on_the_seed_and_the_trials_before_alone(tmp_path: Path) -> None:
    """So a search that was killed goes on as if nothing had happened."""
    recipe = searching(tmp_path, WIDE)
    done = trials(recipe, 13)
    for number in (0, 4, 11, 12):
        assert draw(recipe, done[:number]) == done[number].values
    other = searching(tmp_path, WIDE, seed=14)
    assert draw(other, done[:4]) != done[4].values
    better = [Scored(trial.values, -(trial.score or 0)) for trial in done[:12]]
    assert draw(recipe, better) != done[12].values, "earlier scores must tell"


def test_the_recipe_itself_comes_first(tmp_path: Path) -> None:
    own = {"training.learning_rate": 0.01, "network.sizes.filters": 6}
    space = {key: WIDE[key] for key in own}
    recipe = searching(tmp_path, space)
    assert own_values(recipe) == own
    assert draw(recipe, []) == own
    assert own_values(searching(tmp_path, WIDE)) is None, "it names no widths"
    beyond = {**space, "network.sizes.filters": {"low": 7, "high": 9}}
    assert own_values(searching(tmp_path, beyond)) is None


def test_a_small_space_comes_to_its_end(tmp_path: Path) -> None:
    recipe = searching(tmp_path, {"network.sizes.filters": [2, 6], "training.epochs": [1, 4]})
    done: list[Scored] = []
    while (values := draw(recipe, done)) is not None:
        done.append(Scored(values, None))  # a score that is no number is not learnt from
    drawn = {tuple(trial.values.values()) for trial in done}
    assert len(done) == 4
    assert drawn == {(2, 1), (2, 4), (6, 1), (6, 4)}


@pytest.mark.parametrize(
    ("space", "value", "expected"),
    [
        ((1, "a", [3]), [3], True),
        ((1, "a", [3]), 1.0, False),
        ((True,), 1, False),
        (Range(1, 5), 5, True),
        (Range(1, 5), 2.0, False),
        (Range(1, 5), True, False),
        (Range(1, 5), None, False),
        (Range(1, 5, step=3), 4, True),
        (Range(1, 5, step=3), 5, False),
        (Range(0.1, 0.5), 0.6, False),
        (Range(0.1, 0.5, step=0.1), 0.3, True),
        (Range(0.0, 1.0), 1, True),
    ],
)
def test_what_a_space_holds(space: Any, value: object, expected: bool) -> None:  # noqa: ANN401
    assert holds(space, value) is expected
