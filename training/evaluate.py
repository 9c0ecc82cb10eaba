"""Answers of a model, by the serving path, against gold."""

from collections.abc import Sequence

from nlp.model import Model
from nlp.tasks.base import Example
from training.evaluation import Evaluation
from training.tasks.table import trainable


def evaluate(model: Model, examples: Sequence[Example], *, seed: int = 13) -> Evaluation:
    """Raises ScoreError for no examples, and for labels of which the model knows none."""
    return trainable(model.manifest["task"]).evaluate(model, examples, seed=seed)
