"""The gate on simulated models of which the truth is known."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outcomes import compared, side
from PIL import Image
from rich.console import Console

from training.build import build
from training.errors import RecipeError, ScoreError
from training.retrain.checks import Check
from training.retrain.difference import detectable_labels
from training.retrain.gate import Verdict, judge
from training.retrain.measured import Budget, Capability, Compared, Measured
from training.retrain.picture import draw_verdict, rows, table
from training.retrain.policy import DEFAULT, Policy, load_policy
from training.scores import Slice

QUICK = replace(DEFAULT, resamples=300)
RUNS = 100
LARGE = 2500


def verdicts(gained: float, lost: float, *, items: int = LARGE) -> Iterator[Verdict]:
    """Of as many pairs of models that far apart, on one data set."""
    generator = np.random.default_rng(17)
    for _ in range(RUNS):
        one = compared("test", items, gained=gained, lost=lost, generator=generator)
        yield judge(Measured((one,)), QUICK)


def of(verdict: Verdict, kind: str, about: str = "") -> list[Check]:
    return [c for c in verdict.checks if c.kind == kind and about in c.about]


def rate(found: list[bool]) -> float:
    return sum(found) / len(found)


def test_equal_models_are_not_worse_and_not_better() -> None:
    """At 2,500 items and one in twenty answered differently, two points are easily shown."""
    found = list(verdicts(0.025, 0.025))
    assert rate([bool(of(v, "not worse")[0].passed) for v in found]) >= 0.95
    better = rate([bool(of(v, "better")[0].passed) for v in found])
    assert better <= 0.05  # half of alpha: a better one must lie on the right side, too
    assert rate([v.passed for v in found]) <= better


def test_equal_models_fail_no_slice_more_often_than_alpha() -> None:
    found = [all(check.passed for check in of(v, "slice")) for v in verdicts(0.1, 0.1, items=400)]
    assert rate(found) >= 0.92


def test_a_better_one_passes_with_the_stated_power() -> None:
    psi = 0.1
    delta = detectable_labels(psi, LARGE, alpha=QUICK.alpha, power=QUICK.power)
    assert delta is not None
    found = list(verdicts((psi + delta) / 2, (psi - delta) / 2))
    assert rate([v.passed for v in found]) >= 0.72
    stated = np.mean([v.differences["test"].detectable or 0.0 for v in found])
    assert stated == pytest.approx(delta, rel=0.05)


def test_a_worse_one_never_passes_and_is_called_worse_with_the_stated_power() -> None:
    psi = 0.1
    delta = detectable_labels(psi, LARGE, alpha=QUICK.alpha, power=QUICK.power)
    assert delta is not None
    found = list(verdicts((psi - 1.6 * delta) / 2, (psi + 1.6 * delta) / 2))
    assert not any(v.passed for v in found)
    worse = [of(v, "not worse")[0].sentence.endswith("it is worse") for v in found]
    assert rate(worse) >= 0.8


def test_better_on_one_set_and_not_worse_on_the_other_passes() -> None:
    generator = np.random.default_rng(2)
    sets = (
        compared("base test", 3000, gained=0.02, lost=0.02, generator=generator),
        compared("held-out feedback", 800, gained=0.15, lost=0.05, generator=generator),
    )
    verdict = judge(Measured(sets), QUICK)
    assert verdict.passed
    assert "better on held-out feedback" in verdict.sentence
    assert verdict.failed == ()


def test_gaining_on_feedback_does_not_excuse_losing_on_the_base_test() -> None:
    generator = np.random.default_rng(2)
    sets = (
        compared("base test", 3000, gained=0.02, lost=0.06, generator=generator),
        compared("held-out feedback", 800, gained=0.15, lost=0.05, generator=generator),
    )
    verdict = judge(Measured(sets), QUICK)
    assert not verdict.passed
    assert ("not worse", "base test") in {(c.kind, c.about) for c in verdict.failed}
    assert verdict.sentence.startswith("refused: not worse, base test: -")
    assert "it is worse" in verdict.sentence


def test_two_sets_are_corrected_for() -> None:
    """One set at p = 0.035 is enough alone and is not where two are looked at."""
    champion = [True] * 200 + [False] * 40 + [True] * 22 + [False] * 138
    challenger = [True] * 200 + [True] * 40 + [False] * 22 + [False] * 138
    one = Compared("a", "accuracy", side(champion), side(challenger))
    same = Compared("b", "accuracy", side(champion), side(champion))
    alone, both = judge(Measured((one,)), QUICK), judge(Measured((one, same)), QUICK)
    assert 0.025 < alone.differences["a"].p < 0.05
    assert of(alone, "better")[0].passed
    assert not of(both, "better")[0].passed
    assert of(both, "better")[0].figures["p of a"] == pytest.approx(2 * alone.differences["a"].p)


def test_few_items_decide_nothing_and_say_so() -> None:
    generator = np.random.default_rng(4)
    large = compared("base test", 3000, gained=0.08, lost=0.03, generator=generator)
    small = compared("held-out feedback", 40, gained=0.0, lost=0.4, right=0.5, generator=generator)
    verdict = judge(Measured((large, small)), QUICK)
    (check,) = of(verdict, "not worse", "held-out")
    assert check.passed is None
    assert "too few items to judge by" in check.sentence
    assert verdict.passed
    alone = judge(Measured((small,)), QUICK)
    assert "no data set has 100 items" in of(alone, "better")[0].sentence


def test_a_slice_may_fall_only_as_far_as_its_items_could_by_chance() -> None:
    """Class 1 loses six points: a thousand items show that it fell, forty do not."""
    outcomes = {}
    for each in (40, 1000):
        lost = round(0.06 * each)
        old = [True] * each
        one, other = side([x for x in old for _ in (0, 1)]), [True] * (2 * each)
        for place in range(lost):
            other[2 * place + 1] = False
        found = Compared("test", "accuracy", one, side(other))
        (check,) = of(judge(Measured((found,)), QUICK), "slice", "class 1")
        assert check.figures["difference"] == pytest.approx(-lost / each)
        outcomes[each] = check
    assert outcomes[40].passed
    assert "widened" in outcomes[40].sentence
    assert outcomes[1000].passed is False
    assert outcomes[1000].bound == -QUICK.slice_bound


def test_items_that_neither_puts_into_a_class_do_not_make_it_large() -> None:
    """Of 400 items, one holds the class: that is one item to judge it by."""
    rare = ((2.0, 2.0), *[(0.0, 0.0)] * 399)
    lost = ((0.0, 1.0), *[(0.0, 0.0)] * 399)
    right = [True] * 400
    champion = replace(side(right), slices={"F1 of class rare": rare})
    challenger = replace(side(right), slices={"F1 of class rare": lost})
    found = Compared("test", "accuracy", champion, challenger)
    (check,) = of(judge(Measured((found,)), QUICK), "slice", "rare")
    assert check.figures["items"] == 1
    assert check.passed is None


def test_slices_known_by_their_accuracy_alone() -> None:
    right = [True, False] * 500
    champion = replace(side(right), parts=(Slice("terms", 800, 0.8), Slice("none", 0, None)))
    challenger = replace(side(right), parts=(Slice("terms", 800, 0.7), Slice("none", 0, None)))
    found = Compared("test", "accuracy", champion, challenger)
    (check,) = of(judge(Measured((found,)), QUICK), "slice", "terms")
    assert check.passed is False
    assert of(judge(Measured((found,)), QUICK), "slice", "none") == []


@pytest.mark.parametrize(("ece", "passed"), [(0.035, True), (0.05, False)])
def test_calibration_may_not_worsen(ece: float, passed: bool) -> None:
    right = [True, True, False] * 300
    found = Compared("test", "accuracy", side(right, ece=0.02), side(right, ece=ece))
    (check,) = of(judge(Measured((found,)), QUICK), "calibration")
    assert check.passed is passed
    assert check.bound == QUICK.ece_bound


def test_behaviour_latency_and_size_have_bounds() -> None:
    right = [True, False] * 200
    same = Compared("test", "accuracy", side(right), side(right))
    fell = Capability("negation", "direction", (True,) * 10, (True,) * 8 + (False,) * 2)
    kept = Capability("names", "invariance", (True,) * 90, (True,) * 90)
    slow, large = Budget("ms", 2.0, 3.2, 1.6), Budget("bytes", 1e6, 1.2e6, 1.2)
    verdict = judge(Measured((same,), (fell, kept), slow, large), QUICK)
    passed = {(c.kind, c.about): c.passed for c in verdict.checks}
    assert passed["behaviour", "negation (direction)"] is False
    assert passed["behaviour", "names (invariance)"]
    assert passed["behaviour", "all cases"]  # 98 of 100
    assert passed["latency", "forward time"] is False
    assert passed["size", "files"]
    assert [c.kind for c in verdict.failed] == ["better", "behaviour", "latency"]


def test_nothing_to_judge_by_is_an_error() -> None:
    with pytest.raises(ScoreError, match="on no data set"):
        judge(Measured(()), QUICK)


def example() -> Verdict:
    generator = np.random.default_rng(4)
    sets = (
        compared("base test", 900, gained=0.04, lost=0.09, generator=generator),
        compared("held-out feedback", 60, gained=0.2, lost=0.1, right=0.5, generator=generator),
    )
    tests = (Capability("names", "invariance", (True, True), (True, False)),)
    return judge(Measured(sets, tests, Budget("ms", 2.0, 2.1, 1.05)), QUICK)


def test_a_verdict_goes_through_json_and_back() -> None:
    verdict = example()
    assert build(Verdict, json.loads(json.dumps(verdict.to_dict()))) == verdict


def test_a_refusal_is_drawn_and_tabled_too(tmp_path: Path) -> None:
    verdict = example()
    draw_verdict(verdict, tmp_path / "gate.png")
    with Image.open(tmp_path / "gate.png") as picture:
        assert picture.width > 600
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20
    console = Console(width=200, record=True)
    console.print(table(verdict))
    text = console.export_text()
    assert text.count("FAIL") == len(verdict.failed)
    assert "base test: of class 1" in text


def test_the_pictures_rows_are_the_sets_and_their_slices() -> None:
    verdict = example()
    found = rows(verdict)
    names = ["base test", "of class 0 (450)", "of class 1 (450)"]
    assert [row.name for row in found[:4]] == [*names, "held-out feedback"]
    assert found[0].value == pytest.approx(100 * verdict.differences["base test"].value)
    assert found[0].passed is False
    assert found[3].passed is None


def test_a_policy_is_read_over_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text("margin = 0.01\nleast_items = 10\n", encoding="utf-8")
    assert load_policy(path) == replace(DEFAULT, margin=0.01, least_items=10)
    assert load_policy(None) == Policy()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("margn = 0.01", "did you mean 'margin'"),
        ("alpha = 0.0", "alpha: must be above 0"),
        ("alpha =", "gate.toml is no TOML"),
    ],
)
def test_a_policy_that_is_wrong_says_where(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=said):
        load_policy(path)
    with pytest.raises(RecipeError, match="there is no gate policy"):
        load_policy(tmp_path / "other.toml")
