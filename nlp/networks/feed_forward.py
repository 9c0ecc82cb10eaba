"""Feed-forward network over averaged embeddings (Iyyer et al. 2015, "Deep Averaging Networks")."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, Literal

from torch import Tensor, nn

from nlp.errors import ModelError
from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.pooling import pool
from nlp.vocabulary import PAD

Activation = Literal["relu", "tanh", "sigmoid", "gelu"]
ACTIVATIONS: Final[dict[str, Callable[[], nn.Module]]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
}


class FeedForward(Network):
    """The mean of the words' vectors through any number of hidden layers; one linear layer.

    a_0 = mean(e_1 .. e_n);  a_i = f(W_i a_(i-1) + b_i);  y = W a_k + b. Dropout before each layer.
    Iyyer et al. leave dropped words out of the mean; `training.word_dropout` reads them as the
    unknown word, so that its vector is learnt.
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
        hidden: Sequence[int] = (300, 300),
        activation: Activation = "relu",
        dropout: float = 0.3,
    ) -> None:
        """hidden: units of each hidden layer; none makes it a linear model of the mean."""
        if activation not in ACTIVATIONS:
            raise ModelError(f"unknown activation {activation!r}; known: {', '.join(ACTIVATIONS)}")
        super().__init__()
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        widths = [self.embeddings.width, *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.activation = ACTIVATIONS[activation]()
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(widths[-1], n) for name, n in outputs.items()})

    def forward(self, words: Tensor) -> dict[str, Tensor]:
        """words: (batch, time) -> logits by layer: (batch, classes)."""
        features = pool(self.embeddings(words), words != PAD, "mean")  # (batch, width)
        for layer in self.layers:
            features = self.activation(layer(self.dropout(features)))
        features = self.dropout(features)
        return {name: head(features) for name, head in self.heads.items()}
