"""The language model of a store, by which the texts of other versions' references are scored."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from model_store import NotFound, Store, StoreError, open_store
from nlp.errors import NlpError
from nlp.model import Model
from training.errors import DataError
from training.recipe import Recipe
from training.reference import Scorer

AUTO: Final = "auto"
NONE: Final = "none"
TASK: Final = "language-model"
PREFERRED: Final = "lm-reviews"
"""As for the service, which scores traffic by the one it serves."""


def scorer_for(recipe: Recipe, url: str, wanted: str = AUTO) -> Scorer | None:
    """The version that `wanted` names: a reference, none, or auto, the champion that a service of
    this store would serve, if there is one. A language model needs none beside itself.

    Raises StoreError, NlpError, and DataError for a version of another task; auto raises nothing.
    """
    if wanted == NONE or recipe.task == TASK:
        return None
    if wanted != AUTO:
        return _loaded(open_store(url, create=False), wanted)
    try:
        store = open_store(url, create=False)
        name = _champion(store)
        return None if name is None else _loaded(store, name)
    except (StoreError, NlpError):
        return None


def _champion(store: Store) -> str | None:
    found = [name for name in store.names() if _task(store, name) == TASK]
    return min(sorted(found), key=lambda name: name != PREFERRED, default=None)


def _task(store: Store, name: str) -> object:
    """None where the model has no champion."""
    try:
        return store.manifest(name, store.resolve(name).number).raw.get("task")
    except NotFound:
        return None


def _loaded(store: Store, reference: str) -> Scorer:
    version = store.resolve(reference)
    with TemporaryDirectory() as cache:
        model = Model.load(store.materialise(version.name, version.number, Path(cache)))
    if model.manifest["task"] != TASK:
        raise DataError(
            f"{version.reference} is no language model, but for {model.manifest['task']}"
        )
    named = {"name": version.name, "version": version.number, "digest": version.digest}
    return Scorer(model, named)
