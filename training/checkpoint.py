"""Checkpoints without pickle: tensors as safetensors, everything else as JSON.

The Trainer writes optimizer, scheduler and random states with torch.save. Here the same states go
through `pack`, which takes any nest of dicts, lists, tuples, numbers, strings and tensors apart
into one JSON document and one table of tensors.
"""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import TrainerState
from transformers.trainer import TRAINER_STATE_NAME
from transformers.utils import SAFE_WEIGHTS_NAME

from training.errors import RunError

WEIGHTS: Final = SAFE_WEIGHTS_NAME
"""A checkpoint's file of weights; the Trainer looks for this name."""

_TENSOR, _TUPLE, _PAIRS, _ARRAY = "tensor", "tuple", "pairs", "array"
_PLAIN: Final = (str, int, float, bool, type(None))
_LARGEST_NUMBER: Final = 8  # bytes: what a Python float or a checkpoint's integers hold


def save_state(state: object, stem: Path) -> None:
    """Write `stem`.json and `stem`.safetensors. Raises RunError for a value of another kind."""
    tensors: dict[str, Tensor] = {}
    document = pack(state, tensors)
    save_file(tensors, stem.with_suffix(".safetensors"))
    stem.with_suffix(".json").write_text(json.dumps(document), encoding="utf-8")


def load_state(stem: Path) -> Any:  # noqa: ANN401 - whatever was saved
    """What `save_state` was given."""
    document = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
    return unpack(document, load_file(stem.with_suffix(".safetensors")))


def has_state(stem: Path) -> bool:
    return stem.with_suffix(".json").is_file() and stem.with_suffix(".safetensors").is_file()


def pack(value: object, tensors: dict[str, Tensor]) -> object:
    """A JSON value; tensors are put into `tensors` and named in their place."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {_TENSOR: name}
    if isinstance(value, np.ndarray):
        return {_ARRAY: _packed_array(value)}
    if isinstance(value, Mapping):
        return {_PAIRS: [[pack(k, tensors), pack(v, tensors)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {_TUPLE: [pack(v, tensors) for v in value]}
    if isinstance(value, list):
        return [pack(v, tensors) for v in value]
    if isinstance(value, _PLAIN):
        return value
    raise RunError(f"a {type(value).__name__} cannot be kept in a checkpoint")


def _packed_array(array: NDArray[Any]) -> list[object]:
    """[type, shape, numbers]. Raises RunError where the numbers are none that JSON has."""
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > _LARGEST_NUMBER:
        raise RunError(f"an array of {array.dtype} cannot be kept in a checkpoint")
    return [str(array.dtype), list(array.shape), array.ravel().tolist()]


def unpack(document: Any, tensors: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - inverse of pack
    if isinstance(document, list):
        return [unpack(v, tensors) for v in document]
    if not isinstance(document, dict):
        return document
    ((kind, value),) = document.items()
    if kind == _TENSOR:
        return tensors[value]
    if kind == _ARRAY:
        dtype, shape, numbers = value
        return np.array(numbers, dtype=dtype).reshape(shape)
    if kind == _TUPLE:
        return tuple(unpack(v, tensors) for v in value)
    return {unpack(k, tensors): unpack(v, tensors) for k, v in value}


def random_states() -> dict[str, Any]:
    """State of every random generator a run may draw from."""
    states: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.random.get_rng_state(),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def set_random_states(states: Mapping[str, Any]) -> None:
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.random.set_rng_state(states["torch"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])


def last_checkpoint(folder: Path, *, processes: int = 0) -> Path | None:
    """The newest whole checkpoint; one that a kill cut short is passed over.

    processes: each of so many must have left its random states, or they would not go on as they
    did. The leader's own come before what makes a checkpoint whole; the others' may come later.
    """
    ranks = [f"random_{rank}" for rank in range(processes)]
    found = [
        path
        for path in folder.glob("checkpoint-*")
        if _is_whole(path) and all(has_state(path / rank) for rank in ranks)
    ]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def trainer_state(checkpoint: Path) -> TrainerState:
    """How far the run had come."""
    state: TrainerState = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
    return state


def best_weights(checkpoint: Path) -> dict[str, Tensor]:
    """The weights that had scored best on dev when `checkpoint` was written, of that run."""
    best = checkpoint.with_name(f"checkpoint-{trainer_state(checkpoint).best_global_step}")
    return load_file(best / WEIGHTS)


def _is_whole(path: Path) -> bool:
    """The Trainer writes its state last."""
    try:
        json.loads((path / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
