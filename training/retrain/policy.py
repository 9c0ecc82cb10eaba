"""What the gate asks of a challenger, read from TOML; a key that is left out has its default."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from training.build import Between, build
from training.errors import RecipeError

Share = Annotated[float, Between(least=0, most=1)]
Level = Annotated[float, Between(above=0, most=0.5)]
Power = Annotated[float, Between(least=0.5, most=0.999)]
Ratio = Annotated[float, Between(above=0)]
Count = Annotated[int, Between(least=1)]


@dataclass(frozen=True, slots=True)
class Policy:
    """Shares and bounds are of 1: a margin of 0.02 is two points of accuracy.

    alpha: the risk of calling equal models different, over all data sets together (Holm), and
        one-sided that of a margin wrongly held to be kept.
    power: of the difference that is said to be detectable.
    margin: a challenger is refused unless it is shown to be no further below the champion than
        this, on every data set. Two models that are equally good and differ on one item in ten need
        about 700 items to show 0.02 every other time, and 1,600 to show it four times in five.
    slice_bound: how much the F1 of a class, a length or another slice may fall; widened to what its
        items can show. (A retraining that is as accurate as its champion was seen to move the two
        classes' recalls on SST-2 by three points against each other, their F1 by less than one.)
    ece_bound: how much the calibration error may rise; widened alike.
    behaviour_bound: how much the pass rate of one capability may fall. They have a few dozen cases
        each, so that one slip moves a rate by a few points.
    behaviour_total_bound: the same of all cases together.
    latency_ratio, size_ratio: challenger to champion, of forward time and of bytes. Feedback adds
        words to a vocabulary; clocks on shared machines are noisy.
    least_items: a data set with fewer is reported and decides nothing.
    least_slice_items: the same of a slice.
    resamples, seed: of the bootstrap.
    """

    alpha: Level = 0.05
    power: Power = 0.8
    margin: Share = 0.02
    slice_bound: Share = 0.03
    ece_bound: Share = 0.02
    behaviour_bound: Share = 0.15
    behaviour_total_bound: Share = 0.05
    latency_ratio: Ratio = 1.5
    size_ratio: Ratio = 1.5
    least_items: Count = 100
    least_slice_items: Count = 30
    resamples: Count = 2000
    seed: Annotated[int, Between(least=0)] = 13


DEFAULT: Final = Policy()


def load_policy(path: Path | None) -> Policy:
    """The policy of a file; without one, the defaults.

    Raises RecipeError for a file that is absent or no TOML, and for a key or value that is wrong.
    """
    if path is None:
        return DEFAULT
    if not path.is_file():
        raise RecipeError(f"there is no gate policy {str(path)!r}")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} is no TOML: {error}") from None
    return build(Policy, raw)
