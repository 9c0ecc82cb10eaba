"""Examples to training items, items to batches of tensors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from nlp.tasks.base import Example, Task, Window
from nlp.tasks.sentiment import LAYER
from training.errors import DataError

IGNORED: Final = -100
"""The gold id of padding: torch's losses leave it out."""

GOLD: Final = "gold_"
"""Prefix of a layer's gold ids among a batch's tensors."""

TAG_LAYERS: Final = ("upos", "xpos")
"""What the rows of tags of an Example's gold are, in order."""

_POOL: Final = 50


@dataclass(frozen=True, slots=True)
class Item:
    """One window and its gold ids by layer: () for a text's label, (time,) for tags."""

    window: Window
    gold: Mapping[str, NDArray[np.int64]]


def gold_layers(example: Example) -> dict[str, tuple[str, ...]]:
    """Gold labels by layer; a text's label counts as a row of one."""
    if isinstance(example.gold, str):
        return {LAYER: (example.gold,)}
    return dict(zip(TAG_LAYERS, example.gold, strict=True))


def has_known_labels(example: Example, task: Task) -> bool:
    """Whether the task has every gold label of the example."""
    gold = gold_layers(example)
    return all(set(gold[layer]) <= set(labels) for layer, labels in task.layers.items())


def build_items(examples: Sequence[Example], task: Task) -> list[Item]:
    """All windows of all examples, in order; gold layers that the task lacks are left out.

    Raises DataError for a label the task lacks.
    """
    ids = {layer: {label: i for i, label in enumerate(v)} for layer, v in task.layers.items()}
    return [item for example in examples for item in _example_items(example, task, ids)]


def _example_items(
    example: Example, task: Task, ids: Mapping[str, Mapping[str, int]]
) -> Iterator[Item]:
    windows = task.encode(example.item).windows
    rows = gold_layers(example)
    gold = {layer: _ids(ids[layer], rows[layer], example) for layer in ids}
    if isinstance(example.gold, str):
        yield from (
            Item(window, {layer: row[0] for layer, row in gold.items()}) for window in windows
        )
        return
    start = 0
    for window in windows:
        end = start + window.length
        yield Item(window, {layer: row[start:end] for layer, row in gold.items()})
        start = end


def _ids(ids: Mapping[str, int], labels: Sequence[str], example: Example) -> NDArray[np.int64]:
    unknown = next((label for label in labels if label not in ids), None)
    if unknown is not None:
        known = ", ".join(sorted(ids))
        raise DataError(f"{example.source}: label {unknown!r} is not in training; known: {known}")
    return np.array([ids[label] for label in labels], np.int64)


def collator(task: Task) -> Callable[[Sequence[Item]], dict[str, Tensor]]:
    """Items to one padded batch: the task's own arrays, and the gold ids by layer."""

    def collate(items: Sequence[Item]) -> dict[str, Tensor]:
        arrays: dict[str, Any] = dict(task.collate([item.window for item in items]))
        for layer in task.layers:
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
