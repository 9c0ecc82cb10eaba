"""Word embeddings in the four forms of Kim (2014)."""

from typing import Final, Literal

import torch
from torch import Tensor, nn

from nlp.errors import ModelError
from nlp.vocabulary import PAD, UNKNOWN

Channels = Literal["random", "static", "non-static", "two-channel"]
CHANNELS: Final[tuple[Channels, ...]] = ("random", "static", "non-static", "two-channel")


class WordEmbeddings(nn.Module):
    """Ids (batch, time) to vectors (batch, time, width).

    random      a table learnt from scratch
    static      pretrained vectors, not learnt (kept in half precision: 2 bytes a number)
    non-static  pretrained vectors, learnt on
    two-channel both a static and a learnt copy, side by side: width is twice `dimensions`

    The learnt table has rows for the `trained` first ids only: a word that training never saw
    reads the row of the unknown word there, and its own pretrained vector in the static table.
    """

    def __init__(self, words: int, trained: int, dimensions: int, *, channels: Channels) -> None:
        if channels not in CHANNELS:
            raise ModelError(f"unknown channels {channels!r}; known: {', '.join(CHANNELS)}")
        super().__init__()
        self.trained = trained
        self.width = dimensions * (2 if channels == "two-channel" else 1)
        self.static: Tensor | None
        rows = words if channels in ("static", "two-channel") else 0
        self.register_buffer("static", torch.zeros(rows, dimensions).half() if rows else None)
        learnt = channels != "static"
        self.learnt = nn.Embedding(trained, dimensions, padding_idx=PAD) if learnt else None
        if self.learnt is not None:
            nn.init.uniform_(self.learnt.weight, -0.25, 0.25)
            self.learnt.weight.data[PAD] = 0.0

    def load_vectors(self, vectors: Tensor) -> None:
        """Start from pretrained vectors (words, dimensions); a row of NaN means: none known.

        Words without a vector keep their random start in the learnt table and are zero in the
        static one.
        """
        known = ~vectors.isnan().any(dim=1)
        if self.static is not None:
            self.static.copy_(torch.where(known[:, None], vectors, 0.0).half())
        if self.learnt is not None:
            rows = known[: self.trained].nonzero().squeeze(1)
            self.learnt.weight.data[rows] = vectors[rows].to(self.learnt.weight.dtype)

    def forward(self, words: Tensor) -> Tensor:
        channels = []
        if self.static is not None:
            channels.append(nn.functional.embedding(words, self.static).float())
        if self.learnt is not None:
            channels.append(self.learnt(torch.where(words < self.trained, words, UNKNOWN)))
        return torch.cat(channels, dim=-1)
