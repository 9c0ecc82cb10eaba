"""Training items, and items to batches of tensors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from nlp.tasks.base import Task, Window

IGNORED: Final = -100
"""The gold id of padding: torch's losses leave it out."""

GOLD: Final = "gold_"
"""Prefix of a layer's gold ids among a batch's tensors."""

_POOL: Final = 50


@dataclass(frozen=True, slots=True)
class Item:
    """One window and its gold ids by layer: () for a text's label, (time,) for tags."""

    window: Window
    gold: Mapping[str, NDArray[np.int64]]


def collator(task: Task) -> Callable[[Sequence[Item]], dict[str, Tensor]]:
    """Items to one padded batch: the task's own arrays, and the gold ids by layer."""

    def collate(items: Sequence[Item]) -> dict[str, Tensor]:
        arrays: dict[str, Any] = dict(task.collate([item.window for item in items]))
        for layer in items[0].gold:
            arrays[GOLD + layer] = _padded([item.gold[layer] for item in items])
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    return collate


def _padded(rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """(batch,) of single labels, or (batch, time) of tags with IGNORED behind the short rows."""
    if rows[0].ndim == 0:
        return np.array(rows, dtype=np.int64)
    out = np.full((len(rows), max(len(row) for row in rows)), IGNORED, dtype=np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


class BucketSampler(Sampler[int]):
    """Shuffled places in which neighbours are of like length, so that batches pad little.

    The order is a pure function of seed and epoch: a resumed run sees what the first would have.
    """

    def __init__(self, lengths: Sequence[int], *, batch_size: int, seed: int) -> None:
        self._lengths = np.array(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self._seed, self._epoch])
        places = rng.permutation(len(self._lengths))
        size = self._batch_size
        pools = np.array_split(places, max(1, len(places) // (size * _POOL)))
        batches = [batch for pool in pools for batch in self._by_length(pool)]
        whole = [batch for batch in batches if len(batch) == size]
        short = [batch for batch in batches if len(batch) < size]  # last, or batches would shift
        order = [whole[i] for i in rng.permutation(len(whole))] + short
        yield from np.concatenate(order).tolist()

    def _by_length(self, pool: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        ordered = pool[np.argsort(self._lengths[pool], kind="stable")]
        return [ordered[i : i + self._batch_size] for i in range(0, len(pool), self._batch_size)]
