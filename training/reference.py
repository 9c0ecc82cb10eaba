"""A version's reference: what its traffic will be compared with, taken on dev by the serving path.

Never on test: a figure that runs along in production is looked at, and acted on, again and again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from nlp.drift import Reference, threshold_for
from nlp.model import Model
from nlp.sketches import PERPLEXITY, Look, Sketch, brief
from nlp.tasks.base import Answer, Example
from training.datasets import sample
from training.tasks.labelled import EMPTY, Labelled
from training.tasks.table import trainable

ITEMS: Final = 2000
"""At most so many of dev, a seeded sample: of more the comparison would gain little."""

SCORED_ITEMS: Final = 500
"""Of these so many are read by a language model, which takes longer."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """A stored language model, by which the service will score some texts, too.

    identity: its name, version and digest.
    """

    model: Model
    identity: dict[str, Any]


def build_reference(
    model: Model,
    dev: Sequence[Example],
    *,
    seed: int,
    limit: int = ITEMS,
    scorer: Scorer | None = None,
) -> Reference:
    """The sketch of a sample of dev; accuracy and threshold where the task chooses labels."""
    examples = sample(dev, limit, seed=seed, name="reference")
    read = model.read([example.item for example in examples])
    answers = [model.decode(*one) for one in read]
    accuracy = _accuracy(model, examples, answers)
    plain = [answer.to_dict() for answer in answers]
    threshold = None if accuracy is None else threshold_for(_scores(plain, model), accuracy)
    look = Look.of(model.manifest, 1.0 if threshold is None else threshold)
    sketch = Sketch()
    for (encoded, _), answer in zip(read, plain, strict=True):
        sketch.add(look.see(encoded, answer))
    if scorer is not None:
        _score(sketch, examples[:SCORED_ITEMS], scorer.model)
    return Reference(sketch, accuracy, threshold, None if scorer is None else scorer.identity)


def _accuracy(model: Model, examples: Sequence[Example], answers: Sequence[Answer]) -> float | None:
    """Of the main layer; None where right is no matter of single labels, or dev has none."""
    task, scoring = model.task, trainable(model.manifest["task"])
    if not isinstance(scoring, Labelled):
        return None
    layer = next(iter(task.layers))
    gold = [label for e in examples for label in scoring.gold(e, task)[layer]]
    said = [label for answer in answers for label in scoring.said(answer, task)[layer]]
    right = sum(a == b for a, b in zip(gold, said, strict=True))
    return right / len(gold) if set(gold) - EMPTY else None


def _scores(answers: Sequence[dict[str, Any]], model: Model) -> list[float]:
    look = Look.of(model.manifest)
    return [score for answer in answers for score in look.said(answer)[1]]


def _score(sketch: Sketch, examples: Sequence[Example], model: Model) -> None:
    """Perplexities of the texts that the service would score as well."""
    items = [example.item for example in examples if brief(example.item)]
    for answer in model.answer(items):
        sketch.count(PERPLEXITY, answer.to_dict()["perplexity"])
