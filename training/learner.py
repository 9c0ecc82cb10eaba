"""A network and its loss, as the Trainer wants them."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nlp.networks.base import Network
from nlp.networks.crf import negative_log_likelihood
from nlp.tasks.language_model import LOG_PROBABILITY
from nlp.tasks.tagging import TRANSITIONS
from nlp.vocabulary import PAD, UNKNOWN
from training.items import GOLD, IGNORED

_WORDS: Final[tuple[str, ...]] = ("words", "prefixed")
"""The inputs that hold the ids of a text's words."""


class Learner(nn.Module):
    """Inputs and gold in, {"loss"} out: the mean loss of a label, summed over the layers.

    word_dropout: the share of words read as the unknown word, so that its row is learnt.
    """

    def __init__(
        self, network: Network, *, word_dropout: float = 0.0, label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        self.network = network
        self.word_dropout = word_dropout
        self.label_smoothing = label_smoothing

    def forward(self, **tensors: Tensor) -> dict[str, Tensor]:
        gold = {k.removeprefix(GOLD): v for k, v in tensors.items() if k.startswith(GOLD)}
        inputs = {name: v for name, v in tensors.items() if not name.startswith(GOLD)}
        if self.training and self.word_dropout:
            dropped = {name: self._drop_words(inputs[name]) for name in _WORDS if name in inputs}
            inputs |= dropped
        outputs = self.network(**inputs)
        losses = [self._loss(layer, outputs, gold[layer]) for layer in gold]
        return {"loss": torch.stack(losses).sum()}

    def _loss(self, layer: str, outputs: Mapping[str, Tensor], gold: Tensor) -> Tensor:
        if layer + LOG_PROBABILITY in outputs:
            mask = gold != IGNORED
            found = outputs[layer + LOG_PROBABILITY].float()
            return -torch.where(mask, found, 0.0).sum() / mask.sum()
        logits = outputs[layer].float()
        if layer + TRANSITIONS in outputs:
            mask = gold != IGNORED
            packed = outputs[layer + TRANSITIONS][0].float()
            return negative_log_likelihood(packed, logits, gold, mask) / mask.sum()
        flat = logits.flatten(0, -2), gold.flatten()
        return cross_entropy(*flat, ignore_index=IGNORED, label_smoothing=self.label_smoothing)

    def _drop_words(self, words: Tensor) -> Tensor:
        dropped = torch.rand(words.shape, device=words.device) < self.word_dropout
        return torch.where(dropped & (words != PAD), UNKNOWN, words)
