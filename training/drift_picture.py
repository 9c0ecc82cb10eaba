"""The distributions of a version's reference and of its traffic, side by side, as a PNG file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from nlp.drift import Shift
from nlp.sketches import EDGES, LABELS, LENGTH, PERPLEXITY, Sketch
from training.pictures import GREY, ORANGE, new_figure, save

_LOG: Final = (LENGTH, PERPLEXITY)
_MOST_LABELS: Final = 20


def draw_drift(reference: Sketch, traffic: Sketch, shifts: Mapping[str, Shift], path: Path) -> None:
    """One panel a feature of `shifts`: the share of items up to a value, of labels each one's."""
    figure, panels = new_figure(7, 2.1 * len(shifts) + 0.6, rows=len(shifts), share=False)
    for axes, (feature, shift) in zip(panels, shifts.items(), strict=True):
        if feature == LABELS:
            _draw_labels(axes, reference.labels, traffic.labels)
        else:
            _draw_bins(axes, feature, reference.counts[feature], traffic.counts[feature])
        ks = "" if shift.ks is None else f", KS {shift.ks:.2f}"
        name = feature.replace("_", " ")
        axes.set_title(f"{name}: PSI {shift.psi:.2f}{ks}", fontsize=10)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize=8)
    save(figure, path)


def _draw_bins(axes: Axes, feature: str, ours: Sequence[int], theirs: Sequence[int]) -> None:
    """Distribution functions, known at the bins' bounds: KS is where they lie farthest apart."""
    edges = EDGES[feature]
    used = np.flatnonzero(np.array(ours) + np.array(theirs))
    first, last = (max(0, int(used[0]) - 1), int(used[-1]) + 1) if len(used) else (0, 1)
    for counts, colour, label in ((ours, GREY, "dev"), (theirs, ORANGE, "traffic")):
        shares = np.cumsum(counts[: len(edges)]) / max(1, sum(counts))
        axes.plot(edges[first:last], shares[first:last], color=colour, label=label)
    axes.set_ylim(-0.03, 1.03)
    axes.grid(alpha=0.25)
    if feature in _LOG:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _draw_labels(axes: Axes, ours: Mapping[str, int], theirs: Mapping[str, int]) -> None:
    """The commonest of either."""
    both = {label: ours.get(label, 0) + theirs.get(label, 0) for label in {**ours, **theirs}}
    labels = sorted(both, key=lambda label: (-both[label], label))[:_MOST_LABELS]
    places = np.arange(len(labels))
    for counts, colour, shift in ((ours, GREY, -0.2), (theirs, ORANGE, 0.2)):
        shares = [counts.get(label, 0) / max(1, sum(counts.values())) for label in labels]
        axes.bar(places + shift, shares, width=0.38, color=colour)
    axes.set_xticks(places, labels, rotation=45 if len(labels) > 5 else 0, fontsize=8)
