"""Attention LSTM for aspect sentiment: the aspect asks the states of the text's words.

    s_t = score(h_t, h_aspect)    alpha = softmax(s)    h = sum_t alpha_t h_t

The lecture's score is bilinear, h_t^T W h_aspect. With `append` the aspect's vector goes beside
each word's, as in ATAE-LSTM (Wang, Huang, Zhu and Zhao 2016), whose answer rests on the last state
as well as on what was attended.
"""

from functools import partial
from typing import Final, Literal

import torch
from torch import Tensor, nn

from nlp.errors import ModelError
from nlp.networks.aspect_terms import PLACES, has_term, inside_term, mean_vector, near_term
from nlp.networks.attention import Attention, ScoreName
from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.pooling import Pooling, pool, pooled_width
from nlp.networks.recurrent import Cell, Directions, Recurrent
from nlp.vocabulary import PAD

AspectVector = Literal["mean", "recurrent", "states"]
ASPECT_VECTORS: Final[tuple[AspectVector, ...]] = ("mean", "recurrent", "states")


class AttentionLSTM(Network):
    """A recurrent network over the words, attention by the aspect, one linear layer.

    aspect: what the aspect asks with. "mean" of its words' embeddings (as wide as they are);
        "recurrent", the mean of the states that a network of its own gives its words; "states",
        the mean of the text's states at the term, or "recurrent" where there is no term.
    append: the mean of the aspect's embeddings goes beside each word's.
    places: an embedding of each word's distance to the term goes beside it too; its width, or 0.
    window: a term asks no word farther away than this; 0: it asks all. A category asks all.
    beside: what the answer rests on beside what was attended: a pooling of all states, the
        "aspect" that asked, or nothing ("").
    """

    inputs = ("words", "aspect", "places")

    def __init__(
        self,
        outputs: dict[str, int],
        *,
        words: int,
        trained: int,
        dimensions: int = 100,
        channels: Channels = "two-channel",
        cell: Cell = "lstm",
        directions: Directions = 2,
        hidden: int = 150,
        layers: int = 1,
        score: ScoreName = "bilinear",
        aspect: AspectVector = "recurrent",
        append: bool = True,
        places: int = 32,
        window: int = 0,
        beside: Pooling | Literal["aspect", ""] = "",
        dropout: float = 0.5,
    ) -> None:
        """Raises ModelError for an unknown aspect vector, score, pooling or cell."""
        super().__init__()
        if aspect not in ASPECT_VECTORS:
            raise ModelError(f"unknown aspect {aspect!r}; known: {', '.join(ASPECT_VECTORS)}")
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        width = self.embeddings.width
        self.places = nn.Embedding(PLACES, places, padding_idx=PAD) if places else None
        whole = width * (2 if append else 1) + places
        reader = partial(Recurrent, hidden=hidden, cell=cell, directions=directions)
        self.encoder = reader(whole, layers=layers, dropout=dropout)
        self.reader = None if aspect == "mean" else reader(width)
        asks = width if self.reader is None else self.encoder.width
        self.attention = Attention(score, query_width=asks, key_width=self.encoder.width)
        self.dropout = nn.Dropout(dropout)
        self.aspect, self.append, self.window = aspect, append, window
        self.beside, self.directions = beside, directions
        read = self.encoder.width + _width_beside(beside, self.encoder.width, asks)
        self.heads = nn.ModuleDict({name: nn.Linear(read, n) for name, n in outputs.items()})

    def forward(self, words: Tensor, aspect: Tensor, places: Tensor) -> dict[str, Tensor]:
        """words, places: (batch, time); aspect: (batch, n).

        Gives logits by layer (batch, classes), and `<layer>_attention` (batch, time), whose rows
        sum to one.
        """
        mask = words != PAD
        named = self.dropout(self.embeddings(aspect))  # (batch, n, width)
        states = self.dropout(self.encoder(self._inputs(words, named, aspect, places), mask))
        asking = self._asking(states, named, aspect, places)  # (batch, asks)
        asked = near_term(places, self.window) if self.window else mask
        attended, weights = self.attention(asking.unsqueeze(1), states, states, asked)
        read = self.dropout(self._beside(attended.squeeze(1), states, asking, mask))
        logits = {name: head(read) for name, head in self.heads.items()}
        return {**logits, **{f"{name}_attention": weights.squeeze(1) for name in self.heads}}

    def _inputs(self, words: Tensor, named: Tensor, aspect: Tensor, places: Tensor) -> Tensor:
        """(batch, time, width of the encoder's input)."""
        parts = [self.dropout(self.embeddings(words))]
        if self.append:
            vector = mean_vector(named, aspect).unsqueeze(1)
            parts.append(vector.expand(-1, words.shape[1], -1))
        if self.places is not None:
            parts.append(self.places(places))
        return torch.cat(parts, dim=-1)

    def _asking(self, states: Tensor, named: Tensor, aspect: Tensor, places: Tensor) -> Tensor:
        if self.reader is None:
            return mean_vector(named, aspect)
        read = mean_vector(self.reader(named, aspect != PAD), aspect)
        if self.aspect == "recurrent":
            return read
        return torch.where(has_term(places), pool(states, inside_term(places), "mean"), read)

    def _beside(self, attended: Tensor, states: Tensor, asking: Tensor, mask: Tensor) -> Tensor:
        if not self.beside:
            return attended
        if self.beside == "aspect":
            return torch.cat([attended, asking], dim=-1)
        whole = pool(states, mask, self.beside, directions=self.directions)
        return torch.cat([attended, whole], dim=-1)


def _width_beside(beside: Pooling | Literal["aspect", ""], states: int, asks: int) -> int:
    if beside == "aspect":
        return asks
    return pooled_width(beside, states) if beside else 0
