"""How fast the service answers: `python -m benchmarks.serving [--store URL] [--seconds 3]`.

Starts the server as a process of its own, loads it with one text a request from another process at
1, 8 and 64 connections, and compares with the same model and runtime called in this process in
length-sorted batches, at the batch size that is best there. All on one machine: server, client and
the reference share its cores, so figures compare only within a run.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.load import Load
from benchmarks.sentences import sentences
from nlp.model import Model, batches
from nlp.tasks.base import Window
from service.loader import open_settings_store
from service.settings import Settings

ROUTES: Final = {"sentiment": "/v1/sentiment", "tags": "/v1/tags"}
CONNECTIONS: Final = (1, 8, 64)
BUDGETS: Final = (64, 256, 512, 1024, 4096, 16384)


@dataclass(frozen=True, slots=True)
class Started:
    """A running server, and what starting it took."""

    port: int
    pid: int
    cold_seconds: float

    def cpu_seconds(self) -> float:
        """Processor time used so far, all threads: what a busy machine cannot falsify."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory now, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@contextmanager
def server(store: str | None, cache: Path) -> Iterator[Started]:
    """A server on a free port until the block ends."""
    port = _free_port()
    given = {"VALENCE_PORT": str(port), "VALENCE_CACHE_FOLDER": str(cache)}
    if store is not None:
        given["VALENCE_STORE"] = store
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "service"], env={**os.environ, **given}, stdout=subprocess.DEVNULL
    )
    try:
        _first_answer(port, process)
        yield Started(port, process.pid, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _first_answer(port: int, process: subprocess.Popen[bytes]) -> None:
    body = json.dumps({"texts": ["A first answer."]}).encode()
    url = f"http://127.0.0.1:{port}{ROUTES['sentiment']}"
    headers = {"content-type": "application/json"}
    for _ in range(3000):
        if process.poll() is not None:
            raise SystemExit("the server ended before it answered")
        try:
            urllib.request.urlopen(urllib.request.Request(url, body, headers))
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise SystemExit("the server did not answer within 30 seconds")


def load(started: Started, route: str, *, connections: int, seconds: float) -> tuple[Load, float]:
    """One run of the client, in its own process, and the server's CPU milliseconds a request."""
    command = [sys.executable, "-m", "benchmarks.load", "--port", str(started.port)]
    command += ["--route", route, "--connections", str(connections), "--seconds", str(seconds)]
    before = started.cpu_seconds()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = Load(**json.loads(output))
    return found, (started.cpu_seconds() - before) / found.answered * 1000


def in_process(model: Model, texts: Sequence[str], seconds: float) -> tuple[int, float, float]:
    """The best batch budget in tokens, and texts a second there: forward alone, whole answers."""
    encoded = [model.encode(text) for text in texts]
    windows = [window for item in encoded for window in item.windows]
    lengths = [window.length for window in windows]
    each = seconds / len(BUDGETS)
    forward = {
        budget: _rate(partial(_forward, model, windows, lengths, budget), each)
        for budget in BUDGETS
    }
    best = max(forward, key=forward.__getitem__)
    whole = _rate(lambda: len(model.answer(texts, batch_tokens=best)), each)
    return best, forward[best], whole


def _forward(model: Model, windows: Sequence[Window], lengths: Sequence[int], budget: int) -> int:
    for batch in batches(lengths, budget):
        model.forward([windows[i] for i in batch])
    return len(windows)


def _rate(work: Callable[[], int], seconds: float) -> float:
    """Median units a second of `work`, which says how many it did, after one warm-up."""
    work()
    rates: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or not rates:
        started = time.perf_counter()
        rates.append(work() / (time.perf_counter() - started))
    return statistics.median(rates)


def _load_model(name: str, settings: Settings, cache: Path) -> Model:
    store = open_settings_store(settings)
    version = store.resolve(name)
    folder = store.materialise(version.name, version.number, cache)
    return Model.load(folder, threads=settings.threads)


def _row(name: str, found: Load, cpu_ms: float, forward: float, whole: float) -> str:
    rate = found.requests_per_second
    return (
        f"{name:<10} {found.connections:>5} {rate:>9.0f} {found.p50_ms:>8.2f} {found.p99_ms:>8.2f} "
        f"{cpu_ms:>8.3f} {found.fewest:>7}/{found.most:<7} {found.failures:>4} "
        f"{rate / forward:>9.2f} {rate / whole:>8.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Requests a second, and what they could be.")
    parser.add_argument("--store", help="default: the store of `valence serve`")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    asked = parser.parse_args()
    given = {} if asked.store is None else {"store": asked.store}
    with tempfile.TemporaryDirectory() as folder:
        _report(asked.store, Settings.model_validate(given), Path(folder), asked.seconds)


def _report(store: str | None, settings: Settings, cache: Path, seconds: float) -> None:
    with server(store, cache) as started:
        print(f"cold start to first answer {started.cold_seconds:.2f} s (empty cache), ", end="")
        print(f"resident memory {started.memory_mb():.0f} MB, {os.cpu_count()} cores")
        print("task       conns     req/s   p50 ms   p99 ms   cpu ms  fewest/most    fail", end="")
        print("  /forward  /answer")
        for name, route in ROUTES.items():
            rows = [load(started, route, connections=n, seconds=seconds) for n in CONNECTIONS]
            model = _load_model(name, settings, cache)
            budget, forward, whole = in_process(model, sentences(512), seconds)
            for found, cpu_ms in rows:
                print(_row(name, found, cpu_ms, forward, whole))
            print(f"{name:<10} in process, best at {budget} padded tokens a batch: ", end="")
            print(f"{forward:.0f} texts/s forward alone, {whole:.0f} whole answers")
        print(f"resident memory at the end {started.memory_mb():.0f} MB")


if __name__ == "__main__":
    main()
