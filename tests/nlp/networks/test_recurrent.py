"""Recurrent layers against torch's own over packed rows, and against the equations written out."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from padded import mask_of
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nlp.errors import ModelError
from nlp.networks.pooling import last_states
from nlp.networks.recurrent import (
    CELLS,
    Cell,
    Directions,
    Recurrent,
    gather_places,
    reversed_places,
)

Floats = NDArray[np.float64]
THEIRS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
EVERY_CELL = pytest.mark.parametrize("cell", sorted(CELLS))
lengths_of_rows = st.lists(st.integers(0, 9), min_size=1, max_size=6)


@given(lengths_of_rows)
def test_reversed_places_is_its_own_inverse(lengths: list[int]) -> None:
    mask = mask_of(lengths)
    places = reversed_places(mask)
    torch.testing.assert_close(
        places.gather(1, places), torch.arange(mask.shape[1]).expand_as(places)
    )
    for row, length in enumerate(lengths):
        expected = [*reversed(range(length)), *range(length, mask.shape[1])]
        assert places[row].tolist() == expected


# -- torch's own, over packed rows ---------------------------------------------------------------


def packed_twin(ours: Recurrent, cell: str) -> nn.RNNBase:
    """torch's own layers with the same weights."""
    first = ours.forwards[0]
    assert isinstance(first, nn.RNNBase)
    theirs = THEIRS[cell](
        first.input_size,
        first.hidden_size,
        num_layers=len(ours.forwards),
        bidirectional=len(ours.backwards) > 0,
        batch_first=True,
    )
    state = {}
    for modules, suffix in ((ours.forwards, ""), (ours.backwards, "_reverse")):
        for number, layer in enumerate(modules):
            for name, tensor in layer.state_dict().items():
                state[name.replace("l0", f"l{number}") + suffix] = tensor
    theirs.load_state_dict(state)
    return theirs


def packed(theirs: nn.RNNBase, vectors: Tensor, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """States (batch, time, width), zeros on padding; the last layer's final ones (batch, width)."""
    rows = pack_padded_sequence(
        vectors, torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    states, last = theirs(rows)
    last = last[0] if isinstance(last, tuple) else last  # an LSTM's h, not its c
    padded, _ = pad_packed_sequence(states, batch_first=True, total_length=vectors.shape[1])
    return padded, torch.cat(list(last[-2 if theirs.bidirectional else -1 :]), dim=-1)


@EVERY_CELL
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("lengths", [(1,), (4, 4), (2, 9, 1, 5, 9)])
def test_each_row_is_read_as_if_packed(
    cell: Cell, directions: Directions, layers: int, lengths: tuple[int, ...]
) -> None:
    torch.manual_seed(layers)
    ours = Recurrent(6, 4, cell=cell, directions=directions, layers=layers).eval()
    mask = mask_of(lengths, extra=3)
    vectors = torch.randn(*mask.shape, 6)  # not zero on padding: it must not matter
    with torch.no_grad():
        expected, last = packed(packed_twin(ours, cell), vectors, lengths)
        states = ours(vectors, mask)
    assert states.shape[2] == ours.width == 4 * directions
    torch.testing.assert_close(states * mask[:, :, None], expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(last_states(states, mask, directions), last, atol=1e-6, rtol=1e-5)


@EVERY_CELL
def test_gradients_agree_with_packed_rows(cell: Cell) -> None:
    torch.manual_seed(0)
    ours, lengths = Recurrent(3, 4, cell=cell, directions=2, layers=2), (5, 2, 1)
    theirs, mask = packed_twin(ours, cell), mask_of(lengths)
    vectors = torch.randn(*mask.shape, 3)
    loss = (ours(vectors, mask) * mask[:, :, None]).square().sum()
    loss.backward()
    packed(theirs, vectors, lengths)[0].square().sum().backward()  # type: ignore[no-untyped-call]
    for layer, name in (
        (ours.forwards[0], "weight_ih_l0"),
        (ours.backwards[1], "weight_hh_l1_reverse"),
    ):
        grad = getattr(layer, name.removesuffix("_reverse").replace("l1", "l0")).grad
        torch.testing.assert_close(grad, getattr(theirs, name).grad)


# -- the equations of the module's docstring, one word at a time ---------------------------------


def sigma(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def rnn(x: Floats, h: Floats, c: Floats, w: dict[str, Floats]) -> tuple[Floats, Floats]:
    return np.tanh(w["W"] @ x + w["b"] + w["U"] @ h + w["d"]), c


def lstm(x: Floats, h: Floats, c: Floats, w: dict[str, Floats]) -> tuple[Floats, Floats]:
    gates = w["W"] @ x + w["b"] + w["U"] @ h + w["d"]
    i, f, g, o = np.split(gates, 4)
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    return sigma(o) * np.tanh(c), c


def gru(x: Floats, h: Floats, c: Floats, w: dict[str, Floats]) -> tuple[Floats, Floats]:
    given_r, given_z, given_n = np.split(w["W"] @ x + w["b"], 3)
    kept_r, kept_z, kept_n = np.split(w["U"] @ h + w["d"], 3)
    r, z = sigma(given_r + kept_r), sigma(given_z + kept_z)
    n = np.tanh(given_n + r * kept_n)  # the reset gate behind the product
    return (1 - z) * n + z * h, c


EQUATIONS: dict[str, Callable[..., tuple[Floats, Floats]]] = {"rnn": rnn, "lstm": lstm, "gru": gru}


def by_hand(layer: nn.Module, cell: str, words: Floats, start: Floats) -> list[Floats]:
    """The states after each word of one text. words: (time, width); start: (state_width,)."""
    names = {"W": "weight_ih_l0", "U": "weight_hh_l0", "b": "bias_ih_l0", "d": "bias_hh_l0"}
    weights = {k: getattr(layer, v).detach().double().numpy() for k, v in names.items()}
    h, c = np.split(start, 2) if cell == "lstm" else (start, start)
    states = []
    for word in words:
        h, c = EQUATIONS[cell](word, h, c, weights)
        states.append(h)
    return states


@EVERY_CELL
@pytest.mark.parametrize("given_start", [False, True])
def test_the_equations_written_out(cell: Cell, given_start: bool) -> None:
    torch.manual_seed(5)
    ours = Recurrent(3, 4, cell=cell, layers=2)
    lengths, start = (6, 2), torch.randn(2, 2, ours.state_width) * given_start
    mask = mask_of(lengths, extra=1)
    vectors = torch.randn(*mask.shape, 3)
    with torch.no_grad():
        states = ours(vectors, mask, start if given_start else None).numpy()
    for row, length in enumerate(lengths):
        words: Any = vectors[row, :length].double().numpy()
        for number, layer in enumerate(ours.forwards):
            words = by_hand(layer, cell, words, start[number, row].double().numpy())
        np.testing.assert_allclose(states[row, :length], words, atol=1e-6)


# -- shapes, names and refusals ------------------------------------------------------------------


def test_the_names_of_the_weights_are_those_of_stored_versions() -> None:
    """A starter model was stored with them."""
    names = set(Recurrent(3, 4, cell="lstm", directions=2, layers=2).state_dict())
    kinds = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    sides = ("forwards.0", "forwards.1", "backwards.0", "backwards.1")
    assert names == {f"{side}.{kind}" for side in sides for kind in kinds}


def test_dropout_stands_between_layers_only() -> None:
    torch.manual_seed(0)
    mask, vectors = mask_of((5,)), torch.randn(1, 5, 3)
    one, two = (Recurrent(3, 4, layers=n, dropout=0.5).train() for n in (1, 2))
    assert torch.equal(one(vectors, mask), one(vectors, mask))
    assert not torch.equal(two(vectors, mask), two(vectors, mask))


def test_a_row_without_words_is_harmless() -> None:
    ours, mask = Recurrent(3, 4, directions=2).eval(), mask_of((0, 2))
    assert ours(torch.randn(2, 2, 3), mask).isfinite().all()


def test_gather_places_reads_whole_vectors() -> None:
    states = torch.arange(12.0).reshape(1, 3, 4)
    places = torch.tensor([[2, 0, 0]])
    assert torch.equal(gather_places(states, places)[0], states[0, [2, 0, 0]])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"cell": "tlstm"}, "unknown cell 'tlstm'; known: rnn, lstm, gru"),
        ({"directions": 3}, "directions is 3; a text is read in 1 or 2"),
        ({"layers": 0}, "layers is 0; there must be at least 1"),
    ],
)
def test_what_makes_no_network_is_refused(sizes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Recurrent(3, 4, **sizes)
