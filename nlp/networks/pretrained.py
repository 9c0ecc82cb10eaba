"""Pretrained encoders (BERT: Devlin et al. 2019, and its kin), fine-tuned with a small head.

`config` is the encoder's own configuration, as the version keeps it. Its weights lie in
network.safetensors beside the head's.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from torch import Tensor, nn

from nlp.errors import ModelError
from nlp.networks.base import Network
from nlp.networks.pooling import pool
from nlp.networks.recurrent import gather_places
from nlp.vocabulary import PAD

if TYPE_CHECKING:
    from nlp.networks.encoder import Encoder

PiecePooling = Literal["mean", "first"]
PIECE_POOLINGS: Final[tuple[PiecePooling, ...]] = ("mean", "first")


def build_encoder(config: Mapping[str, Any]) -> "Encoder":
    """With fresh weights. Raises ModelError for a configuration of no encoder."""
    if find_spec("transformers") is None:
        raise ModelError("a pretrained encoder needs the package transformers, which is not here")
    from nlp.networks.encoder import Encoder  # late: no other architecture needs transformers

    return Encoder(config)


class PretrainedClassifier(Network):
    """The encoder's states, pooled, and one linear layer.

    pooling: "mean" over the sub-words, marks included (Reimers and Gurevych 2019), or "first",
        the state of the mark in front ([CLS]; Devlin et al. 2019).
    """

    inputs: ClassVar[tuple[str, ...]] = ("pieces",)

    def __init__(
        self,
        outputs: dict[str, int],
        *,
        words: int,  # noqa: ARG002 - its vocabulary is the encoder's own
        trained: int,  # noqa: ARG002
        config: Mapping[str, Any],
        pooling: PiecePooling = "mean",
        dropout: float = 0.1,
    ) -> None:
        """Raises ModelError for a configuration of no encoder, or an unknown pooling."""
        if pooling not in PIECE_POOLINGS:
            raise ModelError(f"unknown pooling {pooling!r}; known: {', '.join(PIECE_POOLINGS)}")
        super().__init__()
        self.encoder = build_encoder(config)
        self.limit = self.encoder.limit
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        width = self.encoder.width
        self.heads = nn.ModuleDict({name: nn.Linear(width, n) for name, n in outputs.items()})

    def forward(self, pieces: Tensor, segments: Tensor | None = None) -> dict[str, Tensor]:
        """pieces, segments: (batch, places) -> logits by layer: (batch, classes)."""
        states = self.encoder(pieces, segments)
        first = self.pooling == "first"
        read = self.dropout(states[:, 0] if first else pool(states, pieces != PAD, "mean"))
        return {name: head(read) for name, head in self.heads.items()}


class PretrainedAspect(PretrainedClassifier):
    """The same over text and aspect as two sentences, [CLS] text [SEP] aspect [SEP] (BERT-SPC of
    Song et al. 2019; Sun, Huang and Qiu 2019).
    """

    inputs = ("pieces", "segments")


class PretrainedTagger(Network):
    """The state of each word's first sub-word (Devlin et al. 2019, section 5.3), one linear layer a
    tag layer.
    """

    inputs = ("pieces", "firsts")

    def __init__(
        self,
        outputs: dict[str, int],
        *,
        words: int,  # noqa: ARG002 - its vocabulary is the encoder's own
        trained: int,  # noqa: ARG002
        config: Mapping[str, Any],
        dropout: float = 0.1,
    ) -> None:
        """Raises ModelError for a configuration of no encoder."""
        super().__init__()
        self.encoder = build_encoder(config)
        self.limit = self.encoder.limit
        self.dropout = nn.Dropout(dropout)
        width = self.encoder.width
        self.heads = nn.ModuleDict({name: nn.Linear(width, n) for name, n in outputs.items()})

    def forward(self, pieces: Tensor, firsts: Tensor) -> dict[str, Tensor]:
        """pieces (batch, places); firsts (batch, time), 0 = padding -> logits by layer: (batch,
        time, tags).
        """
        states = self.dropout(gather_places(self.encoder(pieces), firsts))
        return {name: head(states) for name, head in self.heads.items()}
