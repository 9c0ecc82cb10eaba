"""Word and character BiLSTM tagger (Plank et al. 2016); CRF as in Lample et al. (2016).

Its cell and its directions over words can be chosen; the BiLSTM is the default.
"""

import torch
from torch import Tensor, nn

from nlp.features import SHAPES
from nlp.networks.base import Network
from nlp.networks.crf import LinearChain
from nlp.networks.embeddings import Channels, WordEmbeddings
from nlp.networks.pooling import last_states
from nlp.networks.recurrent import Cell, Directions, Recurrent
from nlp.vocabulary import PAD


class BiLSTMTagger(Network):
    """A word is its embedding, its shape's embedding and the end states of a BiLSTM over its
    characters; a BiLSTM over words reads them; one linear layer a tag layer.

    Each distinct spelling of a batch is read once, however often it occurs.
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
        character_hidden: int = 50,
        hidden: int = 200,
        layers: int = 2,
        cell: Cell = "lstm",
        directions: Directions = 2,
        dropout: float = 0.4,
        crf: bool = False,
    ) -> None:
        super().__init__()
        self.embeddings = WordEmbeddings(words, trained, dimensions, channels=channels)
        self.shapes = nn.Embedding(SHAPES, shape_width, padding_idx=PAD)
        self.characters = nn.Embedding(alphabet, character_width, padding_idx=PAD)
        self.spelling = Recurrent(character_width, character_hidden, cell=cell, directions=2)
        width = self.embeddings.width + shape_width + 2 * character_hidden
        self.encoder = Recurrent(
            width, hidden, cell=cell, directions=directions, layers=layers, dropout=dropout
        )
        self.dropout = nn.Dropout(dropout)
        width = self.encoder.width
        self.heads = nn.ModuleDict({name: nn.Linear(width, n) for name, n in outputs.items()})
        chains = {name: LinearChain(n) for name, n in outputs.items()} if crf else {}
        self.chains = nn.ModuleDict(chains)

    def forward(
        self, words: Tensor, shapes: Tensor, characters: Tensor, spellings: Tensor
    ) -> dict[str, Tensor]:
        """words, shapes, spellings: (batch, time); characters: (spellings, width).

        Gives logits by layer (batch, time, tags) and, with a CRF, `<layer>_transitions`
        (batch, tags + 2, tags).
        """
        mask = words != PAD
        spelled = self._spell(characters)[spellings]  # (batch, time, 2 * character_hidden)
        vectors = torch.cat([self.embeddings(words), self.shapes(shapes), spelled], dim=-1)
        states = self.dropout(self.encoder(self.dropout(vectors), mask))
        logits = {name: head(states) for name, head in self.heads.items()}
        chains = {f"{name}_transitions": chain(words) for name, chain in self.chains.items()}
        return {**logits, **chains}

    def _spell(self, characters: Tensor) -> Tensor:
        """(spellings, width) -> (spellings, 2 * character_hidden)."""
        mask = characters != PAD
        return last_states(self.spelling(self.characters(characters), mask), mask)
