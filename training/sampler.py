"""The next trial of a search, drawn by Optuna.

Optuna keeps nothing on disk here: its study is made anew for each draw, of the trials that ended.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from training.recipe import LOWER_IS_BETTER, Recipe, to_dict
from training.space import Choice, Range

Values = Mapping[str, Choice]
"""Value by dotted key."""

_ATTEMPTS: Final = 100


@dataclass(frozen=True, slots=True)
class Scored:
    """A trial that ended, with its dev score; None where that was no number."""

    values: Values
    score: float | None


def draw(recipe: Recipe, done: Sequence[Scored]) -> Values | None:
    """What to try next; None where nothing is found that was not tried.

    A function of its arguments alone: the recipe with its seed, and the trials before.
    """
    own = own_values(recipe) if not done else None
    if own is not None:
        return own
    tried = [dict(trial.values) for trial in done]
    for attempt in range(_ATTEMPTS):
        values = _sample(recipe, done, seed=_seed(recipe.seed, len(done), attempt))
        if values not in tried:
            return values
    return None


def own_values(recipe: Recipe) -> Values | None:
    """The recipe's own values of the keys that are searched, if it names all and all may be."""
    plain = to_dict(recipe)
    values = {key: _found(plain, key) for key in recipe.search}
    inside = (holds(space, values[key]) for key, space in recipe.search.items())
    return values if all(inside) else None


def holds(space: Range | tuple[Choice, ...], value: object) -> bool:
    """Whether a value may be drawn."""
    if isinstance(space, tuple):
        return any(value == one and type(value) is type(one) for one in space)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if space.whole and not isinstance(value, int):
        return False
    if space.step is not None:
        steps = (value - space.low) / space.step
        return space.low <= value <= space.high and math.isclose(steps, round(steps), abs_tol=1e-9)
    return space.low <= value <= space.high


def _sample(recipe: Recipe, done: Sequence[Scored], *, seed: int) -> dict[str, Choice]:
    """By TPE; the first ten trials are drawn evenly."""
    distributions = {key: _distribution(space) for key, space in recipe.search.items()}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="minimize" if recipe.training.metric in LOWER_IS_BETTER else "maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
    )
    for trial in done:
        if trial.score is not None:
            study.add_trial(_frozen(trial.values, trial.score, distributions))
    drawn = study.ask(distributions).params
    return {key: _decoded(distributions[key], value) for key, value in drawn.items()}


def _frozen(
    values: Values, score: float, distributions: Mapping[str, BaseDistribution]
) -> optuna.trial.FrozenTrial:
    params = {key: _encoded(distributions[key], value) for key, value in values.items()}
    return optuna.trial.create_trial(params=params, distributions=dict(distributions), value=score)


def _distribution(space: Range | tuple[Choice, ...]) -> BaseDistribution:
    if isinstance(space, tuple):
        return CategoricalDistribution([json.dumps(choice) for choice in space])
    if space.whole:
        step = 1 if space.step is None else int(space.step)
        return IntDistribution(int(space.low), int(space.high), log=space.log, step=step)
    return FloatDistribution(space.low, space.high, log=space.log, step=space.step)


def _encoded(distribution: BaseDistribution, value: Choice) -> Any:  # noqa: ANN401 - JSON
    """Optuna's choices are scalars: ours, which may be lists, go as JSON."""
    return json.dumps(value) if isinstance(distribution, CategoricalDistribution) else value


def _decoded(distribution: BaseDistribution, value: Any) -> Any:  # noqa: ANN401 - JSON
    return json.loads(value) if isinstance(distribution, CategoricalDistribution) else value


def _found(plain: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401 - JSON
    """The value at a dotted key; None where there is none."""
    node: Any = plain
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
