"""Whether scores mean what they say: reliability, and the temperature that mends it.

Sources: Guo et al. 2017, "On Calibration of Modern Neural Networks" (temperature, ECE with 15
bins of equal width); Brier 1950.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from training.errors import ScoreError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BINS: Final = 15
COLDEST: Final = 0.05
HOTTEST: Final = 20.0
_SMALLEST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Bin:
    """The items whose highest probability lies in (low, high]; without items, means are None."""

    low: float
    high: float
    items: int
    confidence: float | None
    accuracy: float | None

    @property
    def gap(self) -> float:
        """How far confidence and accuracy lie apart; 0 without items."""
        return abs((self.accuracy or 0.0) - (self.confidence or 0.0))


@dataclass(frozen=True, slots=True)
class Reliability:
    """ece: expected calibration error, the mean gap between confidence and accuracy by items.

    brier: mean squared distance to the one-hot gold, 0 to 2. nll: mean negative log-likelihood.
    """

    ece: float
    brier: float
    nll: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature fitted on dev, and reliability on dev without it and with it."""

    temperature: float
    items: int
    before: Reliability
    after: Reliability

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def fit_temperature(logits: NDArray[np.floating[Any]], gold: Ints) -> Calibration:
    """The temperature that minimises the likelihood loss of logits / temperature.

    logits: (items, labels). gold: (items,), indices of labels. It lies between COLDEST and
    HOTTEST, and is 1 where no other does better. Raises ScoreError for shapes that do not fit.
    """
    logits = _checked(logits, gold)
    fit = minimize_scalar(
        lambda log_t: _loss(logits / np.exp(log_t), gold),
        bounds=(np.log(COLDEST), np.log(HOTTEST)),
        method="bounded",
    )
    better = _loss(logits / np.exp(fit.x), gold) < _loss(logits, gold)
    temperature = float(np.exp(fit.x)) if better else 1.0
    return Calibration(
        temperature=temperature,
        items=len(gold),
        before=reliability(softmax(logits, axis=-1), gold),
        after=reliability(softmax(logits / temperature, axis=-1), gold),
    )


def reliability(probabilities: NDArray[np.floating[Any]], gold: Ints) -> Reliability:
    """probabilities: (items, labels), each row summing to 1. gold: (items,).

    Raises ScoreError for shapes that do not fit.
    """
    rows = _checked(probabilities, gold)
    confidence, right = rows.max(axis=1), rows.argmax(axis=1) == gold
    bins = _bins(confidence, right)
    gaps = [one.items * one.gap for one in bins]
    of_gold = rows[np.arange(len(gold)), gold]
    return Reliability(
        ece=float(sum(gaps) / len(gold)),
        brier=float(((rows - np.eye(rows.shape[1])[gold]) ** 2).sum(axis=1).mean()),
        nll=float(-np.log(np.maximum(of_gold, _SMALLEST)).mean()),
        bins=bins,
    )


def _checked(rows: NDArray[np.floating[Any]], gold: Ints) -> Floats:
    if rows.ndim != 2 or gold.shape != rows.shape[:1] or not len(gold):
        raise ScoreError(
            f"expected (items, labels) and (items,) with items above 0, found {rows.shape} and "
            f"{gold.shape}"
        )
    if gold.min() < 0 or gold.max() >= rows.shape[1]:
        raise ScoreError(f"gold must hold indices of the {rows.shape[1]} labels")
    return rows.astype(np.float64)


def _loss(logits: Floats, gold: Ints) -> float:
    return float(-log_softmax(logits, axis=-1)[np.arange(len(gold)), gold].mean())


def _bins(confidence: Floats, right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    edges = np.linspace(0, 1, BINS + 1)
    places = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    return tuple(
        _bin(float(edges[i]), float(edges[i + 1]), confidence[places == i], right[places == i])
        for i in range(BINS)
    )


def _bin(low: float, high: float, confidence: Floats, right: NDArray[np.bool_]) -> Bin:
    if not len(right):
        return Bin(low, high, 0, confidence=None, accuracy=None)
    return Bin(
        low,
        high,
        len(right),
        confidence=float(confidence.mean()),
        accuracy=float(right.mean()),
    )
