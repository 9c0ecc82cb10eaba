"""How much memory this process may use: the container's limit, else what the machine has."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),  # version 2
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),  # version 1
)


def memory_limit_bytes(limits: Iterable[Path] = LIMITS) -> int:
    """The least of the machine's memory and what `limits`, files of the kernel, allow."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *(found for file in limits if (found := _read(file)) is not None)])


def _read(file: Path) -> int | None:
    """A number of bytes; None for `max` and where there is no such file."""
    try:
        text = file.read_text("ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
