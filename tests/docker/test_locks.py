"""The locks: everything that pyproject.toml asks for is in them, with digests, and they agree."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "docker" / "locks"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {
    "serve.txt": ("postgres", "tracing"),
    "serve-cuda.txt": ("postgres", "tracing", "gpu"),
    "train.txt": ("postgres", "tracing", "train", "s3"),
}
LINUX = {"sys_platform": "linux", "platform_machine": "x86_64", "python_version": "3.11"}
ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def entries(name: str) -> dict[str, str]:
    """A lock's versions by canonical name; the train image's two files are one lock."""
    text = (LOCKS / name).read_text()
    if name == "train.txt":
        text += (LOCKS / "torch-cpu.txt").read_text()
    return {canonicalize_name(found): version for found, version in ENTRY.findall(text)}


def asked_for(extras: tuple[str, ...]) -> list[Requirement]:
    lines = [*PROJECT["dependencies"]]
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    wanted = [Requirement(line) for line in lines]
    return [one for one in wanted if one.marker is None or one.marker.evaluate(LINUX)]


@pytest.mark.parametrize("lock", EXTRAS)
def test_what_pyproject_asks_for_is_locked(lock: str) -> None:
    """Remade by `make lock`."""
    locked = entries(lock)
    for wanted in asked_for(EXTRAS[lock]):
        name = canonicalize_name(wanted.name)
        assert name in locked, f"{lock} lacks {wanted.name}: make lock"
        assert wanted.specifier.contains(Version(locked[name])), f"{lock}, {wanted}: make lock"


@pytest.mark.parametrize("path", sorted(LOCKS.glob("*.txt")), ids=lambda path: path.name)
def test_every_version_is_exact_and_has_a_digest(path: Path) -> None:
    if path.name == "serve-leaves-out.txt":
        return
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    blocks = re.split(r"\n(?=\S)", "\n".join(lines).strip())
    assert blocks
    for block in blocks:
        assert ENTRY.match(block), block
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block


def test_the_images_share_their_versions() -> None:
    serve = entries("serve.txt")
    for other in ("serve-cuda.txt", "train.txt"):
        assert serve.items() <= entries(other).items()


def test_serving_on_a_cpu_brings_no_torch_and_no_client_of_a_hub() -> None:
    names = " ".join(entries("serve.txt"))
    assert not re.search(r"\b(torch|nvidia|triton|transformers|huggingface|hf-xet)", names)


def test_torch_is_of_one_version_and_for_cpus_where_the_image_says_so() -> None:
    assert entries("train.txt")["torch"] == "2.13.0+cpu"
    assert entries("serve-cuda.txt")["torch"] == "2.13.0"
    assert not [name for name in entries("train.txt") if name.startswith("nvidia")]
