"""How much memory there is: the least of what the kernel says."""

from pathlib import Path

import psutil
import pytest

from service.memory import memory_limit_bytes

MACHINE = psutil.virtual_memory().total


def test_the_machines_memory_is_the_limit_where_no_file_has_one(tmp_path: Path) -> None:
    assert memory_limit_bytes([tmp_path / "absent"]) == pytest.approx(MACHINE, rel=0.01)


@pytest.mark.parametrize(
    ("text", "limit"),
    [("536870912\n", 536870912), ("max\n", None), ("9223372036854771712\n", None)],
)
def test_a_containers_limit_counts_where_it_is_less(
    tmp_path: Path, text: str, limit: int | None
) -> None:
    file = tmp_path / "memory.max"
    file.write_text(text, "ascii")
    expected = MACHINE if limit is None else limit
    assert memory_limit_bytes([file, tmp_path / "absent"]) == pytest.approx(expected, rel=0.01)
