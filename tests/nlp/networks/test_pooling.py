"""Poolings against numpy over each row's words alone."""

from typing import Any

import numpy as np
import pytest
import torch
from padded import mask_of

from nlp.errors import ModelError
from nlp.networks.pooling import POOLINGS, Pooling, pool, pooled_width

LENGTHS = (3, 1, 6)
HIDDEN = 4


def by_hand(kind: str, states: Any, directions: int) -> Any:  # noqa: ANN401 - numpy
    """One text's states (words, width) to its vector."""
    if kind == "concat":
        return np.concatenate([by_hand(k, states, directions) for k in ("last", "mean", "max")])
    if kind == "last":
        sides = [states[-1, :HIDDEN], states[0, HIDDEN:]]
        return np.concatenate(sides[:directions])
    return states.mean(axis=0) if kind == "mean" else states.max(axis=0)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", sorted(POOLINGS))
def test_padding_is_left_out(kind: Pooling, directions: int) -> None:
    torch.manual_seed(1)
    mask = mask_of(LENGTHS, extra=2)
    states = torch.randn(*mask.shape, HIDDEN * directions) - 2  # a maximum below zero, too
    states = torch.where(mask[:, :, None], states, 100.0)
    pooled = pool(states, mask, kind, directions=directions)
    assert pooled.shape == (len(LENGTHS), pooled_width(kind, HIDDEN * directions))
    for row, length in enumerate(LENGTHS):
        expected = by_hand(kind, states[row, :length].numpy(), directions)
        np.testing.assert_allclose(pooled[row].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("kind", sorted(POOLINGS))
def test_a_row_without_words_is_harmless(kind: Pooling) -> None:
    mask = mask_of((0, 2))
    states = torch.randn(2, 2, HIDDEN, requires_grad=True)
    pooled = pool(states, mask, kind)
    pooled.sum().backward()  # type: ignore[no-untyped-call]
    assert pooled.isfinite().all()
    assert states.grad is not None
    assert states.grad.isfinite().all()
    if kind in ("mean", "max"):
        assert (pooled[0] == 0).all()


def test_unknown_poolings_are_refused() -> None:
    unknown: Any = "sum"
    for refused in (
        lambda: pooled_width(unknown, 3),
        lambda: pool(torch.ones(1, 1, 1), mask_of((1,)), unknown),
    ):
        with pytest.raises(ModelError, match="unknown pooling 'sum'; known: last, mean, max"):
            refused()
