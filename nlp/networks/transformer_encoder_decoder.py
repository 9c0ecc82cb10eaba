"""Transformer encoder-decoder (Vaswani et al. 2017) that copies words of its text.

The decoder's last states point at the encoder's, by a score of their own, to say which word is
copied next: a pointer (Vinyals, Fortunato and Jaitly 2015) over the text.
"""

from torch import Tensor, nn

from nlp.networks.attention import Attention, ScoreName
from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.encoder_decoder import Copy, CopyHead, WrittenEmbeddings, only_layer
from nlp.networks.transformer import (
    Norm,
    PositionKind,
    Positions,
    TransformerDecoder,
    TransformerEncoder,
)
from nlp.vocabulary import PAD


class TransformerEncoderDecoder(Network):
    """layers: of encoder and of decoder. hidden: width of their states; feed_forward: of the inner
    layer. attention: the pointer's score, of `nlp.networks.attention`. position_limit: places that
    learned positions have; sinusoidal ones need none.
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
        layers: int = 2,
        hidden: int = 128,
        heads: int = 4,
        feed_forward: int = 256,
        norm: Norm = "pre",
        positions: PositionKind = "sinusoidal",
        position_limit: int | None = None,
        attention: ScoreName = "bilinear",
        copy: Copy = "joint",
        dropout: float = 0.2,
    ) -> None:
        """Raises ModelError for a choice that it does not know."""
        super().__init__()
        self.layer, symbols = only_layer(outputs)
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        width = self.embeddings.width
        self.positions = Positions(positions, hidden, limit=position_limit)
        self.enter = nn.Linear(width, hidden)
        self.encoder = TransformerEncoder(
            hidden, heads, layers=layers, feed_forward=feed_forward, dropout=dropout, norm=norm
        )
        self.written = WrittenEmbeddings(symbols, width, hidden)
        self.enter_written = nn.Linear(self.written.width, hidden)
        self.decoder = TransformerDecoder(
            hidden, heads, layers=layers, feed_forward=feed_forward, dropout=dropout, norm=norm
        )
        self.pointer = Attention(attention, query_width=hidden, key_width=hidden)
        self.head = CopyHead(hidden, symbols, copy=copy)
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor, prefix: Tensor) -> dict[str, Tensor]:
        """words (batch, time), prefix (batch, steps) -> log-probabilities of what follows each
        place of the prefix: (batch, steps, symbols + time).
        """
        mask, written = words != PAD, prefix != PAD
        vectors = self.dropout(self.embeddings(words))  # (batch, time, width)
        entered = self.dropout(self.positions(self.enter(vectors)))
        memory = self.encoder(entered, mask)  # (batch, time, hidden)
        read = self.enter_written(self.written(prefix, vectors, memory))  # (batch, steps, hidden)
        states, _ = self.decoder(self.dropout(self.positions(read)), written, memory, mask)
        states = self.dropout(states)
        return {self.layer: self.head(states, self.pointer.score(states, memory), mask)}
