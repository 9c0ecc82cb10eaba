"""What spoke for an answer: features, fired words with offsets, terms that add up to the logit."""

from typing import Any

import numpy as np
import pytest
import torch
from tiny import REVIEWS

from nlp.lecture_features import Lexicon
from nlp.model import Model
from nlp.networks.table import build_network
from nlp.runtimes.torch import TorchRuntime
from nlp.tasks.sentiment import LAYER, SentimentAnswer
from nlp.terms import LinearExtractor
from nlp.vocabulary import SPECIALS, Vocabulary
from training.manifest import ModelSpec, TextSpec

TEXT = "The film was warm, but the waiter was rude to me: no soup!"


@pytest.fixture(scope="module")
def model(export: Any) -> Model:  # noqa: ANN401
    loaded: Model = export("sentiment", "linear")[0]
    return loaded


def explained(model: Model, item: Any) -> dict[str, Any]:  # noqa: ANN401
    (answer,) = model.answer([item])
    assert isinstance(answer, SentimentAnswer)
    found: dict[str, Any] = answer.to_dict()["explanation"]
    return found


def test_the_words_that_fired_point_into_the_text(model: Model) -> None:
    found = explained(model, TEXT)
    words = [(word["text"], word["feature"]) for word in found["words"]]
    assert words == [
        ("warm", "positive"),
        ("rude", "negative"),
        ("me", "pronoun"),
        ("no", "no"),
        ("!", "exclamation"),
    ]
    assert all(TEXT[word["start"] : word["end"]] == word["text"] for word in found["words"])
    assert list(found["features"].values()) == pytest.approx([1, 1, 1, 1, 1, np.log(16)])


def test_words_that_came_tokenised_have_no_offsets(model: Model) -> None:
    found = explained(model, ["a", "badly", "written", "book"])
    word = {"text": "badly written", "start": None, "end": None, "feature": "negative"}
    assert found["words"] == [word]


def test_what_the_parts_add_differs_from_the_logit_by_the_models_constant(model: Model) -> None:
    constants = []
    for text, _ in REVIEWS:
        encoded = model.encode(text)
        (row,) = model.forward(encoded.windows)
        found = explained(model, text)
        label = int(row[LAYER].argmax())
        parts = [term["contribution"] for term in found["terms"]]
        assert len(parts) <= 20
        added = sum(parts) + sum(found["contributions"].values())
        constants.append((label, float(row[LAYER][label]) - added))
    for label in {label for label, _ in constants}:
        values = [value for one, value in constants if one == label]
        np.testing.assert_allclose(values, values[0], atol=1e-4)
    assert len({label for label, _ in constants}) == 2


def test_terms_come_strongest_first(model: Model) -> None:
    strengths = [abs(term["contribution"]) for term in explained(model, REVIEWS[0][0])["terms"]]
    assert len(strengths) > 3
    assert np.all(np.diff(strengths) <= 1e-4)


def test_a_text_of_several_windows_is_explained_whole(model: Model) -> None:
    long = " ".join([TEXT] * 12)
    (answer,) = model.answer([long])
    assert isinstance(answer, SentimentAnswer)
    assert answer.windows > 1
    found = answer.to_dict()["explanation"]
    assert found["features"]["positive"] == 12
    assert all(long[word["start"] : word["end"]] == word["text"] for word in found["words"])
    assert len({term["text"] for term in found["terms"]}) == len(found["terms"])


def test_other_models_explain_nothing(export: Any) -> None:  # noqa: ANN401
    (answer,) = export("sentiment", "textcnn")[0].answer([TEXT])
    assert "explanation" not in answer.to_dict()


def test_six_features_alone_are_explained_by_their_weights() -> None:
    extractor = LinearExtractor(lexicon=Lexicon(["good"], ["bad"]))
    text = TextSpec("words", True, 2, extractor.names, "", 64)
    layers = {"sentiment": ("negative", "positive")}
    spec = ModelSpec("sentiment", "linear", {"lecture": True}, layers, text, extractor=extractor)
    network = build_network("linear", spec.outputs, spec.sizes)
    weights = torch.tensor([[-1.0, 1], [1, -1], [0.5, -0.5], [0, 0], [0, 0], [0, 0]])
    network.get_parameter("dense.weight").data.copy_(weights)
    vocabulary = Vocabulary([*SPECIALS, "good"], trained=2, lowercase=True)
    model = Model(spec.to_manifest(), spec.task_for(vocabulary), TorchRuntime(network))
    found = explained(model, "Good, but no bread, and the bad soup was bad")
    assert "terms" not in found
    contributions = {name: value for name, value in found["contributions"].items() if value}
    assert contributions == {"positive": -1.0, "negative": 2.0, "no": 0.5}
