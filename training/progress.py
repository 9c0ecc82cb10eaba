"""A bar for people: step, loss, dev score and time left."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class TrainingBar:
    """Takes the loop's rows; a context manager that owns the terminal line."""

    def __init__(self, console: Console, *, metric: str) -> None:
        self._console = console
        self._metric = metric
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  dev {task.fields[dev]}  left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("training", total=None, loss="-", dev="-")

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

    def record(self, row: Mapping[str, float]) -> None:
        self._bar.update(self._task, completed=row["step"], total=row["steps"])
        if "loss" in row:
            self._bar.update(self._task, loss=f"{row['loss']:.3f}")
        score = row.get(f"dev_{self._metric}")
        if score is not None:
            self._bar.update(self._task, dev=f"{score:.4f}")
            loss = f"dev loss {row['dev_loss']:.4f}"
            self._console.print(f"epoch {row['epoch']:.0f}: dev {self._metric} {score:.4f}, {loss}")
