"""The reference in a manifest is what counting dev's answers by hand gives."""

import json
from typing import Any

import numpy as np
import pytest
import tiny
from tiny_runs import Finished

from nlp.drift import REFERENCE, Reference, estimated_accuracy
from nlp.manifest import read_manifest
from nlp.model import Model
from nlp.sketches import LENGTH, PERPLEXITY, UNKNOWN_WORDS, Sketch
from nlp.tasks.base import Example
from training.evaluate import evaluate
from training.reference import Scorer, build_reference
from training.splits import prepare

IDENTITY = {"name": "lm", "version": 1, "digest": "ab" * 32}


def stored(finished: Finished) -> Reference:
    return Reference.from_dict(read_manifest(finished.run.version)[REFERENCE])


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("task", ["sentiment", "tagging"])
def test_a_run_writes_what_its_model_says_of_dev(task: str, finished: dict[str, Finished]) -> None:
    run = finished[task]
    reference, dev = stored(run), prepare(run.recipe).splits.dev
    model = Model.load(run.run.version)
    found = evaluate(model, dev)
    answers = [answer.to_dict() for answer in model.answer(example.item for example in dev)]
    said = [part for answer in answers for part in answer.get("tokens", [answer])]
    layer = "upos" if task == "tagging" else "label"
    scores = np.array([part["score"] for part in said])

    assert reference.accuracy == pytest.approx(found.first.accuracy)
    assert reference.sketch.items == len(dev)
    assert reference.sketch.scores == len(said)
    assert reference.sketch.confidence == pytest.approx(scores.mean(), abs=1e-6)
    assert reference.sketch.labels == {
        label: sum(part[layer] == label for part in said) for label in {p[layer] for p in said}
    }
    assert reference.threshold is not None
    assert reference.sketch.sure == (scores >= reference.threshold).sum()
    assert sum(reference.sketch.counts[UNKNOWN_WORDS]) == len(dev)
    assert reference.language_model is None


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("task", ["sentiment", "tagging"])
def test_dev_itself_has_the_accuracy_of_dev(task: str, finished: dict[str, Finished]) -> None:
    reference = stored(finished[task])
    assert estimated_accuracy(reference, reference.sketch) == reference.accuracy


def test_no_text_is_in_it(finished: dict[str, Finished]) -> None:
    """Numbers, labels and our own keys are all there is."""
    run = finished["tagging"]
    text = json.dumps(stored(run).to_dict())
    items: list[Any] = [example.item for example in prepare(run.recipe).splits.dev]
    words = {word for item in items for word in item if len(word) > 3}
    assert len(words) > 5
    assert not [word for word in words if f'"{word}"' in text]


def test_a_sample_is_seeded() -> None:
    model, dev = tiny.in_memory("sentiment", "textcnn"), tiny.examples("sentiment")
    drawn = [build_reference(model, dev, seed=seed, limit=4) for seed in (1, 1, 2, 3, 4)]
    assert all(reference.sketch.items == 4 for reference in drawn)
    assert drawn[0] == drawn[1]
    assert any(reference != drawn[0] for reference in drawn[2:])


@pytest.mark.parametrize(
    ("architecture", "judged"),
    [
        ("attention-lstm", True),
        ("recurrent-encoder-decoder", False),
        ("recurrent-language-model", False),
    ],
)
def test_every_task_has_one(architecture: str, judged: bool) -> None:
    """Accuracy where right is a matter of single labels, and nowhere else."""
    task = tiny.TASKS[architecture]
    model, dev = tiny.in_memory(task, architecture), tiny.examples(task)
    reference = build_reference(model, dev, seed=1)
    assert sum(reference.sketch.counts[LENGTH]) == len(dev)
    assert (reference.accuracy is not None) == judged
    own = task == "language-model"
    assert sum(reference.sketch.counts[PERPLEXITY]) == (len(dev) if own else 0)
    assert Reference.from_dict(json.loads(json.dumps(reference.to_dict()))) == reference


def test_labels_that_dev_leaves_empty_have_no_accuracy() -> None:
    model = tiny.in_memory("tagging", "bilstm-tagger")
    dev = [Example(("Rome", "is", "old"), (("_",) * 3, ("_",) * 3))]
    reference = build_reference(model, dev, seed=1)
    assert reference.accuracy is reference.threshold is None
    assert reference.sketch.scores == 3


def test_perplexity_of_short_texts_under_a_language_model() -> None:
    """Aspects' texts, too: the language model reads the text alone."""
    model = tiny.in_memory("aspects", "attention-lstm")
    scorer = tiny.in_memory("language-model", "recurrent-language-model")
    long: Any = Example("soup " * 300, ((),))
    dev = [*tiny.examples("aspects"), long]
    reference = build_reference(model, dev, seed=1, scorer=Scorer(scorer, IDENTITY))
    expected = Sketch()
    for answer in scorer.answer([example.item for example in dev[:-1]]):
        expected.count(PERPLEXITY, answer.to_dict()["perplexity"])
    assert reference.sketch.counts[PERPLEXITY] == expected.counts[PERPLEXITY]
    assert reference.language_model == IDENTITY
