"""Padded rows of word ids, and pretrained vectors, for the networks' tests."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from nlp.vocabulary import PAD, UNKNOWN

WORDS: Final = 12
TRAINED: Final = 8
DIMENSIONS: Final = 5


def mask_of(lengths: Sequence[int], *, extra: int = 0) -> Tensor:
    """(batch, time), True on the first `length` places of each row."""
    return torch.arange(max([*lengths, 1]) + extra) < torch.tensor(lengths)[:, None]


def words_of(lengths: Sequence[int], *, seed: int = 0, extra: int = 0) -> Tensor:
    """Random ids, zeros behind each row's length. (batch, time)"""
    mask = mask_of(lengths, extra=extra)
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, WORDS, mask.shape, generator=generator) * mask


def vectors_with_gaps() -> Tensor:
    """Pretrained vectors of all words but three, which are known by none: (WORDS, DIMENSIONS)."""
    vectors = torch.linspace(-1, 1, WORDS * DIMENSIONS).reshape(WORDS, DIMENSIONS)
    vectors[[PAD, UNKNOWN, 4]] = torch.nan
    return vectors
