"""The linear-chain CRF's loss (Lafferty, McCallum and Pereira 2001).

Best paths and marginals live in `nlp.decoding`, in numpy, because serving needs them without torch.
"""

import torch
from torch import Tensor, nn


class LinearChain(nn.Module):
    """Scores of tag pairs, of a first tag and of a last tag, packed as one (K + 2, K) table."""

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.empty(tags + 2, tags).uniform_(-0.1, 0.1))

    def forward(self, batch: Tensor) -> Tensor:
        """The table once a row of `batch`, to travel with the logits: (batch, K + 2, K)."""
        return self.scores.unsqueeze(0).expand(batch.shape[0], -1, -1)


def negative_log_likelihood(
    packed: Tensor, emissions: Tensor, gold: Tensor, mask: Tensor
) -> Tensor:
    """-log p(gold given emissions), summed over the batch.

    packed: (K + 2, K); emissions: (batch, time, K); gold: (batch, time), any value where mask is
    False; mask: (batch, time), True on words, which stand first; every row has at least one.
    """
    gold = torch.where(mask, gold, 0)
    return (_log_partition(packed, emissions, mask) - _score(packed, emissions, gold, mask)).sum()


def _score(packed: Tensor, emissions: Tensor, gold: Tensor, mask: Tensor) -> Tensor:
    """Score of the gold path of each row: (batch,)."""
    transitions, start, end = packed[:-2], packed[-2], packed[-1]
    weights = mask.to(emissions.dtype)
    chosen = (emissions.gather(2, gold.unsqueeze(-1)).squeeze(-1) * weights).sum(dim=1)
    pairs = (transitions[gold[:, :-1], gold[:, 1:]] * weights[:, 1:]).sum(dim=1)
    last = gold.gather(1, mask.sum(dim=1, keepdim=True) - 1).squeeze(1)
    return start[gold[:, 0]] + chosen + pairs + end[last]


def _log_partition(packed: Tensor, emissions: Tensor, mask: Tensor) -> Tensor:
    """Log of the summed weight of all paths of each row: (batch,)."""
    transitions, start, end = packed[:-2], packed[-2], packed[-1]
    paths = start + emissions[:, 0]  # (batch, K)
    for t in range(1, emissions.shape[1]):
        longer = torch.logsumexp(paths.unsqueeze(2) + transitions, dim=1) + emissions[:, t]
        paths = torch.where(mask[:, t, None], longer, paths)
    return torch.logsumexp(paths + end, dim=1)
