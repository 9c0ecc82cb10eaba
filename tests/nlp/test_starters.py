"""The shipped starter models load into the networks of today, and answer rightly."""

from pathlib import Path

import pytest

from model_store.starter import FOLDER, embedded_store
from nlp.model import Model
from nlp.tasks.aspects import AspectsAnswer
from nlp.tasks.base import Aspect, AspectItem

TEXT = "The soup was cold, but the waiter smiled."
LECTURE = "The restaurant was expensive, but the menu was great"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no starter models in this checkout")


@pytest.mark.parametrize("name", ["sentiment", "tags", "aspects", "aspect-terms"])
def test_a_starter_gives_the_same_answers_through_torch(name: str, tmp_path: Path) -> None:
    folder = embedded_store().materialise(name, 1, tmp_path)
    pytest.importorskip("torch")
    answers = [Model.load(folder, runtime=kind) for kind in ("torch", "onnx")]
    item = AspectItem(TEXT, (Aspect("soup"), Aspect("service"))) if name == "aspects" else TEXT
    (ours,), (theirs,) = (model.answer([item]) for model in answers)
    assert _labels(ours.to_dict()) == _labels(theirs.to_dict())


def test_the_lectures_example(tmp_path: Path) -> None:
    """Two aspects that the text never names, and each looks at its own word."""
    model = Model.load(embedded_store().materialise("aspects", 1, tmp_path))
    item = AspectItem(LECTURE, (Aspect("price"), Aspect("food")))
    (answer,) = model.answer([item])
    assert isinstance(answer, AspectsAnswer)
    said = [(one.aspect.text, one.label) for one in answer.aspects]
    assert said == [("price", "negative"), ("food", "positive")]
    looked = [max(one.attention or (), key=lambda word: word.weight).text for one in answer.aspects]
    assert looked == ["expensive", "great"]


def _labels(value: object) -> object:
    """A JSON value without its numbers, which differ in their last digits."""
    if isinstance(value, dict):
        return {key: _labels(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_labels(held) for held in value]
    return None if isinstance(value, float) else value
