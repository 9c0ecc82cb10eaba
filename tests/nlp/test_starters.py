"""The shipped starter models load into the networks of today, and answer rightly."""

from pathlib import Path

import pytest

from model_store.starter import FOLDER, embedded_store
from nlp.drift import REFERENCE, Reference, compare
from nlp.model import Model
from nlp.sketches import CONFIDENCE, LABELS, LENGTH, UNKNOWN_WORDS, Sketch
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


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("sentiment", {LENGTH, UNKNOWN_WORDS, CONFIDENCE, LABELS}),
        ("tags", {LENGTH, UNKNOWN_WORDS, CONFIDENCE, LABELS}),
        ("aspects", {LENGTH, UNKNOWN_WORDS, CONFIDENCE, LABELS}),
        ("aspect-terms", {LENGTH, UNKNOWN_WORDS, CONFIDENCE}),
    ],
)
def test_a_starter_has_a_reference(name: str, features: set[str]) -> None:
    """Of dev, with an accuracy where labels are right or wrong, near that of the test split."""
    manifest = embedded_store().manifest(name, 1).raw
    reference = Reference.from_dict(manifest[REFERENCE])
    assert compare(reference.sketch, Sketch()).keys() == features
    assert reference.sketch.items >= 500
    assert (reference.accuracy is not None) == (LABELS in features)
    if reference.accuracy is not None:
        (scores, *_) = manifest["scores"]["layers"].values()
        assert reference.accuracy == pytest.approx(scores["accuracy"], abs=0.02)
        assert reference.sketch.sure_share == pytest.approx(reference.accuracy, abs=0.002)


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
