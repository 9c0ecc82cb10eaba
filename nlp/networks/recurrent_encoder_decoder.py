"""Recurrent encoder-decoder with attention and copying.

Cho et al. (2014) and Sutskever, Vinyals and Le (2014); attention as in Luong, Pham and Manning
(2015), section 3.1: the decoder's states ask the encoder's, and context and state together say what
comes next. Nothing of a step's answer flows into the next step but what is written, so that all
steps of a prefix are read at once. Copying: `nlp.networks.encoder_decoder`.
"""

import torch
from torch import Tensor, nn

from nlp.networks.attention import Attention, ScoreName, masked_softmax
from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.encoder_decoder import (
    Copy,
    CopyHead,
    CopyScore,
    WrittenEmbeddings,
    only_layer,
)
from nlp.networks.pooling import last_states
from nlp.networks.recurrent import Cell, Recurrent
from nlp.vocabulary import PAD


class RecurrentEncoderDecoder(Network):
    """cell: of encoder (both directions) and decoder (forward): "rnn", "lstm", "gru".

    layers, hidden: of the encoder, a direction, and of the decoder. The decoder's layers start from
    the states in which the encoder's directions end, through one linear layer and tanh.
    attention: a score of `nlp.networks.attention`. copy: "joint" scores the words to copy by a
    function of its own; "mixture" copies by the attention weights.
    """

    inputs = ("words", "prefix")

    def __init__(
        self,
        outputs: dict[str, int],
        *,
        words: int,
        trained: int,
        dimensions: int = 50,
        channels: Channels = "two-channel",
        cell: Cell = "lstm",
        layers: int = 1,
        hidden: int = 128,
        attention: ScoreName = "bilinear",
        copy: Copy = "joint",
        dropout: float = 0.3,
    ) -> None:
        """Raises ModelError for a choice that it does not know."""
        super().__init__()
        self.layer, symbols = only_layer(outputs)
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        width = self.embeddings.width
        self.encoder = Recurrent(
            width, hidden, cell=cell, directions=2, layers=layers, dropout=dropout
        )
        states = self.encoder.width
        self.written = WrittenEmbeddings(symbols, width, states)
        self.decoder = Recurrent(
            self.written.width, hidden, cell=cell, layers=layers, dropout=dropout
        )
        self.start = nn.Linear(states, layers * self.decoder.state_width)
        self.attention = Attention(attention, query_width=hidden, key_width=states)
        self.combined = nn.Linear(states + hidden, hidden)
        self.copy_score = CopyScore(hidden, states) if copy == "joint" else None
        self.head = CopyHead(hidden, symbols, copy=copy)
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor, prefix: Tensor) -> dict[str, Tensor]:
        """words (batch, time), prefix (batch, steps) -> log-probabilities of what follows each
        place of the prefix: (batch, steps, symbols + time).
        """
        mask, written = words != PAD, prefix != PAD
        vectors = self.dropout(self.embeddings(words))  # (batch, time, width)
        keys = self.dropout(self.encoder(vectors, mask))  # (batch, time, 2 * hidden)
        read = self.written(prefix, vectors, keys)  # (batch, steps, width + 2 * hidden)
        states = self.dropout(self.decoder(read, written, self._start(keys, mask)))
        scores = self.attention.score(states, keys)  # (batch, steps, time)
        context = masked_softmax(scores, mask) @ keys
        combined = torch.tanh(self.combined(torch.cat([context, states], dim=-1)))
        if self.copy_score is not None:
            scores = self.copy_score(combined, keys)
        return {self.layer: self.head(self.dropout(combined), scores, mask)}

    def _start(self, keys: Tensor, mask: Tensor) -> Tensor:
        """(layers, batch, the decoder's state_width)."""
        ended = torch.tanh(self.start(last_states(keys, mask)))
        each = ended.reshape(ended.shape[0], -1, self.decoder.state_width)
        return each.transpose(0, 1).contiguous()
