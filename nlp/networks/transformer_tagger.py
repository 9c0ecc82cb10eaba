"""A Transformer encoder that tags words: their vectors, shapes and characters, from scratch."""

import torch
from torch import Tensor, nn

from nlp.features import SHAPES
from nlp.networks.base import Network
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.transformer import Activation, Norm, PositionKind, Positions, TransformerEncoder
from nlp.vocabulary import PAD


class TransformerTagger(Network):
    """A word is its embedding, its shape's embedding and the strongest answers of filters over its
    characters (Ma and Hovy 2016), brought to `width`; a Transformer encoder reads the words, and
    one linear layer a tag layer judges each.

    Each distinct spelling of a batch is read once, however often it occurs.

    window: how many words to either side a word looks at; 0: at all.
    limit: the most words a sentence may have, for learned positions.
    """

    inputs = ("words", "shapes", "characters")

    def __init__(
        self,
        outputs: dict[str, int],
        *,
        words: int,
        trained: int,
        alphabet: int,
        dimensions: int = 50,
        channels: Channels = "two-channel",
        shape_width: int = 8,
        character_width: int = 32,
        filters: int = 100,
        width: int = 128,
        heads: int = 4,
        layers: int = 2,
        feed_forward: int = 256,
        positions: PositionKind = "sinusoidal",
        limit: int = 512,
        norm: Norm = "pre",
        activation: Activation = "gelu",
        window: int = 0,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.limit = limit if positions == "learned" else None
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        self.shapes = nn.Embedding(SHAPES, shape_width, padding_idx=PAD)
        self.spelling = CharacterFilters(alphabet, character_width, filters)
        self.projection = nn.Linear(self.embeddings.width + shape_width + filters, width)
        self.positions = Positions(positions, width, limit=limit)
        self.encoder = TransformerEncoder(
            width, heads,
            layers=layers, feed_forward=feed_forward, dropout=dropout, norm=norm,
            activation=activation, window=window or None,
        )  # fmt: skip
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(width, n) for name, n in outputs.items()})

    def forward(
        self, words: Tensor, shapes: Tensor, characters: Tensor, spellings: Tensor
    ) -> dict[str, Tensor]:
        """words, shapes, spellings: (batch, time); characters: (spellings, width)
        -> logits by layer: (batch, time, tags).
        """
        spelled = self.spelling(characters)[spellings]  # (batch, time, filters)
        read = torch.cat([self.embeddings(words), self.shapes(shapes), spelled], dim=-1)
        vectors = self.positions(self.projection(self.dropout(read)))  # (batch, time, width)
        states = self.dropout(self.encoder(self.dropout(vectors), words != PAD))
        return {name: head(states) for name, head in self.heads.items()}


class CharacterFilters(nn.Module):
    """Filters over three characters each, the strongest answer of each filter in the word."""

    def __init__(self, alphabet: int, width: int, filters: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(alphabet, width, padding_idx=PAD)
        self.filters = nn.Conv1d(width, filters, kernel_size=3, padding=1)

    def forward(self, characters: Tensor) -> Tensor:
        """(spellings, width) -> (spellings, filters); a spelling of padding alone gives zeros."""
        mask = characters != PAD
        answers = torch.relu(self.filters(self.embedding(characters).transpose(1, 2)))
        # ReLU answers are never negative, so zero hides a place behind the word.
        return (answers * mask.unsqueeze(1)).amax(dim=2)
