"""Containers of the images under test: podman, started as they would be in earnest.

Root cannot be written, no capability is left, the user is the image's own. `--network host` and the
limits are what a machine without systemd's user sessions and without network bridges allows.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PODMAN: Final = ("podman", "--runtime", "runc")
HARDENED: Final = (
    *("--network", "host", "--read-only", "--tmpfs", "/tmp"),  # noqa: S108
    *("--cap-drop", "all", "--security-opt", "no-new-privileges"),
    *("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"),
)
HOME: Final = "/var/lib/valence"
USER: Final = 10001
ENVIRONMENT: Final = {**os.environ, "DISABLE_HC_SYSTEMD": "true"}


def podman(*arguments: object) -> str:
    """What a podman command prints. Raises AssertionError with its own words where it fails."""
    command = [*PODMAN, *map(str, arguments)]
    ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def given(folder: Path) -> Path:
    """A new folder that belongs to the images' user."""
    folder.mkdir()
    os.chown(folder, USER, USER)
    return folder


def run_once(
    image: str,
    *arguments: object,
    home: Path,
    mounts: tuple[Path, ...] = (),
    variables: Mapping[str, object] | None = None,
) -> str:
    """A command of the image's entry point, done; `mounts` are readable where they are."""
    volumes = [f"--volume={home}:{HOME}", *(f"--volume={path}:{path}:ro" for path in mounts)]
    settings = [f"--env={key}={value}" for key, value in (variables or {}).items()]
    return podman("run", "--rm", *HARDENED, *volumes, *settings, image, *arguments)


@contextmanager
def running(image: str, *, home: Path, variables: Mapping[str, object]) -> Iterator[str]:
    """A container in the background; its name. It is gone afterwards, with what it said printed."""
    name = f"valence-test-{secrets.token_hex(4)}"
    settings = [f"--env={key}={value}" for key, value in variables.items()]
    podman(
        "run", "--detach", "--name", name, *HARDENED, f"--volume={home}:{HOME}", *settings, image
    )
    try:
        yield name
    finally:
        print(podman("logs", name))
        podman("rm", "--force", "--time", "0", name)


def python(name: str, code: str) -> str:
    """What a line of Python prints in a running container, which has no shell to ask."""
    return podman("exec", name, "python3", "-c", code).strip()


def ask_image(image: str, code: str) -> str:
    """What a line of Python prints in a fresh container of an image."""
    return podman("run", "--rm", *HARDENED, "--entrypoint", "python3", image, "-c", code).strip()
