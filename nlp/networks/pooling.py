"""The states of a text's words to one vector, padding left out: one function a kind.

last    where each direction ends: the forward one on the last word, the backward one on the first
mean    the mean over the words (Iyyer et al. 2015)
max     the highest of each number over the words (Collobert and Weston 2008)
concat  all three side by side (Howard and Ruder 2018)

A row without words gives zeros, of `last` the states of its first place.
"""

from collections.abc import Callable
from typing import Final, Literal

import torch
from torch import Tensor

from nlp.errors import ModelError

Pooling = Literal["last", "mean", "max", "concat"]


def last_states(states: Tensor, mask: Tensor, directions: int = 2) -> Tensor:
    """The final state of each direction of a recurrent layer.

    states: (batch, time, width), the forward direction first. Returns (batch, width).
    """
    last = (mask.sum(dim=1) - 1).clamp(min=0)  # (batch,)
    width = states.shape[2] // directions
    forwards = states[:, :, :width].gather(1, last[:, None, None].expand(-1, 1, width)).squeeze(1)
    return forwards if directions == 1 else torch.cat([forwards, states[:, 0, width:]], dim=-1)


def _mean(states: Tensor, mask: Tensor, _: int = 1) -> Tensor:
    words = mask.unsqueeze(-1).to(states.dtype)  # (batch, time, 1)
    return (states * words).sum(dim=1) / words.sum(dim=1).clamp(min=1)


def _max(states: Tensor, mask: Tensor, _: int = 1) -> Tensor:
    highest = states.masked_fill(~mask.unsqueeze(-1), torch.finfo(states.dtype).min).amax(dim=1)
    return torch.where(mask.sum(dim=1, keepdim=True) > 0, highest, 0.0)


def _concat(states: Tensor, mask: Tensor, directions: int) -> Tensor:
    parts = (pool(states, mask, kind, directions=directions) for kind in ("last", "mean", "max"))
    return torch.cat(list(parts), dim=-1)


POOLINGS: Final[dict[str, Callable[[Tensor, Tensor, int], Tensor]]] = {
    "last": last_states,
    "mean": _mean,
    "max": _max,
    "concat": _concat,
}


def pool(states: Tensor, mask: Tensor, kind: Pooling = "last", *, directions: int = 1) -> Tensor:
    """(batch, time, width), (batch, time) -> (batch, pooled_width(kind, width)).

    mask: True on words. directions: those of the recurrent layer that gave the states. Raises
    ModelError for an unknown kind.
    """
    return POOLINGS[_known(kind)](states, mask, directions)


def pooled_width(kind: Pooling, width: int) -> int:
    """Numbers that are left of a text. Raises ModelError for an unknown kind."""
    return 3 * width if _known(kind) == "concat" else width


def _known(kind: str) -> str:
    if kind not in POOLINGS:
        raise ModelError(f"unknown pooling {kind!r}; known: {', '.join(POOLINGS)}")
    return kind
