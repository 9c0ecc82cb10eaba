"""The processes of a torchrun: which one leads, and how the others learn what it decided.

Outside of a torchrun there is one process, and it leads.
"""

import os
from pathlib import Path
from typing import Final

from training.errors import RunError

_LONGEST: Final = 4096
"""Bytes of a path, as Linux allows."""


def is_leader() -> bool:
    return os.environ.get("RANK", "0") == "0"


def processes() -> int:
    """How many train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_alone() -> bool:
    return processes() == 1


def check_alone(what: str) -> None:
    """Raises RunError for what is not made for several processes."""
    if not is_alone():
        raise RunError(f"{what} makes its trainings in one process; leave out torchrun")


def leaders_path(path: Path | None, *, device: str) -> Path:
    """The leader's `path` in every process; the others give None. Waits for all of them.

    device: as `valence train` was told. Starts torch's process group, as the Trainer would.
    """
    if is_alone() and path is not None:
        return path
    import torch
    from accelerate import PartialState  # type: ignore[import-untyped]
    from torch import distributed

    state = PartialState(cpu=device == "cpu" or not torch.cuda.is_available())
    # Bytes, not objects: those would travel as pickles.
    written = os.fsencode(str(path.absolute())) if path is not None else b""
    cells = torch.frombuffer(bytearray(written.ljust(_LONGEST, b"\0")), dtype=torch.uint8)
    cells = cells.to(state.device)
    distributed.broadcast(cells, 0)
    return Path(os.fsdecode(bytes(cells.tolist()).rstrip(b"\0")))
