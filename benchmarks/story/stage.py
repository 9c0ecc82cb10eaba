"""The processes of the story: a service and a Prometheus, each on a free port of this machine."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from rich.console import Console

from model_store import open_store
from model_store.starter import seed

PATIENCE_SECONDS: Final = 60.0
SCRAPE_SECONDS: Final = 1


class StoryError(RuntimeError):
    """Something did not go as the story tells it."""


def until(holds: Callable[[], bool], *, what: str, seconds: float = PATIENCE_SECONDS) -> float:
    """Wait for it; the seconds it took. Raises StoryError after `seconds`."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > seconds:
            raise StoryError(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(0.02)
    return time.monotonic() - started


def valence(*arguments: object, expect: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
    """A command of the command line. Raises StoryError for an exit status not in `expect`."""
    command = [sys.executable, "-m", "valence", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in expect:
        raise StoryError(f"valence {arguments[0]} ended with {done.returncode}: {done.stderr}")
    return done


@contextmanager
def service(settings: Mapping[str, object], log: Path) -> Iterator[str]:
    """`valence serve` until the block ends; yields its URL once it is ready."""
    port = free_port()
    given = {f"VALENCE_{name.upper()}": str(value) for name, value in settings.items()}
    environment = {**os.environ, **given, "VALENCE_PORT": str(port), "VALENCE_LOG_FORMAT": "json"}
    url = f"http://127.0.0.1:{port}"
    with running([sys.executable, "-m", "valence", "serve"], log, environment) as process:
        until(lambda: answers(f"{url}/readyz"), what="the service is ready")
        yield url
        process.send_signal(signal.SIGTERM)
        if process.wait(PATIENCE_SECONDS) != 0:
            raise StoryError("the service did not end well; its log says why")


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus server that scrapes the service every second."""

    url: str

    def value(self, expression: str) -> float | None:
        """The only value of an instant query; None where it has none."""
        found = self.series(expression)
        return float(found[0]["value"][1]) if found else None

    def series(self, expression: str) -> list[dict[str, Any]]:
        """All series of an instant query."""
        asked = httpx.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=10)
        asked.raise_for_status()
        result: list[dict[str, Any]] = asked.json()["data"]["result"]
        return result


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    """Prometheus on the service at `target`. Raises StoryError where it is not installed."""
    binary = shutil.which("prometheus")
    if binary is None:
        raise StoryError("prometheus is not installed; `make ops-tools` installs it on Debian")
    port = free_port()
    config = folder / "prometheus.yml"
    scrape = {
        "job_name": "valence",
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "static_configs": [{"targets": [target.removeprefix("http://")]}],
    }
    config.write_text(yaml.safe_dump({"scrape_configs": [scrape]}))
    command = [
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder / "prometheus.log", os.environ):
        until(lambda: answers(f"{url}/-/ready"), what="Prometheus is ready")
        yield Prometheus(url)


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its output in a file, gone when the block ends."""
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, env=dict(environment)) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def answers(url: str) -> bool:
    """Whether there is somebody who answers 200."""
    try:
        return httpx.get(url, timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def valence_with_bar(*arguments: object, expect: Sequence[int], console: Console) -> str:
    """As `valence`, for long work: its progress goes where ours does; what it printed."""
    command = [sys.executable, "-m", "valence", *map(str, arguments)]
    wide = {**os.environ, "COLUMNS": str(console.width)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=wide, check=False)
    if done.returncode not in expect:
        console.print(done.stdout)
        raise StoryError(f"valence {arguments[0]} ended with {done.returncode}")
    return done.stdout


def seed_store(folder: Path) -> None:
    """A new store with the starter models."""
    seed(open_store(folder))


def json_in(output: str) -> list[dict[str, Any]]:
    """The JSON document that a command printed."""
    found: list[dict[str, Any]] = json.loads(output)
    return found


def last_json(output: str) -> dict[str, Any]:
    """The JSON object that a command printed last."""
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found
