"""The space that a hyper-parameter search looks through: the `search` table of a recipe.

A key is a dotted key of the recipe; its value a range or a list of choices:

    [search]
    "training.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
    "network.sizes.hidden" = { low = 100, high = 300, step = 50 }
    "network.sizes.cell" = ["lstm", "gru"]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from training.errors import RecipeError

Choice = int | float | str | bool | list[int]

SEARCHED: Final = ("training", "network", "text", "features")
"""Parts of a recipe that may vary: with other data or another seed, dev scores are no match."""
_FIXED: Final = frozenset({"training.metric"})


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from low to high, both included; whole ones where both are whole.

    log: drawn evenly on the logarithm's scale. step: only low, low + step, low + 2 * step, ...
    """

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise RecipeError(
                f"must be above low ({self.low:g}), and is {self.high:g}", path="high"
            )
        if self.log and self.low <= 0:
            raise RecipeError(f"must be above 0 on a log scale, and is {self.low:g}", path="low")
        if self.step is not None and (self.log or self.step <= 0):
            raise RecipeError("must be above 0, and cannot be with log = true", path="step")
        if self.whole and not isinstance(self.step, int | None):
            raise RecipeError("must be whole, as low and high are", path="step")

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)


Space = Mapping[str, Range | tuple[Choice, ...]]


def check_space(space: Space) -> None:
    """Raises RecipeError for a key that must not vary, and for a choice of nothing."""
    for key, values in space.items():
        if key.partition(".")[0] not in SEARCHED or "." not in key or key in _FIXED:
            known = ", ".join(f"{part}.…" for part in SEARCHED)
            raise RecipeError(
                f"cannot be searched; what can: {known} (not training.metric)",
                path=f"search.{key}",
            )
        if isinstance(values, tuple) and not values:
            raise RecipeError("must name at least one choice", path=f"search.{key}")
