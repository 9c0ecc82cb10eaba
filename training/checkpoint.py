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
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.errors import RunError

_TENSOR, _TUPLE, _PAIRS, _ARRAY = "tensor", "tuple", "pairs", "array"
_PLAIN: Final = (str, int, float, bool, type(None))


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
        return {_ARRAY: [str(value.dtype), value.tolist()]}
    if isinstance(value, Mapping):
        return {_PAIRS: [[pack(k, tensors), pack(v, tensors)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {_TUPLE: [pack(v, tensors) for v in value]}
    if isinstance(value, list):
        return [pack(v, tensors) for v in value]
    if isinstance(value, _PLAIN):
        return value
    raise RunError(f"a {type(value).__name__} cannot be kept in a checkpoint")


def unpack(document: Any, tensors: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - inverse of pack
    if isinstance(document, list):
        return [unpack(v, tensors) for v in document]
    if not isinstance(document, dict):
        return document
    ((kind, value),) = document.items()
    if kind == _TENSOR:
        return tensors[value]
    if kind == _ARRAY:
        return np.array(value[1], dtype=value[0])
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


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; one that a kill cut short is passed over."""
    found = [path for path in folder.glob("checkpoint-*") if _is_whole(path)]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _is_whole(path: Path) -> bool:
    """The Trainer writes trainer_state.json last."""
    try:
        json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
