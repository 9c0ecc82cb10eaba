"""TextCNN (Kim 2014, "Convolutional Neural Networks for Sentence Classification")."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.vocabulary import PAD


class TextCNN(Network):
    """Filters over windows of words, the strongest answer of each filter, one linear layer.

    A filter of width w slides from the first place that touches a word to the last (w - 1 zeros on
    both sides, as in Kim's code); places that touch only padding are masked out of the maximum, so
    a row's answer does not depend on how far its batch is padded.
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
        widths: Sequence[int] = (3, 4, 5),
        filters: int = 100,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        width = self.embeddings.width
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, filters, w, padding=w - 1) for w in widths
        )
        self.dropout = nn.Dropout(dropout)
        pooled = filters * len(widths)
        self.heads = nn.ModuleDict({name: nn.Linear(pooled, n) for name, n in outputs.items()})

    def forward(self, words: Tensor) -> dict[str, Tensor]:
        """words: (batch, time) -> logits by layer: (batch, classes)."""
        mask = words != PAD  # (batch, time)
        vectors = self.embeddings(words) * mask.unsqueeze(-1)  # (batch, time, width)
        channels_first = vectors.transpose(1, 2)
        pooled = [self._strongest(c, channels_first, mask) for c in self.convolutions]
        features = self.dropout(torch.cat(pooled, dim=1))  # (batch, filters * widths)
        return {name: head(features) for name, head in self.heads.items()}

    @staticmethod
    def _strongest(convolution: nn.Module, vectors: Tensor, mask: Tensor) -> Tensor:
        """(batch, width, time) -> (batch, filters): the maximum over places that touch a word."""
        answers = torch.relu(convolution(vectors))  # (batch, filters, time + w - 1)
        extra = answers.shape[2] - mask.shape[1]
        # A place touches a word if it lies less than w behind one: words stand first in a row. ReLU
        # answers are never negative, so zero hides a masked place.
        touches = nn.functional.pad(mask, (extra, 0), value=True)
        return (answers * touches.unsqueeze(1)).amax(dim=2)
