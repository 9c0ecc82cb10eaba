"""What training asks of a task."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nlp.model import Model
from nlp.tasks.base import Example, Floats, Task
from nlp.tasks.base import Item as Asked
from nlp.text import Splitter
from training.evaluation import Evaluation
from training.items import Item

Ids = NDArray[np.int64]


class Trainable(Protocol):
    """Examples to words, labels and training items; answers and gold to scores."""

    def words(self, examples: Sequence[Example], split: Splitter) -> list[str]:
        """Every word of the training split, for the vocabulary."""

    def layers(self, examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
        """Label set by layer, as the manifest keeps it."""

    def items(self, examples: Sequence[Example], task: Task, *, strict: bool) -> list[Item]:
        """All windows of all examples with their gold, in order.

        strict: a label that the task lacks raises DataError; else its example is left out.
        """

    def evaluate(self, model: Model, examples: Sequence[Example], *, seed: int) -> Evaluation:
        """By the serving path. Raises ScoreError where there is nothing to score."""

    def dev_score(self, model: Model, examples: Sequence[Example]) -> dict[str, float]:
        """The figures a recipe's `training.metric` may name, without intervals."""

    def calibration(self, model: Model, dev: Sequence[Example]) -> Mapping[str, tuple[Floats, Ids]]:
        """Uncalibrated probabilities (items, labels) and gold ids (items,) by layer."""

    def golden(self, texts: Sequence[str]) -> list[Asked]:
        """Items whose answers a version keeps, made of our own texts."""
