"""Stored versions, scored as they would serve."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from model_store import open_store
from nlp.model import Model, RuntimeName
from nlp.tasks.base import Example
from training.errors import DataError
from training.evaluate import Evaluation, evaluate
from training.recipe import Recipe, Source, from_dict
from training.splits import prepare, read_source, read_test

RUNTIMES = ("onnx", "torch")


def evaluate_stored(
    url: str, reference: str, *, data: str, runtime: str = "onnx"
) -> tuple[Evaluation, dict[str, Any] | None]:
    """Scores of a stored version, and what its manifest promises of the same data, if it does.

    data: "test" or "dev" of the version's own recipe, a "dataset:split", or a file. Raises
    StoreError, DataError, ModelError.
    """
    if runtime not in RUNTIMES:
        raise DataError(f"there is no runtime {runtime!r}; known: {', '.join(RUNTIMES)}")
    store = open_store(url, create=False)
    version = store.resolve(reference)
    with TemporaryDirectory() as cache:
        folder = store.materialise(version.name, version.number, Path(cache))
        model = Model.load(folder, runtime=cast(RuntimeName, runtime))
    recipe = from_dict(model.manifest["recipe"])
    found = evaluate(model, _examples(recipe, data), seed=recipe.seed)
    promised = model.manifest["scores"] if data == model.manifest["scored_on"] else None
    return found, promised


def _examples(recipe: Recipe, data: str) -> tuple[Example, ...]:
    if data == "test":
        return read_test(recipe)
    if data == "dev":
        return prepare(recipe).splits.dev
    return read_source(recipe, Source.from_text(data))
