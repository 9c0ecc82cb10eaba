"""Sentence classification by a recurrent network (Graves and Schmidhuber 2005; Tai et al. 2015)."""

from torch import Tensor, nn

from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.pooling import Pooling, pool, pooled_width
from nlp.networks.recurrent import Cell, Directions, Recurrent
from nlp.vocabulary import PAD


class RecurrentClassifier(Network):
    """Recurrent layers read the words' vectors; their states are pooled; one linear layer.

    y = W pool(h_1 .. h_n) + b. Cell, directions, layers and pooling are sizes: see
    `nlp.networks.recurrent` and `nlp.networks.pooling` for the choices.
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
        hidden: int = 150,
        layers: int = 1,
        cell: Cell = "lstm",
        directions: Directions = 2,
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
        self.pooling = pooling
        self.directions = directions
        self.dropout = nn.Dropout(dropout)
        width = pooled_width(pooling, self.encoder.width)
        self.heads = nn.ModuleDict({name: nn.Linear(width, n) for name, n in outputs.items()})

    def forward(self, words: Tensor) -> dict[str, Tensor]:
        """words: (batch, time) -> logits by layer: (batch, classes)."""
        mask = words != PAD  # (batch, time)
        states = self.encoder(self.dropout(self.embeddings(words)), mask)
        pooled = pool(states, mask, self.pooling, directions=self.directions)
        features = self.dropout(pooled)  # (batch, width)
        return {name: head(features) for name, head in self.heads.items()}
