"""The verdict for people: a picture of the differences with their intervals, and a table."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.table import Table

from training.pictures import BLUE, GREY, ORANGE
from training.retrain.checks import Check
from training.retrain.gate import Verdict

_DPI: Final = 130
_MARKS: Final = {True: "[green]pass[/green]", False: "[red]FAIL[/red]", None: "-"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture, all in points: the difference, its interval, what it is held to."""

    name: str
    value: float
    low: float
    high: float
    bound: float
    passed: bool | None


def rows(verdict: Verdict) -> list[Row]:
    """Each data set, and below it its slices."""
    found = []
    for name, one in verdict.differences.items():
        passed = next(c.passed for c in verdict.checks if (c.kind, c.about) == ("not worse", name))
        ends = (100 * one.value, 100 * one.low, 100 * one.high)
        found.append(Row(name, *ends, -100 * verdict.policy.margin, passed))
        found += [_slice(check) for check in _slices(verdict, name)]
    return found


def draw_verdict(verdict: Verdict, path: Path) -> None:
    """Sets with their bootstrap intervals, slices with the width that their bound allows for."""
    lines = rows(verdict)
    figure = Figure(figsize=(8.5, 1.6 + 0.32 * len(lines)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for place, row in enumerate(lines):
        _draw(axes, place, row)
    axes.set_yticks(range(len(lines)), [row.name for row in lines])
    for text, row in zip(axes.get_yticklabels(), lines, strict=True):
        text.set_fontweight("bold" if row.name in verdict.differences else "normal")
    axes.invert_yaxis()
    axes.axvline(0, color=GREY, linewidth=1)
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("challenger minus champion, in points; the tick is what must not be passed")
    axes.set_title("The gate: passed" if verdict.passed else "The gate: refused")
    figure.savefig(path, format="png", bbox_inches="tight", metadata={"Software": None})


def table(verdict: Verdict) -> Table:
    """Every check: what it looked at, whether it passed, and what it says."""
    found = Table(title=verdict.sentence, title_justify="left", show_lines=False)
    for name in ("check", "of", "", "found"):
        found.add_column(name, overflow="fold")
    for check in verdict.checks:
        found.add_row(check.kind, check.about, _MARKS[check.passed], check.sentence)
    return found


def _slices(verdict: Verdict, name: str) -> Iterator[Check]:
    return (c for c in verdict.checks if c.kind == "slice" and c.about.startswith(f"{name}: "))


def _slice(check: Check) -> Row:
    value, width = (100 * float(check.figures[key] or 0) for key in ("difference", "width"))
    name = f"{check.about.partition(': ')[2]} ({check.figures['items']})"
    bound = 100 * (check.bound or 0)
    return Row(name, value, value - width, value + width, bound, check.passed)


def _draw(axes: Axes, place: int, row: Row) -> None:
    colour = ORANGE if row.passed is False else GREY if row.passed is None else BLUE
    ends = [[row.value - row.low], [row.high - row.value]]
    axes.errorbar([row.value], [place], xerr=ends, color=colour, fmt="o", capsize=3, ms=5)
    axes.plot([row.bound, row.bound], [place - 0.32, place + 0.32], color=GREY, linewidth=1.5)
