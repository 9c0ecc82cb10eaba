"""Which language model of a store scores dev, and that a run keeps what it said and who it was."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from tiny_runs import Finished

from model_store import NotFound, Store, open_store
from nlp.drift import REFERENCE, Reference
from nlp.manifest import read_manifest
from nlp.model import Model
from nlp.sketches import PERPLEXITY, Sketch
from training.errors import DataError
from training.recipe import Recipe
from training.run import run_recipe
from training.run_folder import RunFolder
from training.scorers import scorer_for
from training.splits import prepare

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, finished: dict[str, Finished]) -> Store:
    """Two language models with a champion, one without, and a model of another task."""
    folder = tmp_path_factory.mktemp("models")
    tiny.overfit("language-model", folder)
    made = open_store(tmp_path_factory.mktemp("scorers") / "store")
    for name in ("lm-old", "lm-reviews", "lm-a"):
        made.publish(name, folder)
    made.publish("sentiment", finished["sentiment"].run.version)
    for name in ("lm-old", "lm-reviews", "sentiment"):
        made.promote(name, 1, actor="tests", reason="fixture")
    return made


@pytest.fixture(scope="module")
def recipe(finished: dict[str, Finished]) -> Recipe:
    return finished["sentiment"].recipe


def test_auto_takes_the_champion_that_is_served(store: Store, recipe: Recipe) -> None:
    scorer = scorer_for(recipe, store.url)
    assert scorer is not None
    assert scorer.identity == {
        "name": "lm-reviews",
        "version": 1,
        "digest": store.resolve("lm-reviews").digest,
    }


def test_one_may_be_named_or_none(store: Store, recipe: Recipe) -> None:
    named = scorer_for(recipe, store.url, "lm-a@1")
    assert named is not None
    assert named.identity["name"] == "lm-a"
    assert scorer_for(recipe, store.url, "none") is None
    assert scorer_for(replace(recipe, task="language-model"), store.url) is None


def test_a_wrong_name_is_refused(store: Store, recipe: Recipe) -> None:
    with pytest.raises(DataError, match="sentiment@1 is no language model, but for sentiment"):
        scorer_for(recipe, store.url, "sentiment")
    with pytest.raises(NotFound):
        scorer_for(recipe, store.url, "lm-reviews@9")


def test_auto_finds_none_and_refuses_nothing(tmp_path: Path, recipe: Recipe) -> None:
    assert scorer_for(recipe, str(tmp_path / "nowhere")) is None
    assert scorer_for(recipe, open_store(tmp_path / "empty").url) is None


def test_a_run_keeps_what_it_said(
    store: Store,
    finished: dict[str, Finished],
    new_run: Callable[[Recipe], RunFolder],
) -> None:
    """The rest of the reference is what a run without it has."""
    whole = finished["sentiment"]
    run, scorer = new_run(whole.recipe), scorer_for(whole.recipe, store.url)
    assert scorer is not None
    run_recipe(whole.recipe, run, device="cpu", scorer=scorer)
    found = Reference.from_dict(read_manifest(run.version)[REFERENCE])
    without = Reference.from_dict(read_manifest(whole.run.version)[REFERENCE])
    expected = Sketch()
    model: Model = scorer.model
    for answer in model.answer(e.item for e in prepare(whole.recipe).splits.dev):
        expected.count(PERPLEXITY, answer.to_dict()["perplexity"])
    assert found.sketch.counts[PERPLEXITY] == expected.counts[PERPLEXITY]
    assert found.language_model == scorer.identity
    found.sketch.counts[PERPLEXITY] = without.sketch.counts[PERPLEXITY]
    assert replace(found, language_model=None) == without
