"""Simulated outcomes of two models on the same items, where the truth is known."""

from collections.abc import Sequence

import numpy as np

from training.retrain.measured import Compared, Side, Sureness


def sides(
    items: int, *, gained: float, lost: float, right: float, generator: np.random.Generator
) -> tuple[list[bool], list[bool]]:
    """Champion and challenger by item: both right with probability `right`, just the challenger
    with `gained`, just the champion with `lost`; else neither.
    """
    drawn = generator.choice(4, size=items, p=[right, gained, lost, 1 - right - gained - lost])
    return [bool(d in (0, 2)) for d in drawn], [bool(d in (0, 1)) for d in drawn]


def side(right: Sequence[bool], *, ece: float = 0.02, classes: int = 2) -> Side:
    """One label an item; the items take turns in being of each class."""
    shares = tuple((float(one), 1.0) for one in right)
    slices = {f"of class {c}": shares[c::classes] for c in range(classes)}
    sureness = Sureness(ece, 0.002, len(right))
    return Side(shares, tuple(right), slices, ece={"sentiment": sureness})


def compared(
    name: str,
    items: int,
    *,
    gained: float,
    lost: float,
    generator: np.random.Generator,
    right: float = 0.75,
) -> Compared:
    champion, challenger = sides(items, gained=gained, lost=lost, right=right, generator=generator)
    return Compared(name, "accuracy", side(champion), side(challenger))
