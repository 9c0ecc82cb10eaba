"""Recipes: defaults, sources, checks across fields, and the way to plain values and back."""

import json
from typing import Any

import pytest

from training.errors import RecipeError
from training.recipe import DevFromTrain, Source, from_dict, to_dict

SMALL: dict[str, Any] = {
    "name": "moods",
    "task": "sentiment",
    "data": {"train": ["sst2:train"], "dev": ["sst2:dev"]},
    "network": {"architecture": "textcnn"},
}


def with_data(**changes: object) -> dict[str, Any]:
    return SMALL | {"data": SMALL["data"] | changes}


def test_a_small_recipe_has_sensible_defaults() -> None:
    recipe = from_dict(SMALL)
    assert recipe.seed == 13
    assert recipe.data.train == (Source(dataset="sst2:train"),)
    assert recipe.data.test == ()
    assert recipe.training.metric == "accuracy"
    assert recipe.audit.max_cross_split_share == 0.01
    assert recipe.publish.tolerance == 1e-4


def test_a_recipe_survives_json() -> None:
    recipe = from_dict(
        with_data(
            dev={"split_from_train": 0.1},
            train=["sst2:train", {"file": "own.csv", "labels": {"good": "positive"}, "limit": 5}],
        )
        | {"network": {"architecture": "textcnn", "sizes": {"widths": [3, 4], "drop": 0.5}}}
    )
    assert recipe.data.dev == DevFromTrain(0.1)
    assert from_dict(json.loads(json.dumps(to_dict(recipe)))) == recipe


@pytest.mark.parametrize("text", ["sst2:train", "own.csv", "folder/own.jsonl.xz"])
def test_a_string_is_a_named_split_or_a_file(text: str) -> None:
    source = from_dict(with_data(train=[text])).data.train[0]
    assert source == (Source(dataset=text) if ":" in text else Source(file=text))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (SMALL | {"name": "Moods!"}, "name: must match"),
        (SMALL | {"name": "m" * 65}, "name: must match"),
        (SMALL | {"seed": -1}, "seed: must be at least 0"),
        (SMALL | {"task": "translation"}, "task: must be one of 'sentiment', 'tagging'"),
        (with_data(train=[]), "data.train: must name at least one source"),
        (with_data(dev=[]), "data.dev: must name at least one source, or be {split_from_train"),
        (with_data(dev={"split_from_train": 0.9}), "must be above 0 and at most 0.5"),
        (with_data(train=[{}]), "data.train[0]: a source names either a dataset"),
        (with_data(train=[{"dataset": "a:b", "file": "c"}]), "a source names either a dataset"),
        (with_data(train=[{"dataset": "sst2"}]), 'data.train[0].dataset: must read "name:split"'),
        (with_data(train=[{"file": "a", "delimiter": ""}]), "delimiter: must be one character"),
        (with_data(train=[""]), "data.train[0]: expected"),
        (with_data(detokenise=1.5), "data.detokenise: must be at least 0 and at most 1"),
        (SMALL | {"audit": {"allow": ["leak"]}}, "audit.allow[0]: must be one of 'duplicates'"),
        (SMALL | {"training": {"learning_rate": 0}}, "training.learning_rate: must be above 0"),
        (SMALL | {"trainng": {}}, "trainng: unknown key; did you mean 'training'?"),
        (SMALL | {"training": {"epoch": 3}}, "training.epoch: unknown key; did you mean 'epochs'?"),
    ],
)
def test_a_wrong_recipe_is_refused_by_path(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        from_dict(raw)
    assert message in str(caught.value)


def test_a_recipe_cannot_be_changed() -> None:
    recipe = from_dict(SMALL)
    with pytest.raises(AttributeError):
        setattr(recipe, "seed", 1)  # noqa: B010 - mypy would refuse the plain form
