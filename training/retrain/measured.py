"""All that the gate looks at: figures of both models on the same items, and no text.

It is plain values, so that a job can keep it as JSON (`training.build` reads it back) and a test
can make one up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from training.paired import Shares
from training.scores import Slice

Pairs = tuple[tuple[float, float], ...]
"""(items, 2): what an item adds to a figure's upper and lower sum, see `training.paired`."""

Kind = Literal["minimum functionality", "invariance", "direction"]


@dataclass(frozen=True, slots=True)
class Sureness:
    """A layer's expected calibration error, its standard error, and what it was taken over."""

    ece: float
    error: float
    items: int


@dataclass(frozen=True, slots=True)
class Side:
    """What one model got of a data set.

    shares: by item. right: of each label whether it was right, item by item; empty for spans.
    slices: shares of the items of a slice (a length), or of all (the F1 of a class; an item that
    neither gold nor answer puts into the class adds nothing). parts: slices of which the
    task tells an accuracy alone.
    """

    shares: Pairs
    right: tuple[bool, ...] = ()
    slices: Mapping[str, Pairs] = field(default_factory=dict)
    parts: tuple[Slice, ...] = ()
    ece: Mapping[str, Sureness] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """A data set that both answered. measure: the figure's name, "accuracy" or "span F1"."""

    name: str
    measure: str
    champion: Side
    challenger: Side


@dataclass(frozen=True, slots=True)
class Capability:
    """A group of behavioural tests: of each case, whether the two passed."""

    name: str
    kind: Kind
    champion: tuple[bool, ...]
    challenger: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """What the two cost. unit: "ms" of forward time for the same items, or "bytes" of the files.

    ratio: challenger to champion; of times it is the median over interleaved rounds.
    """

    unit: Literal["ms", "bytes"]
    champion: float
    challenger: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Measured:
    """latency is None for a task that answers step by step; notes: what could not be measured."""

    sets: tuple[Compared, ...]
    behaviour: tuple[Capability, ...] = ()
    latency: Budget | None = None
    size: Budget | None = None
    notes: tuple[str, ...] = ()


def array(pairs: Pairs) -> Shares:
    """(items, 2)"""
    return np.array(pairs, np.float64).reshape(-1, 2)
