"""Build one of the Dockerfile's images with the engine that this machine has.

    python docker/scripts/image.py serve [--tag valence:serve] [--base IMAGE]

That is Docker, or else buildah. Standard library only. pip's settings on this machine (indexes,
links, a CA bundle) go to the build as secrets, which no layer keeps; folders of packages on this
machine are mounted where they are, which buildah can and Docker cannot.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
TARGETS = ("serve", "serve-cuda", "train")
INDEXES = ("index-url", "extra-index-url")
PASSED = (*INDEXES, "find-links", "trusted-host", "default-timeout")
CA = "/run/secrets/ca.pem"


@dataclass(frozen=True, slots=True)
class PipSettings:
    """What pip is told on this machine.

    options: of PASSED, as pip.conf has them. ca: a bundle of certificates. folders: where packages
    lie on this machine's disk.
    """

    options: Mapping[str, str]
    ca: Path | None
    folders: tuple[Path, ...]

    @property
    def has_torch(self) -> bool:
        """Whether a folder of links holds a torch wheel."""
        return any(any(folder.glob("torch-*.whl")) for folder in self.folders)

    def text(self) -> str:
        """As a pip.conf for the build."""
        options = {**self.options, **({"cert": CA} if self.ca else {})}
        return "".join(["[global]\n", *(f"{key} = {value}\n" for key, value in options.items())])


def parse_settings(listing: str) -> PipSettings:
    """Read what `pip config list` prints: `scope.key='value'`, a later line over an earlier one.

    pip lists the environment first, which wins; so does it here.
    """
    found: dict[str, str] = {}
    for line in reversed(listing.splitlines()):
        name, equals, value = line.partition("=")
        if equals:
            found[name.rpartition(".")[2]] = " ".join(str(ast.literal_eval(value)).split())
    options = {key: found[key] for key in PASSED if key in found}
    ca = Path(found["cert"]) if "cert" in found else None
    return PipSettings(options, ca, tuple(_folders(options)))


def _folders(options: Mapping[str, str]) -> list[Path]:
    """The folders of this machine that the indexes and links name; each once.

    An index's pages name files beside its own folder, so the folder above goes along.
    """
    found = [path.parent for key in INDEXES for path in _local_paths(options.get(key, ""))]
    found += _local_paths(options.get("find-links", ""))
    return [path for path in dict.fromkeys(found) if path.is_dir()]


def _local_paths(places: str) -> list[Path]:
    parts = [urlsplit(place) for place in places.split()]
    return [Path(part.path) for part in parts if part.scheme in ("", "file")]


def engine() -> str:
    """docker where its engine answers, else buildah. Raises SystemExit where there is neither."""
    if shutil.which("docker") and _quiet(["docker", "version"]) == 0:
        return "docker"
    if shutil.which("buildah"):
        return "buildah"
    raise SystemExit("image: neither a Docker engine nor buildah is here")


def _quiet(command: list[str]) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode


def build_command(
    target: str, *, tag: str, builder: str, settings: PipSettings, pip_conf: Path, base: str | None
) -> list[str]:
    """The one command that builds a target."""
    command = ["docker", "build"] if builder == "docker" else [*BUILDAH]
    arguments = {"BASE": base, "REVISION": revision(), "TORCH_INDEX": torch_index(settings)}
    for name, value in arguments.items():
        command += ["--build-arg", f"{name}={value}"] if value is not None else []
    command += ["--secret", f"id=pip,src={pip_conf}"] if settings.options or settings.ca else []
    command += ["--secret", f"id=ca,src={settings.ca}"] if settings.ca else []
    if builder == "buildah":
        for folder in settings.folders:
            command += ["--volume", f"{folder}:{folder}:ro"]
    return [*command, "--target", target, "--tag", tag, "--file", str(DOCKERFILE), str(ROOT)]


BUILDAH = ("buildah", "bud", "--layers", "--isolation", "chroot", "--format", "docker")
"""Its own format of images has no place for a health check."""


def revision() -> str | None:
    """The commit that is built, if git knows it."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def torch_index(settings: PipSettings) -> str | None:
    """None leaves the Dockerfile's own; empty where a folder of this machine has torch."""
    return os.environ.get("TORCH_INDEX", "" if settings.has_torch else None)


def build(target: str, *, tag: str, base: str | None = None) -> None:
    """Build one image; the builder's own words go to the terminal.

    Raises subprocess.CalledProcessError where it fails.
    """
    listing = [sys.executable, "-m", "pip", "config", "list"]
    printed = subprocess.run(listing, capture_output=True, text=True, check=True)
    settings = parse_settings(printed.stdout)
    with tempfile.TemporaryDirectory() as folder:
        pip_conf = Path(folder) / "pip.conf"
        pip_conf.write_text(settings.text(), encoding="utf-8")
        command = build_command(
            target, tag=tag, builder=engine(), settings=settings, pip_conf=pip_conf, base=base
        )
        subprocess.run(command, check=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Build an image of docker/Dockerfile.")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--tag", help="Default: valence:TARGET.")
    parser.add_argument("--base", help="In place of the Dockerfile's base image.")
    given = parser.parse_args()
    try:
        build(given.target, tag=given.tag or f"valence:{given.target}", base=given.base)
    except subprocess.CalledProcessError as failed:
        raise SystemExit(failed.returncode) from None


if __name__ == "__main__":
    main()
