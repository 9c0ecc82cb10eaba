"""LSTMs over padded batches that read each row within its own length, in both directions.

Rows are padded behind. The forward direction needs no care: it has read every word before it meets
padding. For the backward direction each row's words are put in reverse order (padding stays
behind), read forwards, and the states put back. This gives the same states as packing, and unlike
packing it exports to a graph with a dynamic batch and time.
"""

import torch
from torch import Tensor, nn


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


class BiLSTM(nn.Module):
    """`layers` bidirectional layers; layer i feeds layer i + 1, dropout between them.

    (batch, time, width) -> (batch, time, 2 * hidden): forward and backward states side by side.
    """

    def __init__(self, width: int, hidden: int, *, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        widths = [width] + [2 * hidden] * (layers - 1)
        self.forwards = nn.ModuleList(nn.LSTM(w, hidden, batch_first=True) for w in widths)
        self.backwards = nn.ModuleList(nn.LSTM(w, hidden, batch_first=True) for w in widths)
        self.dropout = nn.Dropout(dropout)
        self.hidden = hidden

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        places = reversed_places(mask)
        for i, (ahead, behind) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            vectors = self.dropout(vectors) if i else vectors
            forwards, _ = ahead(vectors)
            backwards, _ = behind(gather_places(vectors, places))
            vectors = torch.cat([forwards, gather_places(backwards, places)], dim=-1)
        return vectors


def last_states(states: Tensor, mask: Tensor) -> Tensor:
    """The final state of each direction of one BiLSTM layer: (batch, 2 * hidden).

    The forward direction ends on the last word, the backward one on the first.
    """
    hidden = states.shape[2] // 2
    last = (mask.sum(dim=1) - 1).clamp(min=0)  # (batch,)
    forwards = states[:, :, :hidden].gather(1, last[:, None, None].expand(-1, 1, hidden))
    return torch.cat([forwards.squeeze(1), states[:, 0, hidden:]], dim=-1)
