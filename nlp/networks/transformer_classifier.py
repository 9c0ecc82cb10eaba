"""A Transformer encoder over a text's words, from scratch (Vaswani et al. 2017)."""

from typing import Final, Literal

import torch
from torch import Tensor, nn

from nlp.errors import ModelError
from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.pooling import pool
from nlp.networks.transformer import Activation, Norm, PositionKind, Positions, TransformerEncoder
from nlp.vocabulary import PAD

EncoderPooling = Literal["mean", "max", "first"]
ENCODER_POOLINGS: Final[tuple[EncoderPooling, ...]] = ("mean", "max", "first")


class TransformerClassifier(Network):
    """Word vectors brought to `width`, positions, `layers` layers, one vector a text, one linear
    layer.

    pooling: "mean" or "max" over the words, or "first": the state of a learnt vector that is put
        before them (Devlin et al. 2019).
    window: how many words to either side a word looks at; 0: at all.
    limit: the most words a text may have, for learned positions.
    """

    inputs = ("words",)

    def __init__(
        self,
        outputs: dict[str, int],
        *,
        words: int,
        trained: int,
        dimensions: int = 50,
        channels: Channels = "two-channel",
        width: int = 128,
        heads: int = 4,
        layers: int = 2,
        feed_forward: int = 256,
        positions: PositionKind = "sinusoidal",
        limit: int = 512,
        norm: Norm = "pre",
        activation: Activation = "gelu",
        window: int = 0,
        pooling: EncoderPooling = "mean",
        dropout: float = 0.2,
    ) -> None:
        if pooling not in ENCODER_POOLINGS:
            raise ModelError(f"unknown pooling {pooling!r}; known: {', '.join(ENCODER_POOLINGS)}")
        super().__init__()
        self.pooling, self.limit = pooling, limit if positions == "learned" else None
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        self.projection = nn.Linear(self.embeddings.width, width)
        first = pooling == "first"
        self.start = nn.Parameter(torch.randn(1, 1, width)) if first else None
        self.positions = Positions(positions, width, limit=limit + first)
        self.encoder = TransformerEncoder(
            width, heads,
            layers=layers, feed_forward=feed_forward, dropout=dropout, norm=norm,
            activation=activation, window=window or None,
        )  # fmt: skip
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(width, n) for name, n in outputs.items()})

    def forward(self, words: Tensor) -> dict[str, Tensor]:
        """words: (batch, time) -> logits by layer: (batch, classes)."""
        mask = words != PAD  # (batch, time)
        vectors = self.projection(self.dropout(self.embeddings(words)))  # (batch, time, width)
        if self.start is not None:
            vectors = torch.cat([self.start.expand(words.shape[0], -1, -1), vectors], dim=1)
            mask = nn.functional.pad(mask, (1, 0), value=True)  # (batch, 1 + time)
        states = self.encoder(self.dropout(self.positions(vectors)), mask)
        read = self.dropout(self._pooled(states, mask))
        return {name: head(read) for name, head in self.heads.items()}

    def _pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        if self.pooling == "first":
            return states[:, 0]
        return pool(states, mask, "max" if self.pooling == "max" else "mean")
