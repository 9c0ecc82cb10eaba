"""Attention as one part: a score function by name, a mask, and a weighted sum of values.

For a query q and keys x_1..x_t with values v_1..v_t (Bahdanau, Cho and Bengio 2015):

    s_i = score(x_i, q)       a_i = exp(s_i) / sum_j exp(s_j)       context = sum_i a_i v_i

Every further switch is a mask of allowed places: `padding` (a row's length), `causal_mask` (no
place sees a later one), `local_mask` (a window around each query's place). Self-attention asks
with the keys' own vectors; without a causal mask it reads in both directions.
"""

import math
from typing import Final, Literal, Protocol

import torch
from torch import Tensor, nn

from nlp.errors import ModelError

ScoreName = Literal["dot", "scaled-dot", "bilinear", "additive"]
Direction = Literal["bi-directional", "causal"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("bi-directional", "causal")

Attended = tuple[Tensor, Tensor]
"""Contexts (batch, q, values' width) and weights (batch, q, t)."""


class Dot(nn.Module):
    """x . q (Luong, Pham and Manning 2015); both of one width."""

    def __init__(self, query_width: int, key_width: int, _: int) -> None:
        super().__init__()
        _check_equal(query_width, key_width)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """(..., q, width), (..., t, width) -> (..., q, t)."""
        return query @ keys.transpose(-2, -1)


class ScaledDot(nn.Module):
    """x . q / sqrt(width) (Vaswani et al. 2017, equation 1); both of one width."""

    def __init__(self, query_width: int, key_width: int, _: int) -> None:
        super().__init__()
        _check_equal(query_width, key_width)
        self.scale = 1 / math.sqrt(key_width)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """(..., q, width), (..., t, width) -> (..., q, t)."""
        return (query * self.scale) @ keys.transpose(-2, -1)


class Bilinear(nn.Module):
    """x^T W q (Luong, Pham and Manning 2015, "general")."""

    def __init__(self, query_width: int, key_width: int, _: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(key_width, query_width))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """(..., q, query_width), (..., t, key_width) -> (..., q, t)."""
        return nn.functional.linear(query, self.weight) @ keys.transpose(-2, -1)


class Additive(nn.Module):
    """v^T tanh(W x + U q) (Bahdanau, Cho and Bengio 2015, appendix A.1.2)."""

    def __init__(self, query_width: int, key_width: int, hidden: int) -> None:
        super().__init__()
        self.key = nn.Linear(key_width, hidden)
        self.query = nn.Linear(query_width, hidden, bias=False)
        self.value = nn.Linear(hidden, 1, bias=False)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """(..., q, query_width), (..., t, key_width) -> (..., q, t)."""
        queries = self.query(query).unsqueeze(-2)  # (..., q, 1, hidden)
        joined = torch.tanh(queries + self.key(keys).unsqueeze(-3))  # (..., q, t, hidden)
        scores: Tensor = self.value(joined).squeeze(-1)
        return scores


class _ScoreClass(Protocol):
    def __call__(self, query_width: int, key_width: int, hidden: int, /) -> nn.Module: ...


SCORES: Final[dict[ScoreName, _ScoreClass]] = {
    "dot": Dot,
    "scaled-dot": ScaledDot,
    "bilinear": Bilinear,
    "additive": Additive,
}


class Attention(nn.Module):
    """Queries ask keys, and get their values' weighted sum.

    hidden: width of the additive score's inner layer; the key's width unless given.
    dropout: share of the weights that are dropped in training, from the sum only.
    """

    def __init__(
        self,
        score: ScoreName,
        *,
        query_width: int,
        key_width: int,
        hidden: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        """Raises ModelError for an unknown score, or a dot of unequal widths."""
        super().__init__()
        if score not in SCORES:
            raise ModelError(f"unknown attention score {score!r}; known: {', '.join(SCORES)}")
        self.score = SCORES[score](query_width, key_width, hidden or key_width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None
    ) -> Attended:
        """query (batch, q, dq), keys (batch, t, dk), values (batch, t, dv), and mask (batch, t) or
        (batch, q, t), True where a key may be looked at -> context (batch, q, dv), weights
        (batch, q, t).

        A weight of a masked place is exactly 0. A query that may look nowhere gets zeros. Further
        axes may stand between batch and the last two, such as heads.
        """
        weights = masked_softmax(self.score(query, keys), mask)
        context: Tensor = self.dropout(weights) @ values
        return context, weights


class SelfAttention(nn.Module):
    """Every place's vector becomes a weighted sum of the vectors it may look at.

    direction: "bi-directional" looks both ways, "causal" at itself and what came before.
    window: how far it may look, in places; None looks at the whole row.
    """

    def __init__(
        self,
        score: ScoreName,
        width: int,
        *,
        direction: Direction = "bi-directional",
        window: int | None = None,
        hidden: int | None = None,
    ) -> None:
        super().__init__()
        self.attention = Attention(score, query_width=width, key_width=width, hidden=hidden)
        self.direction, self.window = check_direction(direction), window

    def forward(self, vectors: Tensor, mask: Tensor) -> Attended:
        """vectors (batch, t, width), mask (batch, t) -> (batch, t, width), (batch, t, t)."""
        allowed = self_mask(mask, direction=self.direction, window=self.window)
        attended: Attended = self.attention(vectors, vectors, vectors, allowed)
        return attended


class MultiHeadAttention(nn.Module):
    """Scaled dot attention in `heads` subspaces side by side (Vaswani et al. 2017, section 3.2.2).

    key_width: width of what is looked at; `width` unless given.
    """

    def __init__(
        self, width: int, heads: int, *, dropout: float = 0.0, key_width: int | None = None
    ) -> None:
        """Raises ModelError unless `heads` divides `width`."""
        super().__init__()
        if heads < 1 or width % heads:
            raise ModelError(f"{heads} attention heads do not divide a width of {width}")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(key_width or width, width)
        self.value = nn.Linear(key_width or width, width)
        self.output = nn.Linear(width, width)
        head = width // heads
        self.attention = Attention("scaled-dot", query_width=head, key_width=head, dropout=dropout)
        for projection in (self.query, self.key, self.value):
            nn.init.xavier_uniform_(projection.weight)

    def forward(
        self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None
    ) -> Attended:
        """query (batch, q, width), keys and values (batch, t, key_width), mask (batch, t) or
        (batch, q, t) -> context (batch, q, width), weights (batch, heads, q, t).
        """
        parts = (self.query(query), self.key(keys), self.value(values))
        context, weights = self.attention(*(self._split(part) for part in parts), mask)
        return self.output(context.transpose(1, 2).flatten(2)), weights

    def _split(self, vectors: Tensor) -> Tensor:
        """(batch, n, width) -> (batch, heads, n, width / heads)."""
        return vectors.reshape(*vectors.shape[:2], self.heads, -1).transpose(1, 2)


def masked_softmax(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax over the last axis of scores (batch, ..., q, t), in which masked places are 0.

    mask: (batch, t) or (batch, q, t), True on places that count. Rows without one are all 0.
    """
    if mask is None:
        return scores.softmax(dim=-1)
    allowed = _spread(mask, scores.ndim)
    lowest = torch.finfo(scores.dtype).min
    # The product clears rows in which nothing counts: their softmax is even, not zero.
    return scores.masked_fill(~allowed, lowest).softmax(dim=-1) * allowed


def _spread(mask: Tensor, axes: int) -> Tensor:
    """(batch, t) or (batch, q, t) -> (batch, 1, ..., q or 1, t)."""
    mask = mask.unsqueeze(1) if mask.ndim == 2 else mask
    while mask.ndim < axes:
        mask = mask.unsqueeze(1)
    return mask


def causal_mask(t: int, *, device: torch.device | None = None) -> Tensor:
    """(1, t, t), True where a row's place may look at a column's: itself or an earlier one."""
    places = torch.arange(t, device=device)
    return (places[None, :] <= places[:, None]).unsqueeze(0)


def local_mask(
    q: int,
    t: int,
    window: int,
    *,
    centres: Tensor | None = None,
    device: torch.device | None = None,
) -> Tensor:
    """True where a key lies at most `window` places from its query's centre.

    centres: (batch, q) places; None puts query i at place i ("local-m" of Luong et al. 2015,
    section 3.2). Returns (batch, q, t), with a batch of 1 where there are no centres.
    """
    if centres is None:
        centres = torch.arange(q, device=device).unsqueeze(0)
    places = torch.arange(t, device=centres.device)
    return (places - centres.unsqueeze(-1)).abs() <= window


def self_mask(
    mask: Tensor, *, direction: Direction = "bi-directional", window: int | None = None
) -> Tensor:
    """Padding (batch, t), direction and window as one mask: (batch, t, t), or (batch, t) where
    padding is all there is.
    """
    t = mask.shape[1]
    allowed = mask
    if direction == "causal":
        allowed = mask.unsqueeze(1) & causal_mask(t, device=mask.device)
    if window is not None:
        allowed = allowed if allowed.ndim == 3 else allowed.unsqueeze(1)
        allowed = allowed & local_mask(t, t, window, device=mask.device)
    return allowed


def check_direction(direction: Direction) -> Direction:
    """Raises ModelError for an unknown one."""
    if direction not in DIRECTIONS:
        raise ModelError(f"unknown direction {direction!r}; known: {', '.join(DIRECTIONS)}")
    return direction


def _check_equal(query_width: int, key_width: int) -> None:
    if query_width != key_width:
        raise ModelError(
            f"a dot needs queries and keys of one width, not {query_width} and {key_width}"
        )
