"""The output side of every language model: states to the probability of the next word."""

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from nlp.errors import ModelError
from nlp.networks.embeddings import WordEmbeddings
from nlp.networks.recurrent import gather_places
from nlp.tasks.language_model import LOG_PROBABILITY, NEXT
from nlp.vocabulary import PAD

_IMPOSSIBLE: Final = -1e4
"""The logit of padding, which never follows."""


class NextWord(nn.Module):
    """Scores of the trained vocabulary after the places that are asked, padding left out.

    The words' weights are a table of their own or, `tied`, the learnt embeddings (Press and Wolf
    2017, Inan et al. 2017), to whose dimensions a linear layer then brings the states.

    samples: in training alone, the softmax runs over the word that followed and so many others,
    drawn anew for each batch, instead of the whole vocabulary (see `_sampled`); 0 for all.
    """

    def __init__(
        self, width: int, embeddings: WordEmbeddings, *, tied: bool, samples: int = 0
    ) -> None:
        """width: the states'. Raises ModelError where there is no learnt table to tie to, and
        where there are fewer words than samples.
        """
        super().__init__()
        learnt, words = embeddings.learnt, embeddings.trained - 1  # all but padding
        if tied and learnt is None:
            raise ModelError("static embeddings are not learnt: tied must be false")
        if not 0 <= samples < words:
            raise ModelError(f"samples is {samples}; it must be from 0 to under {words}")
        own = width if learnt is None or not tied else learnt.embedding_dim
        self.tied = tied
        self.samples = samples
        self.bridge = nn.Linear(width, own) if own != width else nn.Identity()
        self.weight = None if tied else nn.Parameter(torch.empty(words, own).uniform_(-0.1, 0.1))
        self.bias = nn.Parameter(torch.zeros(words))

    def forward(
        self, states: Tensor, asked: Tensor, following: Tensor, embeddings: WordEmbeddings
    ) -> dict[str, Tensor]:
        """states (batch, time, width); asked, following (batch, k): see `nlp.tasks.language_model`.

        `next`: (batch, trained) logits after the last place asked. `next_log_probability`:
        (batch, k) of the words that followed, 0 where none is given.
        """
        table = self._table(embeddings)
        chosen = self.bridge(gather_places(states, (asked - 1).clamp(min=0)))  # (batch, k, own)
        if self.training and self.samples:
            found = self._sampled(chosen, following, table)
            return {NEXT + LOG_PROBABILITY: found}
        logits = chosen @ table.T + self.bias  # (batch, k, words)
        last = ((asked != PAD).sum(dim=1, keepdim=True) - 1).clamp(min=0)  # (batch, 1)
        return {
            NEXT: pad(gather_places(logits, last).squeeze(1), (1, 0), value=_IMPOSSIBLE),
            NEXT + LOG_PROBABILITY: _log_probability(logits, following),
        }

    def _table(self, embeddings: WordEmbeddings) -> Tensor:
        """(words, own), without the row of padding."""
        if self.weight is not None:
            return self.weight
        assert embeddings.learnt is not None  # noqa: S101 - refused when built
        return embeddings.learnt.weight[1:]

    def _sampled(self, chosen: Tensor, following: Tensor, table: Tensor) -> Tensor:
        """Log-probabilities over a sample of the vocabulary (Bengio and Senecal 2008).

        The softmax's sum over all words is estimated from `samples` words drawn by rank r with
        q(r) = log((r + 2) / (r + 1)) / log(words + 1), near to Zipf's law because a vocabulary is
        in order of frequency: the word that followed counts as it is, each other drawn one
        1 / (samples * q) times, which gives the sum on average.
        """
        ranks = torch.arange(len(self.bias), device=chosen.device, dtype=chosen.dtype)
        chances = torch.log1p(1 / (ranks + 1)) / math.log(len(self.bias) + 1)
        drawn = torch.multinomial(chances, self.samples, replacement=True)  # (samples,)
        gold = (following - 1).clamp(min=0)  # (batch, k)
        right = (chosen * table[gold]).sum(dim=-1) + self.bias[gold]  # (batch, k)
        others = chosen @ table[drawn].T + (self.bias - (chances * self.samples).log())[drawn]
        others = others.masked_fill(drawn == gold.unsqueeze(-1), -math.inf)
        total = torch.logsumexp(torch.cat([right.unsqueeze(-1), others], dim=-1), dim=-1)
        return torch.where(following != PAD, right - total, 0.0)


def _log_probability(logits: Tensor, following: Tensor) -> Tensor:
    """logits (batch, k, words), following (batch, k) ids, 0 for none -> (batch, k)."""
    gold = (following - 1).clamp(min=0).unsqueeze(-1)
    found = logits.gather(2, gold).squeeze(-1) - torch.logsumexp(logits, dim=-1)
    return torch.where(following != PAD, found, 0.0)
