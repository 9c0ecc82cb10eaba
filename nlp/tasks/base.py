"""The three stages every task has, and what passes between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nlp.text import Words


@dataclass(frozen=True, slots=True)
class Aspect:
    """What an opinion may be about: a term of the text, or a category that it never names.

    text: the term as the text has it, or the category ("food").
    start, end: where the term stands, in code points, half-open; None where that is not known.
    """

    text: str
    start: int | None = None
    end: int | None = None

    @property
    def located(self) -> bool:
        return self.start is not None


@dataclass(frozen=True, slots=True)
class AspectItem:
    """A text and the aspects that are asked of it; the text may hold none of them."""

    text: str
    aspects: tuple[Aspect, ...] = ()


Item = str | Sequence[str] | AspectItem
"""A raw text, words already tokenised (kept one to one), or a text with its aspects."""

Arrays = dict[str, NDArray[Any]]
"""Named arrays; the first axis is the batch unless the feature says otherwise."""

Floats = NDArray[np.float64]

Row = Mapping[str, NDArray[np.float32]]
"""One window's share of the network's outputs, by output name; still padded in time."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled item.

    item: a raw text, words already tokenised (kept one to one), or a text with its aspects.
    gold: the label of a text; or one tuple of labels per layer in order: the tags of the words
        (upos, xpos), each as long as `item`, or the sentiments of the aspects (one tuple).
    source: "file name:line", for messages.
    """

    item: str | tuple[str, ...] | AspectItem
    gold: str | tuple[tuple[str, ...], ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """One row of a batch: a run of words that goes through the network together.

    arrays: what else the network reads of this row, by feature name: (n,) integers, or (n,) float
        weights; a batch pads them with zeros behind. `nlp.features` makes some, tasks the others.
    positions: places the row takes in the network, where that is not its number of words.
    """

    words: tuple[str, ...]
    ids: NDArray[np.int64]  # (time,)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    positions: int = 0

    @property
    def length(self) -> int:
        """What padding and batch budgets count."""
        return self.positions or len(self.words)


@dataclass(frozen=True, slots=True)
class Encoded:
    """One item, ready for the network. An item without words has no windows."""

    words: Words
    windows: tuple[Window, ...]

    @property
    def tokens(self) -> int:
        return len(self.words.words)


class Answer(Protocol):
    """What a task says of one item."""

    def to_dict(self) -> dict[str, Any]: ...


class Task(Protocol):
    """Text to arrays and arrays to answers; numpy only, so that serving needs no torch."""

    @property
    def layers(self) -> Mapping[str, tuple[str, ...]]:
        """Label set of each output of the network, by output name."""

    def encode(self, item: Item) -> Encoded:
        """One item to windows. Raises TextError."""

    def collate(self, windows: Sequence[Window]) -> Arrays:
        """Windows to one padded batch of the network's inputs."""

    def distributions(self, encoded: Encoded, rows: Sequence[Row]) -> Mapping[str, Floats]:
        """Calibrated probabilities by layer: (1, labels) of a text, (tokens, tags) of its words."""

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> Answer:
        """The item's rows, one a window, to its answer."""

    def probe(self, words: Sequence[str]) -> Window:
        """A window of these words with all that the network reads, for proofs on random words."""


class Search(Protocol):
    """An answer that is found step by step (beam search, sampling): each step's rows go through
    the network like any others, so that steps of different requests share batches.
    """

    def wanted(self) -> Sequence[Window]:
        """The rows it needs next, in order; none when it has ended."""

    def take(self, rows: Sequence[Row]) -> None:
        """The network's answer to what was wanted, row by row."""

    def rows(self) -> Sequence[Row]:
        """What it has found, as `Task.decode` reads it."""


class OnePass:
    """The search of a task that needs one pass over its windows."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = windows
        self._rows: Sequence[Row] = ()

    def wanted(self) -> Sequence[Window]:
        return self._windows

    def take(self, rows: Sequence[Row]) -> None:
        self._windows, self._rows = (), rows

    def rows(self) -> Sequence[Row]:
        return self._rows


class StepwiseTask(Task, Protocol):
    """A task whose answers are found by a search instead of one pass over the windows."""

    def search(self, encoded: Encoded) -> Search: ...
