"""What a training came to: its dev score, its held-out figure, the name of its recipe."""

import dataclasses
import math
from pathlib import Path

import pytest
from tiny_runs import sentiment_recipe

from training.errors import ScoreError
from training.evaluation import Evaluation, Measure
from training.outcome import Outcome, best, best_dev, digest, figure
from training.recipe import Metric, Recipe
from training.recipe_files import load_recipe
from training.run_folder import RunFolder
from training.scores import score_labels


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return load_recipe(sentiment_recipe(tmp_path))


def test_the_best_dev_score_is_of_the_kept_weights(recipe: Recipe, tmp_path: Path) -> None:
    run = RunFolder.create(recipe, tmp_path)
    rows = ({"loss": 0.5}, {"dev_accuracy": 0.7, "dev_perplexity": 40.0})
    for step, row in enumerate((*rows, {"dev_accuracy": 0.6, "dev_perplexity": 30.0})):
        run.add_metrics({"step": step, **row})
    assert best_dev(run, "accuracy") == 0.7
    assert best_dev(run, "perplexity") == 30.0
    with pytest.raises(ScoreError, match="holds no dev_span_f1"):
        best_dev(run, "span_f1")


@pytest.mark.parametrize(("metric", "expected"), [("accuracy", 3.0), ("perplexity", 1.0)])
def test_what_is_no_number_is_never_the_best(metric: Metric, expected: float) -> None:
    assert best([math.nan, 1.0, 3.0, math.nan], metric) == expected


def test_the_figure_of_a_metric() -> None:
    gold, said = ["a", "b", "a", "a"], ["a", "b", "b", "b"]
    scores = score_labels(gold, said, labels=("a", "b"), seed=1)
    found = Evaluation({"sentiment": scores}, {}, (), {"perplexity": Measure(12.5, 4)})
    assert figure(found, "accuracy") == 0.5
    assert figure(found, "macro_f1") == pytest.approx((2 * 1 / 4 + 2 * 1 / 4) / 2)
    assert figure(found, "perplexity") == 12.5
    with pytest.raises(ScoreError, match="this task is not scored by pair_f1"):
        figure(found, "pair_f1")


def test_an_outcome_comes_back(tmp_path: Path) -> None:
    outcome = Outcome(0.1 + 0.2, 1 / 3, 12.5, 99, [[1.0, 2.0], [0.0, 1.0]])
    outcome.save(tmp_path / "outcome.json")
    assert Outcome.load(tmp_path / "outcome.json") == outcome
    assert [path.name for path in tmp_path.iterdir()] == ["outcome.json"]


def test_a_digest_stands_for_what_the_recipe_chooses(recipe: Recipe) -> None:
    """A key at its default is not chosen: a later release may add keys."""
    policy = recipe.training
    same = dataclasses.replace(
        recipe, audit=type(recipe.audit)(), training=dataclasses.replace(policy, schedule="linear")
    )
    other = dataclasses.replace(recipe, training=dataclasses.replace(policy, schedule="cosine"))
    sized = dataclasses.replace(
        recipe,
        network=dataclasses.replace(recipe.network, sizes={**recipe.network.sizes, "filters": 7}),
    )
    assert digest(same) == digest(recipe)
    assert len({digest(recipe), digest(other), digest(sized)}) == 3
