"""What two models cost: forward time measured side by side, and the bytes of their files."""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from nlp.model import Model, batches
from nlp.tasks.base import Item, Window
from training.retrain.measured import Budget

ROUNDS: Final = 15
_ITEMS: Final = 64
_BATCH_TOKENS: Final = 1024

Clock = Callable[[], float]


def forward_times(
    champion: Model, challenger: Model, items: Sequence[Item], *, clock: Clock = time.perf_counter
) -> Budget | None:
    """Milliseconds for the same items, each model in turn, round by round, on this machine.

    The order changes from round to round, and the ratio is the median of the rounds' own, so that
    what else the machine does at a time hits both. None for models that answer step by step.
    """
    if champion.stepwise or challenger.stepwise:
        return None
    work = [_batches(model, items[:_ITEMS]) for model in (champion, challenger)]
    models = (champion, challenger)
    for model, rows in zip(models, work, strict=True):
        _forward(model, rows, clock)  # the first pass allocates
    theirs, ours = [], []
    for number in range(ROUNDS):
        seconds = [0.0, 0.0]
        for place in (0, 1) if number % 2 else (1, 0):
            seconds[place] = _forward(models[place], work[place], clock)
        theirs.append(seconds[0])
        ours.append(seconds[1])
    ratio = statistics.median(b / a for a, b in zip(theirs, ours, strict=True))
    return Budget("ms", 1e3 * statistics.median(theirs), 1e3 * statistics.median(ours), ratio)


def file_sizes(champion: Path, challenger: Path) -> Budget:
    """Bytes of all files of two version folders."""
    theirs, ours = (sum(p.stat().st_size for p in f.iterdir()) for f in (champion, challenger))
    return Budget("bytes", theirs, ours, ours / theirs)


def _batches(model: Model, items: Sequence[Item]) -> list[list[Window]]:
    windows = [window for item in items for window in model.encode(item).windows]
    cut = batches([window.length for window in windows], _BATCH_TOKENS)
    return [[windows[place] for place in batch] for batch in cut]


def _forward(model: Model, work: Sequence[Sequence[Window]], clock: Clock) -> float:
    """Seconds."""
    started = clock()
    for batch in work:
        model.forward(batch)
    return clock() - started
