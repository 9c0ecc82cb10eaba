"""The picture of an ablation: each choice's dev and held-out score, a mark a seed."""

from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from training.ablate import Ablation, Spread
from training.grid import named
from training.pictures import BLUE, ORANGE
from training.recipe import LOWER_IS_BETTER

_DPI: Final = 130
_APART: Final = 0.16


def draw_ablation(ablation: Ablation, path: Path) -> None:
    """Means with their standard deviations; the best choice by dev is written bold."""
    figure = Figure(figsize=(7.5, 1.6 + 0.5 * len(ablation.lines)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for place, line in enumerate(ablation.lines):
        _draw(axes, place - _APART, line.dev, colour=BLUE, label="dev" if place == 0 else "")
        held_out = ablation.scored_on if place == 0 else ""
        _draw(axes, place + _APART, line.test, colour=ORANGE, label=held_out)
    labels = [named(line.choice) for line in ablation.lines]
    axes.set_yticks(range(len(labels)), labels)
    for text, line in zip(axes.get_yticklabels(), ablation.lines, strict=True):
        text.set_fontweight("bold" if line.best else "normal")
    axes.invert_yaxis()
    axes.set_xlabel(ablation.metric.replace("_", " "))
    if ablation.metric not in LOWER_IS_BETTER:
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"Mean ± sd of {len(ablation.seeds)} seeds")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, format="png", bbox_inches="tight", metadata={"Software": None})


def _draw(axes: Axes, height: float, spread: Spread, *, colour: str, label: str) -> None:
    axes.errorbar(
        [spread.mean], [height], xerr=[spread.sd or 0.0], color=colour, fmt="o", capsize=3,
        label=label or "_",
    )  # fmt: skip
    axes.plot(spread.values, [height] * len(spread.values), "|", color=colour, alpha=0.6)
