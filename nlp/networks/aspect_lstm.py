"""The lecture's baseline of aspect sentiment: "Aspect food. <text>" through an LSTM, max pooled."""

from torch import Tensor, nn

from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.pooling import Pooling, pool, pooled_width
from nlp.networks.recurrent import Cell, Directions, Recurrent
from nlp.vocabulary import PAD


class AspectLSTM(Network):
    """h = maxpool(h_1..h_T) over the aspect's words and the text's alike, one linear layer.

    Only what the network remembers of the first words tells it which aspect is meant.
    """

    inputs = ("prefixed",)

    def __init__(
        self,
        outputs: dict[str, int],
        *,
        words: int,
        trained: int,
        dimensions: int = 100,
        channels: Channels = "two-channel",
        cell: Cell = "lstm",
        directions: Directions = 1,
        hidden: int = 200,
        layers: int = 1,
        pooling: Pooling = "max",
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        self.encoder = Recurrent(
            self.embeddings.width,
            hidden,
            cell=cell,
            directions=directions,
            layers=layers,
            dropout=dropout,
        )
        self.dropout = nn.Dropout(dropout)
        self.pooling, self.directions = pooling, directions
        width = pooled_width(pooling, self.encoder.width)
        self.heads = nn.ModuleDict({name: nn.Linear(width, n) for name, n in outputs.items()})

    def forward(self, prefixed: Tensor) -> dict[str, Tensor]:
        """prefixed: (batch, places) -> logits by layer: (batch, classes)."""
        mask = prefixed != PAD
        states = self.encoder(self.dropout(self.embeddings(prefixed)), mask)
        read = self.dropout(pool(states, mask, self.pooling, directions=self.directions))
        return {name: head(read) for name, head in self.heads.items()}
