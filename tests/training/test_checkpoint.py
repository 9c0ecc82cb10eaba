"""Checkpoints without pickle: whatever goes in comes out, bit for bit."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor, nn

from training.checkpoint import (
    WEIGHTS,
    best_weights,
    has_state,
    last_checkpoint,
    load_state,
    pack,
    random_states,
    save_state,
    set_random_states,
    trainer_state,
    unpack,
)
from training.errors import RunError

DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
)


def _tensor(draw: tuple[torch.dtype, list[int], int]) -> Tensor:
    dtype, shape, seed = draw
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 50
    return numbers.to(dtype)


tensors = st.tuples(
    st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=3), st.integers(0, 99)
).map(_tensor)
numpy_arrays = arrays.arrays(
    st.one_of(
        arrays.boolean_dtypes(), arrays.integer_dtypes(), arrays.unsigned_integer_dtypes(),
        arrays.floating_dtypes(sizes=(16, 32, 64)),
    ),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)  # fmt: skip
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
keys = st.text() | st.integers() | st.tuples(st.integers(), st.text())
nests = st.recursive(
    plain | tensors | numpy_arrays,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:  # noqa: ANN401 - any nest
    """Equal in type, shape and every bit; NaN equals NaN, 0.0 is not -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and _bits(one) == _bits(other)
    if isinstance(one, np.ndarray):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return np.float64(one).tobytes() == np.float64(other).tobytes() or one != one
    return bool(one == other)


def _bits(tensor: Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


@given(nests)
def test_pack_and_unpack(value: object) -> None:
    """Through JSON, as on disk."""
    table: dict[str, Tensor] = {}
    document = json.loads(json.dumps(pack(value, table)))
    assert same(unpack(document, table), value)


def test_save_and_load(tmp_path: Path) -> None:
    value = {"a": (1, 2.5, None), 7: [torch.arange(3), "x"], "empty": {}}
    assert not has_state(tmp_path / "state")
    save_state(value, tmp_path / "state")
    assert has_state(tmp_path / "state")
    assert same(load_state(tmp_path / "state"), value)
    assert {path.name for path in tmp_path.iterdir()} == {"state.json", "state.safetensors"}


def test_views_are_saved_as_what_they_show(tmp_path: Path) -> None:
    """safetensors refuses tensors that share memory or are not contiguous; pack copies them."""
    whole = torch.arange(12.0).reshape(3, 4)
    save_state([whole, whole.T, whole[1]], tmp_path / "state")
    assert same(load_state(tmp_path / "state"), [whole, whole.T.contiguous(), whole[1]])


@pytest.mark.parametrize(
    ("value", "name"),
    [({1, 2}, "a set"), (b"x", "a bytes"), (np.array(["x"]), "an array of <U1"),
     (np.array([1j]), "an array of complex128"), (object(), "a object")],
)  # fmt: skip
def test_other_kinds_are_refused(value: object, name: str) -> None:
    with pytest.raises(RunError, match=rf"^{name} cannot be kept in a checkpoint$"):
        pack({"deep": [value]}, {})


def test_random_states_come_back(tmp_path: Path) -> None:
    def draw() -> list[bytes]:
        numbers = [random.random(), random.gauss(0, 1), *np.random.normal(size=3)]
        return [np.array(numbers).tobytes(), _bits(torch.randn(5)), _bits(torch.rand(3))]

    before = random_states()
    draw()
    random.gauss(0, 1)  # leaves the second number of a pair behind, which the state must hold
    np.random.normal()
    save_state(random_states(), tmp_path / "state")
    expected = draw()
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    assert draw() != expected
    set_random_states(load_state(tmp_path / "state"))
    assert draw() == expected
    set_random_states(before)


@pytest.mark.parametrize("name", ["AdamW", "Adagrad", "SGD", "RMSprop"])
def test_an_optimizer_goes_on_as_if_nothing_had_been(name: str, tmp_path: Path) -> None:
    first, second = (_network() for _ in range(2))
    one, other = (getattr(torch.optim, name)(n.parameters(), lr=0.1) for n in (first, second))
    _steps(first, one, 3)
    save_state(one.state_dict(), tmp_path / "optimizer")
    second.load_state_dict(first.state_dict())
    other.load_state_dict(load_state(tmp_path / "optimizer"))
    for network, optimizer in ((first, one), (second, other)):
        _steps(network, optimizer, 3)
    assert torch.equal(first.weight, second.weight)


def _network() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def _steps(network: nn.Linear, optimizer: torch.optim.Optimizer, count: int) -> None:
    for _ in range(count):
        optimizer.zero_grad()
        network(torch.ones(1, 3)).square().sum().backward()
        optimizer.step()


def write_checkpoint(folder: Path, step: int, *, best: int | None = None) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    save_weights(path, value=float(step))
    state = {"global_step": step, "best_global_step": best or step}
    (path / "trainer_state.json").write_text(json.dumps(state))
    return path


def save_weights(path: Path, *, value: float) -> None:
    from safetensors.torch import save_file

    save_file({"weight": torch.tensor([value])}, path / WEIGHTS)


def test_the_last_whole_checkpoint_is_found(tmp_path: Path) -> None:
    """By number, not by name: 9 comes before 10."""
    assert last_checkpoint(tmp_path / "nowhere") is None
    nine, ten = write_checkpoint(tmp_path, 9), write_checkpoint(tmp_path, 10)
    assert last_checkpoint(tmp_path) == ten
    (ten / "trainer_state.json").write_text('{"global_step": 1')
    assert last_checkpoint(tmp_path) == nine
    (nine / "trainer_state.json").unlink()
    assert last_checkpoint(tmp_path) is None


def test_a_checkpoint_of_several_processes_holds_the_random_states_of_each(tmp_path: Path) -> None:
    """The leader's are there before the file that makes a checkpoint whole; others come later."""
    nine, ten = write_checkpoint(tmp_path, 9), write_checkpoint(tmp_path, 10)
    for checkpoint, ranks in ((nine, 2), (ten, 1)):
        for rank in range(ranks):
            save_state({}, checkpoint / f"random_{rank}")
    assert last_checkpoint(tmp_path, processes=1) == ten
    assert last_checkpoint(tmp_path, processes=2) == nine
    assert last_checkpoint(tmp_path, processes=3) is None


def test_best_weights_are_those_of_the_best_step(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, 9)
    last = write_checkpoint(tmp_path, 10, best=9)
    assert trainer_state(last).global_step == 10
    assert best_weights(last)["weight"].item() == 9.0
