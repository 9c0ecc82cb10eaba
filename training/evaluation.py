"""What a scorer found: scores by layer, measures of the whole, slices."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nlp.tasks.base import Floats
from training.calibration import Reliability
from training.scores import Interval, Scores, Slice


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure over the whole data that is no accuracy of labels: span F1, perplexity.

    items: what it is taken over. interval: None where none was asked for.
    """

    value: float
    items: int
    interval: Interval | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores and reliability by layer, measures by name, and the accuracy on slices of the items.

    A task has layers (labels to choose from), measures, or both.
    """

    layers: Mapping[str, Scores]
    reliability: Mapping[str, Reliability]
    slices: tuple[Slice, ...]
    measures: Mapping[str, Measure] = field(default_factory=dict)

    @property
    def first(self) -> Scores:
        """The main layer's: sentiment, or upos."""
        return next(iter(self.layers.values()))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the manifest; without the reliability bins."""
        measures = {name: found.to_dict() for name, found in self.measures.items()}
        calibration = {layer: _headline(found) for layer, found in self.reliability.items()}
        return {
            "layers": {layer: scores.to_dict() for layer, scores in self.layers.items()},
            **({"measures": measures} if measures else {}),
            "calibration": calibration,
            "slices": [part.to_dict() for part in self.slices],
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """One layer over all items. A text's label counts as a row of one.

    gold, predicted: labels by item; probabilities: (all labels of all items, classes).
    """

    gold: tuple[tuple[str, ...], ...]
    predicted: tuple[tuple[str, ...], ...]
    probabilities: Floats


def _headline(found: Reliability) -> dict[str, float]:
    return {"ece": found.ece, "brier": found.brier, "nll": found.nll}
