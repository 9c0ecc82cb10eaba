"""Answers that take several tickets: searches, whose steps need one another's rows, and requests of
more rows than the queue should hold at a time, which come in slices.

All searches of a request step together, so that a step is one ticket; steps of different requests
share batches, because the batcher does not tell them from anything else (continuous batching). A
search that fails, or whose rows do, fails alone.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import structlog

from nlp.tasks.base import Row, Search, Window
from service.logs import describe
from service.tickets import DeviceFailed, Outcome

log = structlog.get_logger()
T = TypeVar("T")

LARGE_SCORES: Final = 4000
"""A step with more scores than this is thought over in a thread: drawing one of 10,000 words takes
2 to 6 ms (measured), a beam over them 1 ms, the way to a thread and back 0.1 ms."""


class Lockstep:
    """Searches that take their steps together; `begin` makes one each, when the first step is."""

    def __init__(self, begin: Iterable[Callable[[], Search]]) -> None:
        self._open: dict[int, Search] = {}
        self._failed: dict[int, DeviceFailed] = {}
        self._searches = list(begin)

    def begin(self) -> dict[int, Sequence[Window]]:
        """The rows that each search needs first, by its place."""
        for place, begin in enumerate(self._searches):
            search = self._try(place, begin)
            if search is not None:
                self._open[place] = search
        return self._wanted()

    def take(self, outcomes: Mapping[int, Outcome]) -> dict[int, Sequence[Window]]:
        """Hand over what was wanted; return what is wanted next, nothing at the end."""
        for place, outcome in outcomes.items():
            if isinstance(outcome, DeviceFailed):
                self._fail(place, outcome)
            else:
                self._try(place, partial(self._open[place].take, outcome))
        return self._wanted()

    def outcomes(self) -> list[Outcome]:
        """What each search found, or why it found nothing."""
        found = {place: self._try(place, search.rows) for place, search in [*self._open.items()]}
        return [
            self._failed[place] if place in self._failed else list(found[place] or ())
            for place in range(len(self._searches))
        ]

    def _wanted(self) -> dict[int, Sequence[Window]]:
        asked = {place: self._try(place, search.wanted) for place, search in [*self._open.items()]}
        return {place: windows for place, windows in asked.items() if windows}

    def _try(self, place: int, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - one strange item must not fail its neighbours
            incident = secrets.token_hex(8)
            log.error("search_failed", incident=incident, **describe(error))
            self._fail(place, DeviceFailed(incident))
            return None

    def _fail(self, place: int, failure: DeviceFailed) -> None:
        self._failed[place] = failure
        self._open.pop(place, None)


@dataclass(slots=True)
class Slices:
    """Many items' windows, handed out in runs of at most `budget` tokens (one window at least)."""

    items: Sequence[Sequence[Window]]
    budget: int
    _rows: list[list[Row]] = field(init=False)
    _failed: dict[int, DeviceFailed] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._rows = [[] for _ in self.items]

    def __iter__(self) -> Iterator[list[tuple[int, Window]]]:
        """Each run: windows with the places of their items, in order."""
        run: list[tuple[int, Window]] = []
        tokens = 0
        for place, windows in enumerate(self.items):
            for window in windows:
                if run and tokens + window.length > self.budget:
                    yield run
                    run, tokens = [], 0
                run.append((place, window))
                tokens += window.length
        if run:
            yield run

    def take(self, run: Sequence[tuple[int, Window]], outcomes: Sequence[Outcome]) -> None:
        """What became of each window of a run."""
        for (place, _), outcome in zip(run, outcomes, strict=True):
            if isinstance(outcome, DeviceFailed):
                self._failed[place] = outcome
            else:
                self._rows[place] += outcome

    def outcomes(self) -> list[Outcome]:
        """Each item's rows in the order of its windows, or why there are none."""
        return [self._failed.get(place, rows) for place, rows in enumerate(self._rows)]


def is_large(outcomes: Iterable[Outcome]) -> bool:
    """Whether a step has so many scores that a thread must think them over."""
    rows = (row for outcome in outcomes if isinstance(outcome, list) for row in outcome)
    return sum(_scores(row) for row in rows) > LARGE_SCORES


def _scores(row: Row) -> int:
    return sum(array.size for array in row.values())
