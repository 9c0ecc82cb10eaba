"""How far apart two systems are that answered the same items, and what so many items can show.

Every figure is a share of sums over items, as in `training.paired`. Sources: the paired bootstrap
(Efron and Tibshirani 1993; Koehn 2004); McNemar's test, exact (McNemar 1947); approximate
randomisation where items hold several labels (Yeh 2000); the detectable difference of paired
proportions from Connor (1987), "Sample size for testing differences in proportions for the
paired-sample design", Biometrics 43:

    n = (z[1 - alpha/2] sqrt(psi) + z[power] sqrt(psi - delta^2))^2 / delta^2

with psi the share of items on which just one of the two is right. For other shares (F1) it is
(z[1 - alpha/2] + z[power]) times the standard error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binomtest, norm

from training.errors import ScoreError
from training.paired import Shares, p_value
from training.retrain.policy import Policy

Floats = NDArray[np.float64]
TestName = Literal["McNemar, exact", "approximate randomisation"]

_BLOCK: Final = 250
_LEAST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus champion on the same items.

    items: texts. low, high: the bootstrap interval at 1 - alpha. lower: the one-sided bound at the
    same level, for "not worse". p: two-sided, before any correction. gained, lost: labels that just
    the challenger, and just the champion, has right; None where the figure has no such labels.
    mcnemar: the exact test on these; it is `p` where each item has one label. detectable: the
    difference found with the policy's power; None where no difference of these items would be.
    """

    items: int
    champion: float
    challenger: float
    value: float
    low: float
    high: float
    lower: float
    p: float
    test: TestName
    gained: int | None
    lost: int | None
    mcnemar: float | None
    detectable: float | None


def difference(
    champion: Shares,
    challenger: Shares,
    *,
    right: tuple[Sequence[bool], Sequence[bool]] | None,
    policy: Policy,
    sets: int = 1,
) -> Difference:
    """champion, challenger: (items, 2). right: of each label, whether the two had it right.

    sets: how many data sets are tested together; the detectable difference is of Holm's first step.
    """
    check_same(champion, challenger)
    drawn = bootstrap(champion, challenger, resamples=policy.resamples, seed=policy.seed)
    low, high = np.quantile(drawn, [policy.alpha / 2, 1 - policy.alpha / 2])
    gained, lost = (None, None) if right is None else discordant(*right)
    exact = None if gained is None or lost is None else mcnemar(gained, lost)
    single = right is not None and len(right[0]) == len(champion)
    ours, theirs = share(challenger), share(champion)
    return Difference(
        items=len(champion),
        champion=theirs,
        challenger=ours,
        value=ours - theirs,
        low=float(low),
        high=float(high),
        lower=float(np.quantile(drawn, policy.alpha)),
        p=exact if single and exact is not None else p_value(champion, challenger),
        test="McNemar, exact" if single else "approximate randomisation",
        gained=gained,
        lost=lost,
        mcnemar=exact,
        detectable=_detectable(
            champion, challenger, single=single, alpha=policy.alpha / sets, power=policy.power
        ),
    )


def check_same(champion: Shares, challenger: Shares) -> None:
    """Raises ScoreError for systems that did not answer the same items, and for none at all."""
    if champion.shape != challenger.shape or not len(champion):
        raise ScoreError(f"{len(champion)} items cannot be paired with {len(challenger)}")


def share(sums: Shares) -> float:
    """(items, 2) to the figure: 0 of nothing."""
    upper, lower = sums.sum(axis=0)
    return float(upper / max(lower, _LEAST))


def bootstrap(champion: Shares, challenger: Shares, *, resamples: int, seed: int) -> Floats:
    """The difference in each resample of the items, (resamples,); an item's two answers stay
    together.
    """
    both = np.hstack([champion, challenger])  # (items, 4)
    kinds, counts = np.unique(both, axis=0, return_counts=True)  # equal items are drawn together
    generator = np.random.default_rng(seed)
    found = []
    for start in range(0, resamples, _BLOCK):  # in blocks: a large set needs little memory
        size = min(_BLOCK, resamples - start)
        drawn = generator.multinomial(len(both), counts / len(both), size=size)
        sums = drawn @ kinds  # (block, 4)
        shares = sums[:, 0::2] / np.maximum(sums[:, 1::2], _LEAST)  # (block, 2)
        found.append(shares[:, 1] - shares[:, 0])
    return np.concatenate(found)


def standard_error(champion: Shares, challenger: Shares) -> float:
    """Of the difference of two shares on the same items, by linearisation (Cochran 1977, ch. 6)."""
    pulled = _influence(challenger) - _influence(champion)  # (items,)
    return float(sqrt(np.square(pulled).sum()))


def _influence(sums: Shares) -> Floats:
    """How far each item pulls the share away from where it is, (items,)."""
    pulled = sums[:, 0] - share(sums) * sums[:, 1]
    return np.asarray(pulled / max(sums[:, 1].sum(), _LEAST))


def discordant(champion: Sequence[bool], challenger: Sequence[bool]) -> tuple[int, int]:
    """Labels that just the challenger has right, and just the champion."""
    theirs, ours = np.asarray(champion, bool), np.asarray(challenger, bool)
    return int((ours & ~theirs).sum()), int((theirs & ~ours).sum())


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided p value: of discordant labels each side gets half by chance."""
    if not gained + lost:
        return 1.0
    return float(binomtest(gained, gained + lost).pvalue)


def detectable_labels(psi: float, items: int, *, alpha: float, power: float) -> float | None:
    """Connor's formula solved for delta; None where even delta = psi would need more items."""
    if psi <= 0:
        return None
    ours, theirs = norm.ppf(1 - alpha / 2), norm.ppf(power)

    def missing(delta: float) -> float:
        spread = ours * sqrt(psi) + theirs * sqrt(max(psi - delta**2, 0.0))
        return float((spread / delta) ** 2 - items)

    return None if missing(psi) > 0 else float(brentq(missing, _LEAST, psi))


def _detectable(
    champion: Shares, challenger: Shares, *, single: bool, alpha: float, power: float
) -> float | None:
    if single:
        psi = float((champion[:, 0] != challenger[:, 0]).mean())
        return detectable_labels(psi, len(champion), alpha=alpha, power=power)
    error = standard_error(champion, challenger)
    return float(norm.ppf(1 - alpha / 2) + norm.ppf(power)) * error if error else None
