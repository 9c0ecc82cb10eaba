"""A bar for people over many trainings: which one, how far, and the time that all will take."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn


class GridBar:
    """Takes the loop's rows of one training after another; owns the terminal line.

    The time left goes by the trainings of this call alone: those done before took none of it.
    """

    def __init__(self, console: Console, *, total: int) -> None:
        self._total = total
        self._done = 0
        self._trained = 0.0
        self._started = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[share]}  left {task.fields[left]}"),
            console=console,
        )
        self._task = self._bar.add_task("", total=total, share="", left="-:--:--")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin(self, name: str) -> None:
        self._bar.update(self._task, description=name, share="")

    def record(self, row: Mapping[str, float]) -> None:
        """A row of the training under way: step of steps."""
        if row.get("steps"):
            self._show(row["step"] / row["steps"])

    def end(self, said: str, *, trained: bool) -> None:
        """trained: whether it took time now, or had been done before."""
        self._done += 1
        self._trained += trained
        self._bar.console.print(said, highlight=False)
        self._show(0.0)

    def _show(self, share: float) -> None:
        self._bar.update(
            self._task,
            completed=self._done,
            share=f"{share:4.0%}" if share else "",
            left=clock(self._left(share)),
        )

    def _left(self, share: float) -> float | None:
        trained = self._trained + share
        if not trained:
            return None
        each = (time.monotonic() - self._started) / trained
        return each * (self._total - self._done - share)


def clock(seconds: float | None) -> str:
    """h:mm:ss; dashes where it is not known."""
    if seconds is None:
        return "-:--:--"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
