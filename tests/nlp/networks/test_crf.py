"""The CRF's loss against the sum over all tag sequences."""

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from padded import mask_of
from torch import Tensor

from nlp.networks.crf import LinearChain, negative_log_likelihood


def brute_force_nll(packed_scores: Tensor, emissions: Tensor, gold: Sequence[int]) -> float:
    """-log p(gold) of one row without padding, summed over all tag sequences."""
    transitions, start, end = packed_scores[:-2], packed_scores[-2], packed_scores[-1]

    def score(path: Sequence[int]) -> float:
        steps = sum(float(emissions[t, tag]) for t, tag in enumerate(path))
        pairs = sum(float(transitions[a, b]) for a, b in pairwise(path))
        return float(start[path[0]] + end[path[-1]]) + steps + pairs

    tags = emissions.shape[1]
    scores = [score(path) for path in product(range(tags), repeat=len(gold))]
    return float(np.logaddexp.reduce(scores)) - score(gold)


@pytest.mark.parametrize("padding", [-100, 0, 2])
def test_crf_loss_is_the_sum_over_all_paths(padding: int) -> None:
    torch.manual_seed(5)
    lengths, tags = (4, 1, 6, 2), 3
    mask = mask_of(lengths, extra=2)
    scores = torch.randn(tags + 2, tags, dtype=torch.float64)
    emissions = torch.randn(*mask.shape, tags, dtype=torch.float64)
    gold = torch.randint(0, tags, mask.shape).masked_fill(~mask, padding)
    expected = sum(
        brute_force_nll(scores, emissions[row, :n], gold[row, :n].tolist())
        for row, n in enumerate(lengths)
    )
    given_loss = negative_log_likelihood(scores, emissions, gold, mask)
    assert float(given_loss) == pytest.approx(expected, abs=1e-9)


def test_crf_gradient_is_right_and_finite() -> None:
    torch.manual_seed(1)
    mask = mask_of((3, 1, 2))
    gold = torch.randint(0, 3, mask.shape).masked_fill(~mask, -100)
    scores = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    emissions = torch.randn(3, 3, 3, dtype=torch.float64, requires_grad=True)

    def loss(table: Tensor, logits: Tensor) -> Tensor:
        return negative_log_likelihood(table, logits, gold, mask)

    assert torch.autograd.gradcheck(loss, (scores, emissions))
    huge = (emissions * 1e4).detach().requires_grad_()
    loss(scores, huge).backward()  # type: ignore[no-untyped-call]
    assert huge.grad is not None
    assert huge.grad.isfinite().all()


def test_crf_padding_gets_no_gradient() -> None:
    mask = mask_of((3, 1))
    emissions = torch.zeros(2, 3, 4, requires_grad=True)
    gold = torch.zeros(2, 3, dtype=torch.long)
    table = LinearChain(4)(torch.zeros(1, 1))[0]
    negative_log_likelihood(table, emissions, gold, mask).backward()  # type: ignore[no-untyped-call]
    assert emissions.grad is not None
    assert (emissions.grad[~mask] == 0).all()
    assert (emissions.grad[mask] != 0).all()


def test_the_chain_travels_once_a_row() -> None:
    chain = LinearChain(3)
    table = chain(torch.zeros(4, 7))
    assert table.shape == (4, 5, 3)
    assert torch.equal(table[3], chain.scores)
