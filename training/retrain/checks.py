"""The checks of the gate: each looks at what was measured and says what it found in a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from scipy.stats import norm

from training.paired import holm
from training.retrain.difference import Difference, share, standard_error
from training.retrain.measured import Budget, Capability, Compared, Measured, array
from training.retrain.policy import Policy

Figures = Mapping[str, float | int | str | None]
Kind = Literal["better", "not worse", "slice", "calibration", "behaviour", "latency", "size"]
Differences = Mapping[str, Difference]
"""By data set."""


@dataclass(frozen=True, slots=True)
class Check:
    """passed is None where there was too little to judge by: said, and decides nothing.

    about: the data set, "data set: slice", capability or cost. bound: what the figure was held
    against, as it stands after widening.
    """

    kind: Kind
    about: str
    passed: bool | None
    figures: Figures
    bound: float | None
    sentence: str


def better(differences: Differences, policy: Policy) -> Check:
    """Significantly better on at least one of the data sets that are large enough."""
    judged = {name: one for name, one in differences.items() if one.items >= policy.least_items}
    corrected = dict(zip(judged, holm([one.p for one in judged.values()]), strict=True))
    where = [n for n, p in corrected.items() if p < policy.alpha and judged[n].value > 0]
    said = [_better_on(name, one, corrected[name]) for name, one in judged.items()]
    reason = "; ".join(said) or f"no data set has {policy.least_items} items"
    head = f"better on {' and '.join(where)}" if where else "not shown to be better anywhere"
    figures = {f"p of {name}": p for name, p in corrected.items()}
    return Check("better", "all sets", bool(where), figures, policy.alpha, f"{head}: {reason}")


def not_worse(name: str, one: Difference, policy: Policy) -> Check:
    """The lower end of the interval lies above the margin."""
    figures = {
        "champion": one.champion,
        "challenger": one.challenger,
        "difference": one.value,
        "low": one.low,
        "high": one.high,
        "lower": one.lower,
        "p": one.p,
        "gained": one.gained,
        "lost": one.lost,
        "mcnemar": one.mcnemar,
        "detectable": one.detectable,
        "items": one.items,
    }
    enough = one.items >= policy.least_items
    passed = one.lower > -policy.margin if enough else None
    return Check("not worse", name, passed, figures, -policy.margin, _margin(one, passed, policy))


def slices(compared: Compared, policy: Policy) -> Iterator[Check]:
    """Each slice against its bound, widened by a quantile that is corrected for their number."""
    ours, theirs = compared.challenger, compared.champion
    named = [name for name in theirs.slices if name in ours.slices]
    parts = list(zip(theirs.parts, ours.parts, strict=True))
    quantile = _quantile(len(named) + len(parts), policy)
    for name in named:
        champion, challenger = array(theirs.slices[name]), array(ours.slices[name])
        error = standard_error(champion, challenger)
        touched = int(((champion[:, 1] > 0) | (challenger[:, 1] > 0)).sum())
        figures = (share(champion), share(challenger), touched)
        yield _slice(f"{compared.name}: {name}", *figures, quantile * error, policy=policy)
    for one, other in parts:
        if one.accuracy is not None and other.accuracy is not None:
            pair = (one.accuracy, other.accuracy)
            width = quantile * sqrt(sum(p * (1 - p) for p in pair) / one.items)
            yield _slice(f"{compared.name}: {one.name}", *pair, one.items, width, policy=policy)


def calibration(compared: Compared, policy: Policy) -> Iterator[Check]:
    """The two errors are taken as independent, which can only widen the bound."""
    quantile = _quantile(len(compared.champion.ece), policy)
    for layer, one in compared.champion.ece.items():
        other = compared.challenger.ece.get(layer)
        if other is None:
            continue
        bound = max(policy.ece_bound, quantile * sqrt(one.error**2 + other.error**2))
        enough = min(one.items, other.items) >= policy.least_items
        passed = other.ece <= one.ece + bound if enough else None
        figures = {"champion": one.ece, "challenger": other.ece, "items": other.items}
        said = (
            f"calibration error {other.ece:.2%}, the champion's {one.ece:.2%}; "
            f"at most {bound:.2%} more is allowed"
        )
        about = f"{compared.name}: {layer}"
        yield Check("calibration", about, passed, figures, bound, _unjudged(said, passed))


def behaviour(found: Sequence[Capability], policy: Policy) -> Iterator[Check]:
    """Each capability, and all cases together."""
    for one in found:
        cases = (one.champion, one.challenger)
        yield _pass_rate(f"{one.name} ({one.kind})", *cases, bound=policy.behaviour_bound)
    if found:
        theirs = tuple(case for one in found for case in one.champion)
        ours = tuple(case for one in found for case in one.challenger)
        yield _pass_rate("all cases", theirs, ours, bound=policy.behaviour_total_bound)


def budgets(measured: Measured, policy: Policy) -> Iterator[Check]:
    if measured.latency is not None:
        yield _budget("latency", "forward time", measured.latency, bound=policy.latency_ratio)
    if measured.size is not None:
        yield _budget("size", "files", measured.size, bound=policy.size_ratio)


def points(value: float) -> str:
    """A difference of shares, signed, in points."""
    return f"{100 * value:+.2f}"


def _better_on(name: str, one: Difference, p: float) -> str:
    least = "no difference" if one.detectable is None else f"{points(one.detectable)} points"
    return (
        f"{name} {points(one.value)} points [{points(one.low)}, {points(one.high)}], p {p:.4f} "
        f"({one.test}, Holm); {one.items:,} items can show {least}"
    )


def _margin(one: Difference, passed: bool | None, policy: Policy) -> str:
    said = f"{points(one.value)} points, with {1 - policy.alpha:.0%} confidence above "
    said += f"{points(one.lower)}; the margin is {points(-policy.margin)}"
    if passed is False and one.high < 0:
        return f"{said}: it is worse"
    if passed is False:
        return f"{said}: these {one.items:,} items do not show that it is kept"
    return _unjudged(said, passed)


def _slice(
    about: str, champion: float, challenger: float, items: int, width: float, *, policy: Policy
) -> Check:
    bound = max(policy.slice_bound, width)
    change = challenger - champion
    passed = change >= -bound if items >= policy.least_slice_items else None
    figures = {
        "champion": champion,
        "challenger": challenger,
        "difference": change,
        "width": width,
        "items": items,
    }
    widened = f", widened to {points(-bound)} by its {items:,} items" if width == bound else ""
    said = f"{points(change)} points; the bound is {points(-policy.slice_bound)}{widened}"
    return Check(
        "slice", about, passed, {**figures, "width": width}, -bound, _unjudged(said, passed)
    )


def _pass_rate(
    about: str, champion: Sequence[bool], challenger: Sequence[bool], *, bound: float
) -> Check:
    theirs, ours = (sum(cases) / len(cases) for cases in (champion, challenger))
    figures = {"champion": theirs, "challenger": ours, "items": len(champion)}
    said = (
        f"{ours:.1%} of {len(champion)} cases pass, the champion's {theirs:.1%}; "
        f"at most {100 * bound:g} points less is allowed"
    )
    return Check("behaviour", about, ours >= theirs - bound, figures, -bound, said)


def _budget(kind: Literal["latency", "size"], about: str, one: Budget, *, bound: float) -> Check:
    figures = {"champion": one.champion, "challenger": one.challenger, "ratio": one.ratio}
    said = f"{one.ratio:.2f} times the champion's ({one.challenger:,.6g} {one.unit} against "
    said += f"{one.champion:,.6g}); at most {bound:g} times is allowed"
    return Check(kind, about, one.ratio <= bound, figures, bound, said)


def _quantile(tests: int, policy: Policy) -> float:
    """One-sided; so that of all these tests together alpha fail by chance (Bonferroni)."""
    return float(norm.ppf(1 - policy.alpha / max(tests, 1)))


def _unjudged(said: str, passed: bool | None) -> str:
    return f"{said} (too few items to judge by)" if passed is None else said
