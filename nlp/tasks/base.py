"""The three stages every task has, and what passes between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nlp.text import Words

Item = str | Sequence[str]
"""A raw text, or words already tokenised (kept one to one)."""

Arrays = dict[str, NDArray[Any]]
"""Named arrays; the first axis is the batch unless the feature says otherwise."""

Floats = NDArray[np.float64]

Row = Mapping[str, NDArray[np.float32]]
"""One window's share of the network's outputs, by output name; still padded in time."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled item.

    item: a raw text, or words already tokenised (kept one to one).
    gold: the label (sentiment), or one tuple of tags per layer in order (tagging: upos, xpos),
        each as long as `item`.
    source: "file name:line", for messages.
    """

    item: str | tuple[str, ...]
    gold: str | tuple[tuple[str, ...], ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """One row of a batch: a run of words that goes through the network together."""

    words: tuple[str, ...]
    ids: NDArray[np.int64]  # (time,)

    @property
    def length(self) -> int:
        """Tokens: what padding and batch budgets count."""
        return len(self.words)


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
