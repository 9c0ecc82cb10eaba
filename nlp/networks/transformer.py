"""The Transformer written out (Vaswani et al. 2017): positions, encoder and decoder layers.

A layer is a few parts (self-attention, attention to a memory, feed-forward), each with a residual
around it. Layer normalisation stands behind the sum ("post", as published) or before the part
("pre", Xiong et al. 2020: trains without a long warm-up); "pre" stacks end with one more.
"""

import math
from typing import Final, Literal

import torch
from torch import Tensor, nn

from nlp.errors import ModelError
from nlp.networks.attention import Direction, MultiHeadAttention, self_mask

Norm = Literal["pre", "post"]
PositionKind = Literal["sinusoidal", "learned"]
Activation = Literal["relu", "gelu"]

NORMS: Final[tuple[Norm, ...]] = ("pre", "post")
POSITIONS: Final[tuple[PositionKind, ...]] = ("sinusoidal", "learned")
ACTIVATIONS: Final[dict[Activation, type[nn.Module]]] = {"relu": nn.ReLU, "gelu": nn.GELU}


class Positions(nn.Module):
    """A vector a place, added to what stands there.

    sinusoidal  sines and cosines of falling frequency (Vaswani et al. 2017, section 3.5); no limit
    learned     a table of `limit` places (Gehring et al. 2017)
    """

    def __init__(self, kind: PositionKind, width: int, *, limit: int | None = None) -> None:
        """Raises ModelError for an unknown kind and for a learned table without a limit."""
        if kind not in POSITIONS:
            raise ModelError(f"unknown positions {kind!r}; known: {', '.join(POSITIONS)}")
        if kind == "learned" and (limit is None or limit < 1):
            raise ModelError(f"learned positions need a limit of at least one place, not {limit}")
        super().__init__()
        self.width = width
        self.limit = limit if kind == "learned" else None
        self.table = None if self.limit is None else nn.Embedding(self.limit, width)
        if self.table is not None:
            nn.init.normal_(self.table.weight, std=0.02)

    def forward(self, vectors: Tensor) -> Tensor:
        """(batch, time, width), time within the limit -> the same with positions added."""
        places = torch.arange(vectors.shape[1], device=vectors.device)
        positions = sinusoids(places, self.width) if self.table is None else self.table(places)
        return vectors + positions


def sinusoids(places: Tensor, width: int) -> Tensor:
    """Sine in the even and cosine in the odd columns of p / 10000^(2i / width).

    places: (time,) integers. Returns (time, width).
    """
    pairs = torch.arange((width + 1) // 2, device=places.device)
    angles = places[:, None] * torch.exp(pairs * (-2 * math.log(10_000) / width))
    both = torch.stack([angles.sin(), angles.cos()], dim=-1)  # (time, pairs, 2)
    return both.flatten(1)[:, :width]


class Residual(nn.Module):
    """What stands around a part: layer normalisation before or behind, dropout, and the sum."""

    def __init__(self, width: int, dropout: float, norm: Norm) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.first = norm == "pre"

    def before(self, vectors: Tensor) -> Tensor:
        """What the part reads."""
        read: Tensor = self.norm(vectors) if self.first else vectors
        return read

    def after(self, vectors: Tensor, change: Tensor) -> Tensor:
        """`vectors` and what the part made of them, summed."""
        total: Tensor = vectors + self.dropout(change)
        return total if self.first else self.norm(total)


class FeedForward(nn.Sequential):
    """Two linear layers, place by place (Vaswani et al. 2017, equation 2)."""

    def __init__(self, width: int, hidden: int, *, dropout: float, activation: Activation) -> None:
        super().__init__(
            nn.Linear(width, hidden),
            ACTIVATIONS[activation](),
            nn.Dropout(dropout),
            nn.Linear(hidden, width),
        )


class TransformerLayer(nn.Module):
    """Self-attention and feed-forward: one layer of an encoder, or of a language model."""

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        feed_forward: int,
        dropout: float = 0.1,
        norm: Norm = "pre",
        activation: Activation = "gelu",
    ) -> None:
        """Raises ModelError for a switch it does not know, or heads that do not divide width."""
        _check_switches(norm, activation)
        super().__init__()
        self.attention = MultiHeadAttention(width, heads, dropout=dropout)
        self.feed = FeedForward(width, feed_forward, dropout=dropout, activation=activation)
        self.around_attention = Residual(width, dropout, norm)
        self.around_feed = Residual(width, dropout, norm)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """vectors (batch, time, width); mask (batch, time) or (batch, time, time), True on places
        that may be looked at -> (batch, time, width).
        """
        asked = self.around_attention.before(vectors)
        context, _ = self.attention(asked, asked, asked, mask)
        vectors = self.around_attention.after(vectors, context)
        change = self.feed(self.around_feed.before(vectors))
        return self.around_feed.after(vectors, change)


class TransformerEncoder(nn.Module):
    """`layers` layers that look both ways; with `causal`, at themselves and what came before:
    then it is the decoder of a language model. `window`: how far a place looks; None: all over.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        layers: int,
        feed_forward: int,
        dropout: float = 0.1,
        norm: Norm = "pre",
        activation: Activation = "gelu",
        causal: bool = False,
        window: int | None = None,
    ) -> None:
        super().__init__()
        self.direction: Direction = "causal" if causal else "bi-directional"
        self.window = window
        self.layers = nn.ModuleList(
            TransformerLayer(
                width, heads,
                feed_forward=feed_forward, dropout=dropout, norm=norm, activation=activation,
            )
            for _ in range(layers)
        )  # fmt: skip
        self.norm = nn.LayerNorm(width) if norm == "pre" else nn.Identity()

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """(batch, time, width), mask (batch, time) True on words -> (batch, time, width)."""
        allowed = self_mask(mask, direction=self.direction, window=self.window)
        for layer in self.layers:
            vectors = layer(vectors, allowed)
        normed: Tensor = self.norm(vectors)
        return normed


class TransformerDecoderLayer(nn.Module):
    """Causal self-attention, attention to a memory, feed-forward."""

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        feed_forward: int,
        dropout: float = 0.1,
        norm: Norm = "pre",
        activation: Activation = "gelu",
        memory_width: int | None = None,
    ) -> None:
        """memory_width: `width` unless given. Raises ModelError as TransformerLayer."""
        _check_switches(norm, activation)
        super().__init__()
        self.attention = MultiHeadAttention(width, heads, dropout=dropout)
        self.cross = MultiHeadAttention(width, heads, dropout=dropout, key_width=memory_width)
        self.feed = FeedForward(width, feed_forward, dropout=dropout, activation=activation)
        self.around_attention = Residual(width, dropout, norm)
        self.around_cross = Residual(width, dropout, norm)
        self.around_feed = Residual(width, dropout, norm)

    def forward(
        self, vectors: Tensor, mask: Tensor, memory: Tensor, memory_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """vectors (batch, steps, width), mask (batch, steps, steps), memory (batch, time,
        memory_width), memory_mask (batch, time) -> (batch, steps, width), and the weights of the
        attention to the memory (batch, heads, steps, time).
        """
        asked = self.around_attention.before(vectors)
        context, _ = self.attention(asked, asked, asked, mask)
        vectors = self.around_attention.after(vectors, context)
        asked = self.around_cross.before(vectors)
        context, weights = self.cross(asked, memory, memory, memory_mask)
        vectors = self.around_cross.after(vectors, context)
        change = self.feed(self.around_feed.before(vectors))
        return self.around_feed.after(vectors, change), weights


class TransformerDecoder(nn.Module):
    """`layers` decoder layers: no step sees a later one, each sees the whole memory."""

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        layers: int,
        feed_forward: int,
        dropout: float = 0.1,
        norm: Norm = "pre",
        activation: Activation = "gelu",
        memory_width: int | None = None,
    ) -> None:
        """Raises ModelError unless there is a layer at least."""
        if layers < 1:
            raise ModelError(f"a decoder needs at least one layer, not {layers}")
        super().__init__()
        self.layers = nn.ModuleList(
            TransformerDecoderLayer(
                width, heads,
                feed_forward=feed_forward, dropout=dropout, norm=norm, activation=activation,
                memory_width=memory_width,
            )
            for _ in range(layers)
        )  # fmt: skip
        self.norm = nn.LayerNorm(width) if norm == "pre" else nn.Identity()

    def forward(
        self, vectors: Tensor, mask: Tensor, memory: Tensor, memory_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """vectors (batch, steps, width), mask (batch, steps), memory (batch, time, memory_width),
        memory_mask (batch, time) -> states (batch, steps, width), and the last layer's weights of
        the memory, averaged over the heads: (batch, steps, time).
        """
        allowed = self_mask(mask, direction="causal")
        weights = memory.new_zeros(())  # every decoder has a layer that gives them
        for layer in self.layers:
            vectors, weights = layer(vectors, allowed, memory, memory_mask)
        return self.norm(vectors), weights.mean(dim=1)


def _check_switches(norm: Norm, activation: Activation) -> None:
    if norm not in NORMS:
        raise ModelError(f"unknown place of the norm {norm!r}; known: {', '.join(NORMS)}")
    if activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise ModelError(f"unknown activation {activation!r}; known: {known}")
