"""How far a model's traffic has moved from what it was measured on, and what that may cost.

PSI   population stability index (Siddiqi 2006): the sum over bins of (p - q) ln(p / q), that is the
      Jeffreys divergence of two histograms. Under no drift it is not zero: with n and m draws over
      B bins it is distributed as (1/n + 1/m) times a chi-square of B - 1 degrees (Yurdakul and
      Naranjo 2020, "Statistical properties of the population stability index"), so that of few
      items "0.1, look into it" is chance. What is given here is the excess over that expectation,
      (B - 1)(1/n + 1/m), never below 0. Bins are smoothed by half a count each (Krichevsky and
      Trofimov 1981), or an empty one would make it infinite.
KS    Kolmogorov-Smirnov: the largest difference of the two distribution functions, here at the
      bounds of the bins. Not corrected: by chance it passes 1.36 sqrt(1/n + 1/m) once in twenty.
      Labels have no order and so no KS.

PSI is taken over bins cut where the reference has its tenths (as is usual), KS over all bins of a
sketch.

Accuracy without labels is estimated as the share of answers whose probability reaches a threshold,
which is set so that on dev this share is the accuracy (average thresholded confidence, Garg et al.
2022, "Leveraging unlabeled data to predict out-of-distribution performance"). `python -m
benchmarks.drift` measures it against the mean probability (Hendrycks and Gimpel 2017) and the
difference of mean probabilities (Guillory et al. 2021). None of them sees that labels have come to
mean something else: they see that the model meets more that it is unsure of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from nlp.errors import ModelError
from nlp.sketches import EDGES, LABELS, Sketch

FORMAT: Final = "valence-reference/1"
REFERENCE: Final = "reference"
"""The manifest's key."""

LEAST_ITEMS: Final = 200
"""Of fewer, chance can pass for drift and drift for chance."""

PSI_BINS: Final = 10
RARE_SHARE: Final = 0.01
"""Labels that make less of the reference count as one, together with those it has not."""

_SMOOTHING: Final = 0.5
Counts = Sequence[int]


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one feature has moved. ks: None of labels. items: how many in traffic had it."""

    psi: float
    ks: float | None
    items: int


def compare(reference: Sketch, seen: Sketch) -> dict[str, Shift]:
    """By feature, those that the reference has; one that the traffic has not moved nowhere."""
    shifts = {
        feature: _shift(reference.counts[feature], seen.counts[feature])
        for feature in EDGES
        if any(reference.counts[feature])
    }
    if reference.labelled:
        shifts[LABELS] = _label_shift(reference, seen)
    return shifts


@dataclass(frozen=True, slots=True)
class Reference:
    """A version's own measure, kept in its manifest: the sketch of dev, as serving reads it.

    threshold, accuracy: of the main layer's labels; both None where being right is no matter of
        single labels (terms that are found, language models).
    language_model: name, version and digest of the model that `perplexity` is taken under; None
        where there is none, and of language models, which are their own.
    """

    sketch: Sketch
    accuracy: float | None = None
    threshold: float | None = None
    language_model: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` takes them back."""
        return {
            "format": FORMAT,
            "split": "dev",
            "accuracy": self.accuracy,
            "threshold": self.threshold,
            "confidence": self.sketch.confidence,
            "language_model": self.language_model,
            "sketch": self.sketch.to_dict(),
        }

    @classmethod
    def from_dict(cls, value: object) -> "Reference":
        """Raises ModelError for anything but what `to_dict` of this FORMAT gives."""
        if not isinstance(value, Mapping) or value.get("format") != FORMAT:
            raise ModelError(f"a reference must be an object of the format {FORMAT}")
        accuracy, threshold = value.get("accuracy"), value.get("threshold")
        if not all(share is None or _is_share(share) for share in (accuracy, threshold)):
            raise ModelError("a reference's accuracy and threshold must be numbers from 0 to 1")
        if (accuracy is None) != (threshold is None):
            raise ModelError("a reference has both accuracy and threshold, or neither")
        model = value.get("language_model")
        if model is not None and not _is_identity(model):
            raise ModelError("a reference's language_model must have a name, a version, a digest")
        return cls(Sketch.from_dict(value.get("sketch")), accuracy, threshold, model)


def threshold_for(scores: Sequence[float], accuracy: float) -> float:
    """The probability that as large a share of the scores reaches as `accuracy` is."""
    return float(np.quantile(scores, 1 - accuracy)) if len(scores) else 1.0


def estimated_accuracy(reference: Reference, seen: Sketch) -> float | None:
    """The reference's accuracy, moved by the share of sure answers: 0 to 1.

    None for a reference without accuracy; the reference's own where nothing was seen.
    """
    before, now = reference.sketch.sure_share, seen.sure_share
    if reference.accuracy is None or before is None or now is None:
        return reference.accuracy
    return min(1.0, max(0.0, reference.accuracy + now - before))


def psi(ours: Counts, theirs: Counts, *, draws: tuple[int, int] | None = None) -> float:
    """The excess PSI of two histograms over the same bins; 0 where either is empty.

    draws: how many independent ones each is made of, where that is not its total: labels of the
    words of one text hang together, and the text is the draw. That they are somewhat more than one
    draw a text makes the correction too large rather than too small.
    """
    a, b = _used(ours, theirs)
    n, m = draws or (int(a.sum()), int(b.sum()))
    if not n or not m or not a.sum() or not b.sum():
        return 0.0
    p, q = _smoothed(a), _smoothed(b)
    found = float(((p - q) * np.log(p / q)).sum())
    return max(0.0, found - (len(a) - 1) * (1 / n + 1 / m))


def ks(ours: Counts, theirs: Counts) -> float:
    """Of two histograms over the same ordered bins, 0 to 1; 0 where either is empty."""
    a, b = np.array(ours, np.float64), np.array(theirs, np.float64)
    if not a.any() or not b.any():
        return 0.0
    apart = np.abs(a.cumsum() / a.sum() - b.cumsum() / b.sum())
    return float(min(1.0, apart.max()))


def ks_by_chance(items: int, others: int, *, coefficient: float = 1.358) -> float:
    """What KS passes without drift once in twenty times (1.628: once in a hundred)."""
    return coefficient * sqrt(1 / items + 1 / others)


def tenths(reference: Counts, bins: int = PSI_BINS) -> list[int]:
    """Where runs of neighbouring bins begin, each of which holds about a tenth of the reference.

    A bin that alone holds its share is a run of its own; what little lies beside it, or nothing,
    is one too, or a reference of one value would see nothing move.
    """
    share, starts, held, alone = sum(reference) / bins, [0], 0, False
    for i, count in enumerate(reference):
        heavy = count >= share > 0
        if i and (held >= share or heavy or alone):
            starts.append(i)
            held = 0
        held, alone = held + count, heavy
    small = held < share / 2 and len(starts) > 1
    return starts[:-1] if small and reference[starts[-1] - 1] < share else starts


def _shift(reference: Counts, seen: Counts) -> Shift:
    starts = tenths(reference)
    ours, theirs = np.add.reduceat(reference, starts), np.add.reduceat(seen, starts)
    return Shift(psi(ours.tolist(), theirs.tolist()), ks(reference, seen), sum(seen))


def _label_shift(reference: Sketch, seen: Sketch) -> Shift:
    least = RARE_SHARE * sum(reference.labels.values())
    common = [label for label, count in reference.labels.items() if count >= least]
    ours, theirs = (_with_rest(sketch.labels, common) for sketch in (reference, seen))
    draws = reference.labelled, seen.labelled
    return Shift(psi(ours, theirs, draws=draws), None, seen.labelled)


def _with_rest(labels: Mapping[str, int], common: Sequence[str]) -> list[int]:
    """Counts of the common labels, then of all others together."""
    counts = [labels.get(label, 0) for label in common]
    return [*counts, sum(labels.values()) - sum(counts)]


def _used(ours: Counts, theirs: Counts) -> NDArray[np.float64]:
    """Both, without the bins that neither has. Shape: (2, bins)."""
    both: NDArray[np.float64] = np.array([ours, theirs], np.float64)
    return both[:, both.any(axis=0)]


def _smoothed(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = counts + _SMOOTHING
    shares: NDArray[np.float64] = raised / raised.sum()
    return shares


def _is_share(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= cast(float, value) <= 1  # NaN is not


def _is_identity(value: object) -> bool:
    if not isinstance(value, Mapping) or value.keys() != {"name", "version", "digest"}:
        return False
    texts = isinstance(value["name"], str) and isinstance(value["digest"], str)
    return texts and type(value["version"]) is int
