"""A Prometheus of the tests' own, from Debian's package, on a free port of this machine."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

FOLDER: Final = Path(__file__).parents[2] / "docker" / "prometheus"
_NAME: Final = re.compile(r"\b(?:valence|process)_[a-z0-9_]+\b")


class Prometheus:
    """What it knows, over its HTTP API."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30)

    def close(self) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def query(self, expr: str, *, at: float | None = None) -> list[dict[str, Any]]:
        """Series with their values. Raises AssertionError for an expression that is none."""
        asked = {"query": expr} if at is None else {"query": expr, "time": f"{at:.3f}"}
        answer = self._client.post("/api/v1/query", data=asked).json()
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health and its last error."""
        groups = self._client.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


@contextmanager
def prometheus(folder: Path, targets: Sequence[str]) -> Iterator[Prometheus]:
    """It scrapes `targets` (host:port) every second by the shipped configuration and evaluates the
    shipped rules as often; alerts do not wait before they fire. Its disk is `folder`.
    """
    port = free_port()
    config = write_config(folder, targets)
    command = [
        _program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        found = Prometheus(f"http://127.0.0.1:{port}")
        try:
            until(found.is_ready)
            yield found
        finally:
            found.close()
            process.terminate()


def write_config(folder: Path, targets: Sequence[str]) -> Path:
    """The shipped files, but for the addresses and the pace."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    pace = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["global"] = pace
    valence = {"job_name": "valence", "static_configs": [{"targets": [*targets]}]}
    others = [one for one in config["scrape_configs"] if one["job_name"] not in OURS]
    config["scrape_configs"] = [valence, *others]
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
    for group in rules["groups"]:
        group.pop("interval", None)
        for rule in group["rules"]:
            rule.pop("for", None)
    (folder / "alerts.yml").write_text(yaml.safe_dump(rules), "utf-8")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    return folder / "prometheus.yml"


OURS: Final = ("valence", "prometheus")
"""Jobs of the shipped configuration whose addresses a test cannot have."""


def promtool(*arguments: str | Path, given: str = "") -> str:
    """What it says. Raises AssertionError where it finds a fault."""
    command = [_program("promtool"), *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def rules_of(file: Path) -> list[Mapping[str, Any]]:
    """The rules of every group of a file."""
    groups = yaml.safe_load(file.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def metrics_in(expr: str) -> set[str]:
    """Metrics of the service that an expression asks for; recorded ones have a colon before."""
    found = (match for match in _NAME.finditer(expr) if expr[: match.start()][-1:] != ":")
    return {match[0] for match in found if expr[match.end() :][:1] != ":"}


def until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait. Raises AssertionError where it takes longer."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found is not None, f"{name} is not installed: tests/ops/install.sh does it"
    return found
