"""The scheduler against brute force, and what it promises on any device."""

from hypothesis import given
from hypothesis import strategies as st

from service.costs import CostModel
from service.schedule import choose

LENGTHS = st.lists(st.integers(0, 60), min_size=1, max_size=14)
COSTS = st.tuples(*[st.floats(-7, -3).map(lambda power: 10.0**power)] * 3)
BUDGETS = st.sampled_from([1, 20, 60, 200, 4000])


def priced(start: float, step: float, token: float) -> CostModel:
    costs = CostModel()
    costs.start, costs.step, costs.token = start, step, token
    return costs


def speed(lengths: list[int], chosen: list[int], costs: CostModel) -> float:
    sizes = [max(1, lengths[i]) for i in chosen]
    return sum(sizes) / costs.seconds(len(sizes), max(sizes))


def best_speed(lengths: list[int], costs: CostModel, budget: int, must: int | None) -> float:
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    runs = [order[a:b] for a in range(len(order)) for b in range(a + 1, len(order) + 1)]
    fitting = [
        run for run in runs if len(run) == 1 or len(run) * max(1, lengths[run[-1]]) <= budget
    ]
    return max(speed(lengths, run, costs) for run in fitting if must is None or must in run)


@given(LENGTHS, COSTS, BUDGETS, st.data())
def test_the_fastest_run_is_chosen(
    lengths: list[int], costs: tuple[float, float, float], budget: int, data: st.DataObject
) -> None:
    must = data.draw(st.none() | st.integers(0, len(lengths) - 1))
    model = priced(*costs)
    chosen = choose(lengths, model, budget=budget, must=must)
    expected = best_speed(lengths, model, budget, must)
    # With ties of length, which of the equal rows go is the scheduler's to say.
    assert speed(lengths, chosen, model) >= expected * (1 - 1e-9) or must is not None
    if must is not None:
        assert must in chosen
        assert speed(lengths, chosen, model) >= expected * (1 - 1e-9)
    assert len(chosen) == len(set(chosen))
    assert len(chosen) == 1 or len(chosen) * max(lengths[i] for i in chosen) <= budget


def test_where_tokens_cost_much_only_like_lengths_go_together() -> None:
    lengths = [5, 40, 6, 41, 5, 39]
    chosen = choose(lengths, priced(1e-6, 1e-9, 1e-4), budget=4096)
    assert sorted(lengths[i] for i in chosen) in ([5, 5], [5, 5, 6], [39, 40, 41], [41], [5], [6])


def test_where_a_start_costs_much_everything_goes() -> None:
    lengths = [5, 40, 6, 41, 5, 39]
    assert sorted(choose(lengths, priced(1.0, 1e-9, 1e-9), budget=4096)) == [0, 1, 2, 3, 4, 5]


def test_the_older_of_two_equals_goes_first() -> None:
    assert choose([7, 7, 7], priced(1e-3, 1e-9, 1e-9), budget=14) == [1, 0]


def test_costs_are_learnt() -> None:
    """A device of known price, seen through 400 batches, is priced within a tenth."""
    true = priced(3e-4, 2e-5, 1e-6)
    learnt = CostModel()
    for i in range(400):
        rows, longest = 1 + i % 30, 3 + (7 * i) % 50
        seconds = true.seconds(rows, longest)
        learnt.observe(rows=rows, longest=longest, tokens=rows * longest, seconds=seconds)
    for rows, longest in ((1, 10), (16, 25), (30, 50)):
        expected = true.seconds(rows, longest)
        assert abs(learnt.seconds(rows, longest) - expected) < 0.1 * expected


def test_a_device_that_never_varies_still_has_a_price() -> None:
    learnt = CostModel()
    for _ in range(200):
        learnt.observe(rows=1, longest=20, tokens=20, seconds=1e-3)
    assert 0.5e-3 < learnt.seconds(1, 20) < 2e-3
    assert min(learnt.start, learnt.step, learnt.token) > 0
    assert 15_000 < learnt.tokens_per_second < 25_000
