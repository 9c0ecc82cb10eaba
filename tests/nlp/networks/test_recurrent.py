"""Our BiLSTM over padded rows against torch's own over packed ones."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from padded import mask_of
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nlp.networks.recurrent import BiLSTM, gather_places, last_states, reversed_places

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


def packed_twin(ours: BiLSTM, width: int) -> nn.LSTM:
    """torch's own bidirectional LSTM with the same weights."""
    theirs = nn.LSTM(
        width, ours.hidden, num_layers=len(ours.forwards), bidirectional=True, batch_first=True
    )
    state = {}
    for number, layers in enumerate(zip(ours.forwards, ours.backwards, strict=True)):
        for layer, suffix in zip(layers, ("", "_reverse"), strict=True):
            for name, tensor in layer.state_dict().items():
                state[name.replace("l0", f"l{number}") + suffix] = tensor
    theirs.load_state_dict(state)
    return theirs


def packed(theirs: nn.LSTM, vectors: Tensor, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """States (batch, time, 2 * hidden), zeros on padding; final states (batch, 2 * hidden)."""
    rows = pack_padded_sequence(
        vectors, torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    states, (last, _) = theirs(rows)
    padded, _ = pad_packed_sequence(states, batch_first=True, total_length=vectors.shape[1])
    return padded, torch.cat([last[-2], last[-1]], dim=-1)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("lengths", [(1,), (4, 4), (7, 1, 3), (2, 9, 1, 5, 9)])
def test_bilstm_is_the_packed_lstm(layers: int, lengths: tuple[int, ...]) -> None:
    torch.manual_seed(layers)
    ours = BiLSTM(6, 4, layers=layers).eval()
    mask = mask_of(lengths, extra=3)
    vectors = torch.randn(*mask.shape, 6)  # not zero on padding: it must not matter
    with torch.no_grad():
        expected, last = packed(packed_twin(ours, 6), vectors, lengths)
        states = ours(vectors, mask)
    torch.testing.assert_close(states * mask[:, :, None], expected, atol=1e-6, rtol=1e-5)
    if layers == 1:
        torch.testing.assert_close(last_states(states, mask), last, atol=1e-6, rtol=1e-5)


def test_gradients_agree_with_the_packed_lstm() -> None:
    torch.manual_seed(0)
    ours, lengths = BiLSTM(3, 4, layers=2), (5, 2, 1)
    theirs, mask = packed_twin(ours, 3), mask_of(lengths)
    vectors = torch.randn(*mask.shape, 3)
    loss = (ours(vectors, mask) * mask[:, :, None]).square().sum()
    loss.backward()
    packed(theirs, vectors, lengths)[0].square().sum().backward()  # type: ignore[no-untyped-call]
    first, last = ours.forwards[0], ours.backwards[1]
    torch.testing.assert_close(first.weight_ih_l0.grad, theirs.weight_ih_l0.grad)
    torch.testing.assert_close(last.weight_hh_l0.grad, theirs.weight_hh_l1_reverse.grad)


def test_a_row_without_words_is_harmless() -> None:
    ours, mask = BiLSTM(3, 4).eval(), mask_of((0, 2))
    states = ours(torch.randn(2, 2, 3), mask)
    assert last_states(states, mask).isfinite().all()


def test_gather_places_reads_whole_vectors() -> None:
    states = torch.arange(12.0).reshape(1, 3, 4)
    places = torch.tensor([[2, 0, 0]])
    assert torch.equal(gather_places(states, places)[0], states[0, [2, 0, 0]])
