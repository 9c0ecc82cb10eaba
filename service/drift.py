"""How far each version's traffic has moved from its reference, in memory that never grows.

An engine has a `Monitor`: a ring of sketches that together are the window, so that what is old
goes part by part. Items are looked at where they are decoded, counted on the loop, and compared
when /metrics is read. Nothing of a text is kept.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nlp.drift import REFERENCE, Reference, Shift, compare, estimated_accuracy
from nlp.errors import ModelError
from nlp.sketches import PERPLEXITY, Look, Seen, Sketch
from nlp.tasks.base import Encoded
from service.settings import Settings

log = structlog.get_logger()

PARTS: Final = 12
"""Sketches that a window is made of."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a monitor shows. Below the least number of items it knows of no drift: shifts are 0 and
    the accuracy is the reference's.

    estimated, accuracy: None where the version's task has none, or it has no reference.
    """

    items: int
    shifts: Mapping[str, Shift]
    estimated: float | None
    accuracy: float | None


class Monitor:
    """The traffic of one version. `add` and `figures` belong to one thread, `watch` to any.

    The window is as long as the settings say, or longer where less than the least number of items
    came in that time: a part is closed when its time is over and it holds its share of them.
    """

    def __init__(
        self,
        manifest: Mapping[str, Any],
        settings: Settings,
        *,
        on_confidence: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reference = reference_of(manifest)
        threshold = None if self.reference is None else self.reference.threshold
        self._look = Look.of(manifest, 1.0 if threshold is None else threshold)
        self._least = settings.drift_minimum_items
        self._part_seconds = settings.drift_window_seconds / PARTS
        self._on_confidence = on_confidence
        self._clock = clock
        self._parts = deque([Sketch()], maxlen=PARTS)
        self._opened = clock()

    @property
    def language_model(self) -> Mapping[str, Any] | None:
        """Name, version and digest of the model that `add_perplexity` must come from."""
        return None if self.reference is None else self.reference.language_model

    def watch(
        self, encoded: Sequence[object], results: list[dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], list[Seen]]:
        """The results, and what `add` is to count of them; an item without an answer is not."""
        seen = [
            self._look.see(entry, result)
            for entry, result in zip(encoded, results, strict=True)
            if isinstance(entry, Encoded) and "error" not in result
        ]
        return results, seen

    def add(self, seen: Iterable[Seen]) -> None:
        part = self._part()
        for one in seen:
            part.add(one)
            confidence = one.confidence
            if confidence is not None:
                self._on_confidence(confidence)

    def add_perplexity(self, perplexity: float) -> None:
        """Of a text that was counted by `add`, scored later."""
        self._part().count(PERPLEXITY, perplexity)

    def window(self) -> Sketch:
        """All that is remembered."""
        whole = Sketch()
        for part in self._parts:
            whole = whole.merge(part)
        return whole

    def figures(self) -> Figures:
        window, reference = self.window(), self.reference
        if reference is None:
            return Figures(window.items, {}, None, None)
        known = window if window.items >= self._least else Sketch()
        shifts = compare(reference.sketch, known)
        few = {name: _unmoved(shift) for name, shift in shifts.items() if shift.items < self._least}
        estimated = estimated_accuracy(reference, known)
        return Figures(window.items, {**shifts, **few}, estimated, reference.accuracy)

    def _part(self) -> Sketch:
        """The one that is being filled."""
        now, part = self._clock(), self._parts[-1]
        if now - self._opened < self._part_seconds or part.items * PARTS < self._least:
            return part
        self._parts.append(Sketch())
        self._opened = now
        return self._parts[-1]


def _unmoved(shift: Shift) -> Shift:
    return Shift(0.0, None if shift.ks is None else 0.0, shift.items)


def reference_of(manifest: Mapping[str, Any]) -> Reference | None:
    """A version's reference; None where it has none that this program can read."""
    if REFERENCE not in manifest:
        return None
    try:
        return Reference.from_dict(manifest[REFERENCE])
    except ModelError as error:
        log.warning("reference_unreadable", reason=str(error))
        return None


class DriftCollector(Collector):
    """The figures of every model, made when they are asked for.

    monitors: (name, monitor) of each engine, the one that shall speak for its name first.
    """

    def __init__(self, monitors: Callable[[], Iterable[tuple[str, Monitor]]]) -> None:
        self._monitors = monitors

    def collect(self) -> Iterator[GaugeMetricFamily]:
        figures: dict[str, Figures] = {}
        for name, monitor in self._monitors():
            if name not in figures:
                figures[name] = monitor.figures()
        psi, ks = (_gauge(name, text, "feature") for name, text in _BY_FEATURE)
        items, estimated, reference = (_gauge(name, text) for name, text in _BY_MODEL)
        for model, found in figures.items():
            items.add_metric([model], found.items)
            for feature, shift in found.shifts.items():
                psi.add_metric([model, feature], shift.psi)
                if shift.ks is not None:
                    ks.add_metric([model, feature], shift.ks)
            if found.accuracy is not None and found.estimated is not None:
                estimated.add_metric([model], found.estimated)
                reference.add_metric([model], found.accuracy)
        yield from (psi, ks, items, estimated, reference)


_BY_FEATURE: Final = (
    ("drift_psi", "Population stability index of traffic against dev, above what chance gives."),
    ("drift_ks", "Largest difference of the distribution functions of traffic and dev."),
)
_BY_MODEL: Final = (
    ("drift_items", "Items that the drift figures are made of."),
    ("estimated_accuracy", "Accuracy on traffic, estimated without labels."),
    ("reference_accuracy", "Accuracy on dev, by the same reckoning."),
)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"valence_{name}", text, labels=["model", *labels])
