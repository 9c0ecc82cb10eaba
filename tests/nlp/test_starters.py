"""The starter models that this package ships still load into the networks of today."""

from pathlib import Path

import pytest

from model_store.starter import FOLDER, embedded_store
from nlp.model import Model

TEXT = "The soup was cold, but the waiter smiled."


@pytest.mark.parametrize("name", ["sentiment", "tags"])
def test_a_starter_gives_the_same_answers_through_torch(name: str, tmp_path: Path) -> None:
    if not FOLDER.is_dir():
        pytest.skip("this checkout ships no starter models")
    folder = embedded_store().materialise(name, 1, tmp_path)
    pytest.importorskip("torch")
    answers = [Model.load(folder, runtime=kind) for kind in ("torch", "onnx")]
    (ours,), (theirs,) = (model.answer([TEXT]) for model in answers)
    assert _labels(ours.to_dict()) == _labels(theirs.to_dict())


def _labels(value: object) -> object:
    """A JSON value without its numbers, which differ in their last digits."""
    if isinstance(value, dict):
        return {key: _labels(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_labels(held) for held in value]
    return None if isinstance(value, float) else value
