"""TD-LSTM (Tang, Qin, Feng and Liu 2016): two LSTMs that meet on the term that is asked about."""

import torch
from torch import Tensor, nn

from nlp.networks.aspect_terms import mean_vector, state_at, term_ends
from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.recurrent import Cell, Recurrent, gather_places, reversed_places
from nlp.vocabulary import PAD


class TargetLSTM(Network):
    """One LSTM reads from the text's first word to the term's last, one backwards from the text's
    last word to the term's first; the answer rests on both ends. An aspect without a term has the
    whole text read both ways.

    connect: the mean of the aspect's embeddings goes beside each word's (TC-LSTM, same paper).
        Without it the categories of one text cannot be told apart.
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
        hidden: int = 150,
        layers: int = 1,
        connect: bool = True,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        width = self.embeddings.width * (2 if connect else 1)
        self.left = Recurrent(width, hidden, cell=cell, layers=layers, dropout=dropout)
        self.right = Recurrent(width, hidden, cell=cell, layers=layers, dropout=dropout)
        self.connect = connect
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(2 * hidden, n) for name, n in outputs.items()})

    def forward(self, words: Tensor, aspect: Tensor, places: Tensor) -> dict[str, Tensor]:
        """words, places: (batch, time); aspect: (batch, n) -> logits by layer (batch, classes)."""
        mask = words != PAD
        vectors = self._inputs(words, aspect)
        first, last = term_ends(places)
        # A state knows what was read before it: at the term's end, all that stands left of it.
        left = state_at(self.left(vectors, mask), last)
        order = reversed_places(mask)
        backwards = self.right(gather_places(vectors, order), mask)
        right = state_at(gather_places(backwards, order), first)
        read = self.dropout(torch.cat([left, right], dim=-1))  # (batch, 2 * hidden)
        return {name: head(read) for name, head in self.heads.items()}

    def _inputs(self, words: Tensor, aspect: Tensor) -> Tensor:
        """(batch, time, width)."""
        vectors: Tensor = self.embeddings(words)
        if self.connect:
            vector = mean_vector(self.embeddings(aspect), aspect).unsqueeze(1)
            vectors = torch.cat([vectors, vector.expand_as(vectors)], dim=-1)
        dropped: Tensor = self.dropout(vectors)
        return dropped
