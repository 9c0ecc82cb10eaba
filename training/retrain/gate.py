"""The gate: may the challenger take the champion's place?

It passes that is significantly better on at least one data set (Holm over the sets) and, on each,
not worse than a margin; of which no slice, calibration, behaviour or cost is worse beyond its
bound. The verdict holds every check with its figures, whether it passed or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from training.build import to_plain
from training.errors import ScoreError
from training.retrain import checks
from training.retrain.checks import Check
from training.retrain.difference import Difference, difference
from training.retrain.measured import Compared, Measured, array
from training.retrain.policy import Policy


@dataclass(frozen=True, slots=True)
class Verdict:
    """passed: no check failed. sentence: for a log. differences: by data set, for the picture."""

    passed: bool
    sentence: str
    checks: tuple[Check, ...]
    differences: Mapping[str, Difference]
    policy: Policy
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.passed is False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the manifest and the alias's log; `training.build` reads them back."""
        return cast(dict[str, Any], to_plain(self))


def judge(measured: Measured, policy: Policy) -> Verdict:
    """Raises ScoreError where no data set was measured, or the two sides do not fit."""
    if not measured.sets:
        raise ScoreError("a challenger cannot be judged on no data set")
    differences = {one.name: _difference(one, policy, len(measured.sets)) for one in measured.sets}
    found = (
        checks.better(differences, policy),
        *(checks.not_worse(name, one, policy) for name, one in differences.items()),
        *(check for one in measured.sets for check in checks.slices(one, policy)),
        *(check for one in measured.sets for check in checks.calibration(one, policy)),
        *checks.behaviour(measured.behaviour, policy),
        *checks.budgets(measured, policy),
    )
    failed = [check for check in found if check.passed is False]
    return Verdict(not failed, _sentence(found, failed), found, differences, policy, measured.notes)


def _difference(one: Compared, policy: Policy, sets: int) -> Difference:
    sides = one.champion, one.challenger
    right = (sides[0].right, sides[1].right) if sides[0].right else None
    champion, challenger = (array(side.shares) for side in sides)
    return difference(champion, challenger, right=right, policy=policy, sets=sets)


def _sentence(found: tuple[Check, ...], failed: list[Check]) -> str:
    if not failed:
        return f"passed: {found[0].sentence}"
    first = failed[0]
    more = f" (and {len(failed) - 1} more of {len(found)} checks)" if failed[1:] else ""
    return f"refused: {first.kind}, {first.about}: {first.sentence}{more}"
