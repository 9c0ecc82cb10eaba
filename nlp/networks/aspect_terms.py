"""What networks of aspect sentiment share: the aspect as a vector, and where its term stands.

`places` (batch, time) is 1 inside the term, 1 + the distance in words outside (31 at most, and
everywhere where the aspect has no term in the text), 0 on padding.
"""

from typing import Final

import torch
from torch import Tensor

from nlp.networks.pooling import pool
from nlp.vocabulary import PAD

PLACES: Final = 32
"""Rows of an embedding of places."""


def mean_vector(vectors: Tensor, words: Tensor) -> Tensor:
    """The mean of an aspect's words: (batch, n, width), ids (batch, n) -> (batch, width)."""
    return pool(vectors, words != PAD, "mean")


def inside_term(places: Tensor) -> Tensor:
    """True on the words of the term: (batch, time)."""
    return places == 1


def has_term(places: Tensor) -> Tensor:
    """True for rows whose aspect is in the text: (batch, 1)."""
    return inside_term(places).any(dim=1, keepdim=True)


def term_ends(places: Tensor) -> tuple[Tensor, Tensor]:
    """Places of the term's first and last word, (batch,) each; without one, the text's."""
    term = near_term(places, 0)
    order = torch.arange(places.shape[1], device=places.device).expand_as(places)
    first = torch.where(term, order, places.shape[1] - 1).amin(dim=1)
    last = torch.where(term, order, 0).amax(dim=1)
    return first, last


def state_at(states: Tensor, place: Tensor) -> Tensor:
    """states (batch, time, width) at one place a row (batch,): (batch, width)."""
    return states.gather(1, place[:, None, None].expand(-1, 1, states.shape[2])).squeeze(1)


def near_term(places: Tensor, window: int) -> Tensor:
    """True on words at most `window` from the term; without a term, on all: (batch, time)."""
    reach = torch.where(has_term(places), 1 + window, PLACES)  # (batch, 1)
    return (places > 0) & (places <= reach)
