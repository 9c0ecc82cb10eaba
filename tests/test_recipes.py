"""Every shipped recipe: trained on a slice of the real data, published, and asked over HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from serving import in_thread

from model_store import Store, open_store
from nlp.manifest import read_manifest
from service.app import create_app
from service.settings import Settings
from training.full_set import FAMILIES, chosen, train_one
from training.recipe import Recipe
from training.recipe_files import load_recipe, shipped_recipes
from training.run import run_recipe
from training.run_folder import RunFolder

TEXT: Final = "The soup was lovely, but the waiter kept us waiting for an hour."
SLICE: Final = ("data.limit=60", "training.epochs=1", "audit.max_duplicate_share=1.0")
QUICK: Final = ("sentiment-features", "sentiment-nb")
"""Trained without a network in seconds, so that every run of the tests takes this road."""

ASKED: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "sentiment": ("/v1/sentiment", {"text": TEXT}),
    "tagging": ("/v1/tags", {"text": TEXT}),
    "aspects": ("/v1/aspects", {"texts": [{"text": TEXT, "aspects": ["soup", "service"]}]}),
    "extraction": ("/v1/aspects", {"text": TEXT}),
    "pairs": ("/v1/aspects", {"text": TEXT}),
    "language-model": ("/v1/score", {"text": TEXT}),
}
"""Where a task answers, and what it is asked."""


def holds(task: str, result: dict[str, Any]) -> bool:
    """Whether one item's result is what its task promises."""
    return CHECKS[task](result)


def is_sentiment(result: dict[str, Any]) -> bool:
    return abs(sum(result["scores"].values()) - 1) < 1e-6 and result["label"] in result["scores"]


def are_tags(result: dict[str, Any]) -> bool:
    tokens = result["tokens"]
    whole = all(TEXT[token["start"] : token["end"]] == token["text"] for token in tokens)
    return whole and "".join(token["text"] for token in tokens) == TEXT.replace(" ", "")


def are_judged(result: dict[str, Any]) -> bool:
    soup, service = result["aspects"]
    located = TEXT[soup["start"] : soup["end"]] == "soup"
    return located and "start" not in service and all(map(is_sentiment, (soup, service)))


def are_found(result: dict[str, Any]) -> bool:
    """A slice teaches little: what is found may be nothing, and lies in the text."""
    found = result["aspects"]
    return all(TEXT[one["start"] : one["end"]] == one["aspect"] for one in found)


def is_score(result: dict[str, Any]) -> bool:
    return bool(result["perplexity"] > 1 and result["log_probability"] < 0)


CHECKS: Final[dict[str, Callable[[dict[str, Any]], bool]]] = {
    "sentiment": is_sentiment,
    "tagging": are_tags,
    "aspects": are_judged,
    "extraction": are_found,
    "pairs": are_found,
    "language-model": is_score,
}


def test_the_set_is_every_shipped_recipe() -> None:
    assert sorted(name for _, name in chosen([])) == shipped_recipes()
    assert len(chosen([])) == sum(map(len, FAMILIES.values()))


@pytest.fixture(scope="module")
def aspects_too(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store that holds a model of aspects: what extraction finds, it must judge."""
    store = open_store(tmp_path_factory.mktemp("aspects") / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VALENCE_DATA", str(data))
        trained("aspects-target", store, tmp_path_factory.mktemp("runs"))
    return store


@pytest.mark.parametrize("name", QUICK)
def test_a_linear_recipe_on_a_slice(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALENCE_DATA", str(data))
    store = open_store(tmp_path / "store")
    ask(store, trained(name, store, tmp_path / "runs"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [name for _, name in chosen([]) if name not in QUICK])
def test_a_recipe_on_a_slice(
    name: str, data: Path, tmp_path: Path, aspects_too: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALENCE_DATA", str(data))
    needs_judge = load_recipe(name).task == "extraction"
    store = aspects_too if needs_judge else open_store(tmp_path / "store")
    ask(store, trained(name, store, tmp_path / "runs"))


def trained(name: str, store: Store, runs: Path) -> Recipe:
    """The recipe, trained on a slice and published; its vectors are left out, not their places."""

    def train(recipe: Recipe, run: RunFolder) -> None:
        run_recipe(recipe, run, device="cpu")

    overrides = [*SLICE, *(["text.vectors="] if load_recipe(name).text.vectors else [])]
    line = train_one("slice", name, store=store, runs=runs, train=train, overrides=overrides)
    assert line.reference == f"{name}@1"
    (run,) = runs.iterdir()
    assert read_manifest(run / "version")["scores"]
    return load_recipe(name, overrides)


def ask(store: Store, recipe: Recipe) -> None:
    """The published champion answers over HTTP, as its route promises."""
    names = ",".join(store.names())
    settings = Settings(store=store.url, models=names, port=0)
    path, body = ASKED[recipe.task]
    if recipe.task != "extraction":
        body = {**body, "model": recipe.name}
    with in_thread(create_app(settings)) as url:
        answer = httpx.post(f"{url}{path}", json=body, timeout=60)
        assert answer.status_code == httpx.codes.OK, answer.text
        (result,) = answer.json()["results"]
        assert holds(recipe.task, result)
