"""The pictures of a run: curves, confusion matrix, reliability diagram, as PNG files.

matplotlib's object-oriented interface on the Agg canvas: no window, no global state. Colours are
Okabe and Ito's, which colour-blind readers can tell apart.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from training.calibration import BINS, Calibration, Reliability
from training.errors import ScoreError
from training.scores import Scores

Floats = NDArray[np.float64]

BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#009E73"
GREY: Final = "#666666"
_DPI: Final = 130
_COUNTED: Final = 10
_LISTED: Final = 25


def draw_curves(
    history: Sequence[Mapping[str, float]], path: Path, *, score: str, lower: bool = False
) -> None:
    """Losses above, the dev score below, with the best epoch marked.

    history: rows with "epoch" and any of "loss" (training), "dev_loss" and `score`, the name of
    the dev score. Rows without a key are left out of its line. lower: the best score is the lowest
    one, and no share (perplexity). Raises ScoreError for no rows.
    """
    if not any("epoch" in row for row in history):
        raise ScoreError("there is no epoch to draw a curve of")
    figure, (above, below) = new_figure(7, 5.5, rows=2, height_ratios=(1, 1))
    _line(above, history, key="loss", label="training", colour=BLUE)
    _line(above, history, key="dev_loss", label="dev", colour=ORANGE)
    named = f"dev {score.removeprefix('dev_').replace('_', ' ')}"
    _line(below, history, key=score, label=named, colour=GREEN)
    _mark_best(below, history, score, lower=lower)
    above.set(ylabel="loss", title="Loss and dev score by epoch")
    below.set(xlabel="epoch", ylabel=named)
    if not lower:
        below.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    last = max(row["epoch"] for row in history if "epoch" in row)
    for axes in (above, below):
        axes.set_xlim(0, max(last, 1) * 1.02)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    above.legend(frameon=False)
    save(figure, path)


def draw_confusion(scores: Scores, path: Path) -> None:
    """Rows are the gold classes, each row's shade its shares; small matrices show counts too."""
    counts = np.array(scores.confusion, dtype=np.float64)
    labels = [one.label for one in scores.classes]
    side = float(np.clip(2.5 + 0.42 * len(labels), 4.5, 13))
    figure, (axes,) = new_figure(side + 0.9, side)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # The square root of the share as the shade: else the diagonal hides the mistakes.
    shade = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))
    bar = figure.colorbar(shade, ax=axes, fraction=0.046, pad=0.03)
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    bar.set_label("share of the gold class")
    _name_classes(axes, labels)
    _write_cells(axes, counts, shares)
    axes.set_title(f"Confusion of {scores.items:,} items (accuracy {scores.accuracy:.1%})")
    save(figure, path)


def draw_reliability(calibration: Calibration, path: Path) -> None:
    """Accuracy by confidence, without and with the temperature; below, where the items lie."""
    figure, panels = new_figure(9, 5.2, rows=2, columns=2, height_ratios=(3, 1))
    titles = ("Without temperature", f"With temperature {calibration.temperature:.2f}")
    sides = (calibration.before, calibration.after)
    for column, (title, found) in enumerate(zip(titles, sides, strict=True)):
        _draw_diagram(panels[column], found)
        _draw_histogram(panels[2 + column], found)
        panels[column].set_title(f"{title}: ECE {found.ece:.2%}, NLL {found.nll:.3f}")
    panels[0].set_ylabel("accuracy")
    panels[2].set_ylabel("share of items")
    save(figure, path)


def new_figure(
    width: float,
    height: float,
    *,
    rows: int = 1,
    columns: int = 1,
    height_ratios: Sequence[float] | None = None,
    share: bool = True,
) -> tuple[Figure, list[Axes]]:
    """Inches. The axes come row by row; by choice those of a column share their x axis."""
    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(
        rows, columns, squeeze=False, sharex="col" if share else False, height_ratios=height_ratios
    )
    return figure, list(grid.ravel())


def save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", bbox_inches="tight", metadata={"Software": None})


def _line(
    axes: Axes, history: Sequence[Mapping[str, float]], *, key: str, label: str, colour: str
) -> None:
    points = [(row["epoch"], row[key]) for row in history if key in row and "epoch" in row]
    if points:
        marker = "o" if len(points) <= 50 else ""
        axes.plot(*zip(*points, strict=True), color=colour, label=label, marker=marker, ms=4)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _mark_best(
    axes: Axes, history: Sequence[Mapping[str, float]], score: str, *, lower: bool
) -> None:
    points = [(row[score], row["epoch"]) for row in history if score in row and "epoch" in row]
    if not points:
        return
    value, epoch = (min if lower else max)(points, key=lambda point: point[0])
    axes.axvline(epoch, color=GREY, linestyle=":", linewidth=1)
    axes.annotate(
        f"best {value:.1f}" if lower else f"best {value:.2%}",
        (epoch, value),
        textcoords="offset points",
        xytext=(0, 8),
        ha="center",
        color=GREY,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )
    axes.margins(y=0.25)


def _name_classes(axes: Axes, labels: Sequence[str]) -> None:
    places = range(len(labels))
    small = 7 if len(labels) > _LISTED else 9
    long = len(labels) > 5 or max(map(len, labels)) > 10
    axes.set_xticks(places, labels, rotation=90 if long else 0, fontsize=small)
    axes.set_yticks(places, labels, fontsize=small)
    axes.set(xlabel="predicted", ylabel="gold")


def _write_cells(axes: Axes, counts: Floats, shares: Floats) -> None:
    """Counts and shares up to 10 classes, shares alone up to 25, nothing beyond."""
    size = len(counts)
    if size > _LISTED:
        return
    for row, column in zip(*np.nonzero(counts), strict=True):
        share = shares[row, column]
        if size <= _COUNTED:
            text = f"{counts[row, column]:,.0f}\n{share:.1%}"
        else:
            text = f"{100 * share:.0f}" if share >= 0.01 else ""
        colour = "white" if share > 0.4 else "black"
        font = 9 if size <= _COUNTED else 7
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=font)


def _draw_diagram(axes: Axes, found: Reliability) -> None:
    middles, accuracies, confidences = np.array(
        [
            ((one.low + one.high) / 2, one.accuracy, one.confidence)
            for one in found.bins
            if one.items
        ],
        dtype=np.float64,
    ).T
    axes.bar(middles, accuracies, width=0.9 / BINS, color=BLUE, label="accuracy")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfect")
    axes.plot(confidences, accuracies, "o", color=ORANGE, ms=4, label="at mean confidence")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_histogram(axes: Axes, found: Reliability) -> None:
    total = sum(one.items for one in found.bins)
    middles = [(one.low + one.high) / 2 for one in found.bins]
    axes.bar(middles, [one.items / total for one in found.bins], width=0.9 / BINS, color=GREY)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("confidence")
    axes.spines[["top", "right"]].set_visible(False)
