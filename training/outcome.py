"""What one training of an ablation or of a search came to."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from training.build import to_plain
from training.errors import ScoreError
from training.evaluation import Evaluation
from training.recipe import LOWER_IS_BETTER, Metric, Recipe
from training.run_folder import RunFolder

_LAYER_METRICS: Final = ("accuracy", "macro_f1")


@dataclass(frozen=True, slots=True)
class Outcome:
    """dev: the best dev score, which choosing goes by. test: the chosen weights' score on what was
    held out, by the same metric. seconds: of the call that finished the training, all stages.
    shares: what each held-out item adds to the score, see `training.paired`; None where it has no
    such parts.
    """

    dev: float
    test: float
    seconds: float
    parameters: int
    shares: list[list[float]] | None

    def save(self, path: Path) -> None:
        """All or nothing: the file's presence says that the training had ended."""
        beside = path.with_suffix(".partial")
        beside.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Outcome":
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def figure(found: Evaluation, metric: Metric) -> float:
    """The recipe's metric of a held-out split. Raises ScoreError where it was not taken."""
    if metric in found.measures:
        return found.measures[metric].value
    if metric in _LAYER_METRICS and found.layers:
        return float(getattr(found.first, metric))
    raise ScoreError(f"this task is not scored by {metric}")


def best_dev(run: RunFolder, metric: Metric) -> float:
    """The dev score of the weights that a run kept. Raises ScoreError for a run without one."""
    name = f"dev_{metric}"
    values = [float(row[name]) for row in run.metrics() if name in row]
    if not values:
        raise ScoreError(f"{run.path} holds no {name}")
    return best(values, metric)


def best(values: Iterable[float], metric: Metric) -> float:
    """The highest, or of a metric like perplexity the lowest; what is no number is worst."""
    return max(values, key=lambda value: rank(value, metric))


def rank(value: float, metric: Metric) -> float:
    """Higher is better, whatever the metric."""
    if math.isnan(value):
        return -math.inf
    return -value if metric in LOWER_IS_BETTER else value


def digest(recipe: Recipe) -> str:
    """Twelve hex digits that stand for a recipe: another recipe, another run folder.

    Keys at their defaults are left out, so that a key which a later release adds changes nothing.
    """
    text = json.dumps(to_plain(_chosen(recipe)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _chosen(value: object) -> object:
    """Without the fields of dataclasses that have their default values."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    fields = {field.name: field for field in dataclasses.fields(value)}
    held = {name: getattr(value, name) for name in fields}
    return {k: _chosen(v) for k, v in held.items() if v != _default(fields[k])}


def _default(field: "dataclasses.Field[Any]") -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
