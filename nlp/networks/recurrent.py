"""Recurrent networks over padded batches that read each row within its own length.

Rows are padded behind. The forward direction needs no care: it has read every word before it meets
padding. For the backward direction each row's words are put in reverse order (padding stays
behind), read forwards, and the states put back. This gives the same states as packing, and unlike
packing it exports to a graph with a dynamic batch and time.

The three cells, with x the word's vector, h the state before it, h' the state after it and * the
product number by number (each sum of products also has a bias):

    rnn   h' = tanh(W x + U h)                                   Elman (1990)
    lstm  i, f, o = sigma(W x + U h), one W and U a gate         Hochreiter and Schmidhuber (1997),
          g = tanh(W x + U h)                                    with the forget gate of Gers,
          c' = f * c + i * g;  h' = o * tanh(c')                 Schmidhuber and Cummins (2000)
    gru   r, z = sigma(W x + U h), one W and U a gate            Cho et al. (2014)
          n = tanh(W x + b + r * (U h + d))
          h' = (1 - z) * n + z * h

torch's GRU, like cuDNN's, applies the reset gate behind the product, r * (U h + d); Cho et al. and
the lecture apply it before, U (r * h). The later form needs one product for all three gates. Theirs
also call update gate what is 1 - z here, which is the same family of functions.
"""

from collections.abc import Callable
from typing import Final, Literal

import torch
from torch import Tensor, nn

from nlp.errors import ModelError

Cell = Literal["rnn", "lstm", "gru"]
Directions = Literal[1, 2]


class Elman(nn.RNN):
    """torch's own RNN; in a graph the one operator that ONNX has for it.

    torch 2.13 exports LSTMs and GRUs of open length, and unrolls an RNN over its example instead.
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def forward(self, vectors: Tensor, start: Tensor | None = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """(batch, time, width), (1, batch, hidden) -> states (batch, time, hidden), the last."""
        if not torch.onnx.is_in_onnx_export():
            states, last = super().forward(vectors, start)
            return states, last
        batch, time, _ = vectors.shape
        weights = (self.weight_ih_l0.unsqueeze(0), self.weight_hh_l0.unsqueeze(0))
        biases = torch.cat([self.bias_ih_l0, self.bias_hh_l0]).unsqueeze(0)
        states = torch.onnx.ops.symbolic(
            "RNN",
            (vectors.transpose(0, 1), *weights, biases, None, start),
            {"hidden_size": self.hidden_size},
            dtype=vectors.dtype,
            shape=(time, 1, batch, self.hidden_size),
        )
        states = states.squeeze(1).transpose(0, 1)
        return states, states[:, -1].unsqueeze(0)


CELLS: Final[dict[str, Callable[..., nn.RNNBase]]] = {"rnn": Elman, "lstm": nn.LSTM, "gru": nn.GRU}


class Recurrent(nn.Module):
    """`layers` layers of a cell in one or two directions, each with weights of its own; layer i
    feeds layer i + 1, dropout between them.

    (batch, time, width) -> (batch, time, directions * hidden): the forward states, and behind them
    the backward ones. States on padding mean nothing.
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        *,
        cell: Cell = "lstm",
        directions: Directions = 1,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        """Raises ModelError for an unknown cell, and for numbers that make no network."""
        _check(cell, directions, layers)
        super().__init__()
        self.width = directions * hidden
        self.state_width = 2 * hidden if cell == "lstm" else hidden
        widths = [width] + [self.width] * (layers - 1)
        make = CELLS[cell]
        backwards = widths if directions == 2 else []
        self.forwards = nn.ModuleList(make(w, hidden, batch_first=True) for w in widths)
        self.backwards = nn.ModuleList(make(w, hidden, batch_first=True) for w in backwards)
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, mask: Tensor, start: Tensor | None = None) -> Tensor:
        """mask: (batch, time), True on words, which stand first in a row.

        start: (layers, batch, state_width), what the forward direction starts from instead of
        zeros; of an LSTM its state h, and behind it its cell c.
        """
        places = reversed_places(mask)
        for i, ahead in enumerate(self.forwards):
            vectors = self.dropout(vectors) if i else vectors
            states, _ = ahead(vectors, None if start is None else _state(ahead, start[i]))
            if self.backwards:
                behind, _ = self.backwards[i](gather_places(vectors, places))
                states = torch.cat([states, gather_places(behind, places)], dim=-1)
            vectors = states
        return vectors


def reversed_places(mask: Tensor) -> Tensor:
    """Where each place of a row comes from when its words are reversed within its length.

    mask: (batch, time), True on words, which stand first in a row. Its own inverse: places behind
    the length stay where they are. Returns (batch, time) integers.
    """
    places = torch.arange(mask.shape[1], device=mask.device).unsqueeze(0)  # (1, time)
    lengths = mask.sum(dim=1, keepdim=True)  # (batch, 1)
    return torch.where(mask, lengths - 1 - places, places)


def gather_places(states: Tensor, places: Tensor) -> Tensor:
    """states (batch, time, width) read at `places` (batch, time)."""
    return states.gather(1, places.unsqueeze(-1).expand(-1, -1, states.shape[2]))


def _check(cell: str, directions: int, layers: int) -> None:
    if cell not in CELLS:
        raise ModelError(f"unknown cell {cell!r}; known: {', '.join(CELLS)}")
    if directions not in (1, 2):
        raise ModelError(f"directions is {directions!r}; a text is read in 1 or 2")
    if layers < 1:
        raise ModelError(f"layers is {layers!r}; there must be at least 1")


def _state(cell: nn.Module, start: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    """(batch, state_width) as the cell wants it."""
    parts = start.unsqueeze(0)
    if not isinstance(cell, nn.LSTM):
        return parts
    state, memory = parts.chunk(2, dim=-1)
    return state.contiguous(), memory.contiguous()
