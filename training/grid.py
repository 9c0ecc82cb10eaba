"""The grid of an ablation: axes of values laid over one recipe, each point with several seeds."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.errors import RecipeError
from training.recipe import Recipe
from training.recipe_files import load_recipe

Choice = Mapping[str, str]
"""Value by key, as typed; keys in the order of the axes."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A dotted key of the recipe, and the values that it takes in turn."""

    key: str
    values: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Axis":
        """ "network.cell=rnn,gru,lstm"; a value may be a list: "network.hidden=[100],[300,300]".

        `network.cell` is short for `network.sizes.cell`. Raises RecipeError.
        """
        key, equals, listed = text.partition("=")
        values = tuple(value.strip() for value in _parts(listed))
        if not equals or not key or not all(values):
            raise RecipeError(f"expected key=value,value,..., found {text!r}")
        if len(set(values)) < len(values):
            raise RecipeError(f"{text!r} names a value twice")
        return cls(_full(key), values)

    @property
    def name(self) -> str:
        """The key's last part, for people."""
        return self.key.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Cell:
    """One training of the grid: a choice, a seed, and the recipe that they make."""

    choice: Choice
    seed: int
    recipe: Recipe


def grid(
    name_or_path: str | Path, axes: Sequence[Axis], *, overrides: Sequence[str] = (), seeds: int
) -> list[Cell]:
    """Every choice with every seed, choice by choice; the first seed is the recipe's own.

    All recipes are checked before any is trained. Raises RecipeError, also for choices that would
    not be scored on the same items by the same metric.
    """
    keys = [axis.key for axis in axes]
    if not axes or len(set(keys)) < len(keys):
        raise RecipeError("name at least one key to vary, and none twice")
    first = load_recipe(name_or_path, overrides).seed
    cells = []
    for values in itertools.product(*(axis.values for axis in axes)):
        choice = dict(zip(keys, values, strict=True))
        laid = [*overrides, *(f"{key}={value}" for key, value in choice.items())]
        for seed in range(first, first + seeds):
            recipe = load_recipe(name_or_path, [*laid, f"seed={seed}"])
            cells.append(Cell(choice, seed, recipe))
    _check_comparable([cell.recipe for cell in cells])
    return cells


def named(choice: Choice) -> str:
    """ "cell=gru, pooling=max" """
    return ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in choice.items())


def _check_comparable(recipes: Sequence[Recipe]) -> None:
    scored = [(r.task, r.training.metric, r.data.test, r.data.dev, r.data.limit) for r in recipes]
    if any(one != scored[0] for one in scored):
        raise RecipeError(
            "every choice must be scored alike: task, training.metric, data.test, data.dev and "
            "data.limit cannot vary"
        )


def _full(key: str) -> str:
    first, dot, rest = key.partition(".")
    sizes = first == "network" and dot and rest.partition(".")[0] not in ("architecture", "sizes")
    return f"network.sizes.{rest}" if sizes else key


def _parts(listed: str) -> Iterator[str]:
    """Split at the commas that stand in no bracket and in no quotes."""
    depth, quote, start = 0, "", 0
    for place, character in enumerate(listed):
        if quote or character in "\"'":
            quote = "" if character == quote else quote or character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif character == "," and depth == 0:
            yield listed[start:place]
            start = place + 1
    yield listed[start:]
