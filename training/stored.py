"""Stored versions, scored as they would serve."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

from model_store import Store, open_store
from nlp.model import MANIFEST, Model, RuntimeName
from nlp.tasks.base import Example
from training.datasets import sha256_of
from training.errors import DataError
from training.evaluate import evaluate
from training.evaluation import Evaluation
from training.recipe import Recipe, Source, from_dict
from training.splits import prepare, read_source, read_test

RUNTIMES: Final = ("onnx", "torch")
TOLERANCE: Final = 1e-4
"""How far a figure may be off: another CPU, or the other runtime, adds in another order."""


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


def find_published(store: Store, name: str, folder: Path) -> int | None:
    """The newest version of `name` whose files are those of a folder, byte for byte."""
    if name not in store.names():
        return None
    digests = {path.name: sha256_of(path) for path in folder.iterdir() if path.name != MANIFEST}
    for number in reversed(store.versions(name)):
        files = store.manifest(name, number).files
        if {file: entry.sha256 for file, entry in files.items()} == digests:
            return number
    return None


def same_figures(promised: object, found: object) -> bool:
    """Counts and names equal, fractions within TOLERANCE."""
    if isinstance(promised, Mapping) and isinstance(found, Mapping):
        same = (same_figures(value, found[key]) for key, value in promised.items())
        return promised.keys() == found.keys() and all(same)
    if isinstance(promised, list | tuple) and isinstance(found, list | tuple):
        pairs = zip(promised, found, strict=False)
        return len(promised) == len(found) and all(same_figures(*pair) for pair in pairs)
    if isinstance(promised, float) and isinstance(found, float):
        return abs(promised - found) <= TOLERANCE
    return promised == found


def _examples(recipe: Recipe, data: str) -> tuple[Example, ...]:
    if data == "test":
        return read_test(recipe)
    if data == "dev":
        return prepare(recipe).splits.dev
    return read_source(recipe, Source.from_text(data))
