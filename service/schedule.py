"""Which of the waiting rows make the next batch."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from service.costs import CostModel


def choose(
    lengths: Sequence[int], costs: CostModel, *, budget: int, must: int | None = None
) -> list[int]:
    """Places of the rows that answer the most real tokens a second, as one batch.

    Rows are sorted by length. For each length as the longest, shorter neighbours are added while
    they raise the batch's speed and rows x longest stays within `budget`; the fastest run goes.
    `must` is the place of a row that has waited too long: only runs that hold it count. A row alone
    always fits. Among equals the older (lower place) goes first. O(n log n).
    """
    order = sorted(range(len(lengths) - 1, -1, -1), key=lengths.__getitem__)
    sizes = [max(1, lengths[i]) for i in order]
    place = None if must is None else order.index(must)
    best, best_speed = range(0), 0.0
    for run, speed in _runs(sizes, costs, budget=budget, must=place):
        if speed > best_speed:
            best, best_speed = run, speed
    return [order[i] for i in best]


def _runs(
    sizes: Sequence[int], costs: CostModel, *, budget: int, must: int | None
) -> Iterator[tuple[range, float]]:
    """The best run for each longest row, with its speed in tokens a second.

    Every row added costs the same and brings no more than the one before it, so the speed of a run
    rises, then falls: the first row that does not raise it ends the run. A run with a shorter
    longest row reaches at least as far down, so `first` never has to go back up.
    """
    before = [0, *accumulate(sizes)]
    first = len(sizes) - 1
    for last in _ends(sizes, must):
        longest, first = sizes[last], min(first, last)
        tokens = before[last + 1] - before[first]
        seconds, row = costs.seconds(last - first + 1, longest), costs.token * longest
        lowest = max(0, last + 1 - budget // longest)
        while first > lowest:
            size = sizes[first - 1]
            if size * seconds <= tokens * row and (must is None or first <= must):
                break
            first, tokens, seconds = first - 1, tokens + size, seconds + row
        if must is None or first <= must:
            yield range(first, last + 1), tokens / seconds


def _ends(sizes: Sequence[int], must: int | None) -> list[int]:
    """Where a run may end, from the top: the last row of each length.

    With `must`, every row above it: the budget may leave room for some rows of a length only.
    """
    top = len(sizes) - 1
    if must is not None:
        return list(range(top, must - 1, -1))
    return [i for i in range(top, -1, -1) if i == top or sizes[i + 1] > sizes[i]]
