"""Stores on a local disk and on an S3 server, folders to publish, and processes that race."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from model_store import Store, open_store

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

MakeFolder = Callable[..., Path]
Race = Callable[[str, list[dict[str, Any]]], list[Any]]


def safetensors(payload: bytes = b"\x00" * 8) -> bytes:
    """A small file in the safetensors format: header length, JSON header, data."""
    header = json.dumps(
        {"weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, len(payload)]}}
    ).encode()
    return len(header).to_bytes(8, "little") + header + payload


FILES: dict[str, bytes] = {
    "network.safetensors": safetensors(),
    "labels.txt": b"negative\npositive\n",
    "card.md": b"# A model of the tests\n",
}


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Writes a model folder; `files` replaces or adds files, None leaves one out."""

    def make(draft: object = None, **files: bytes | None) -> Path:
        folder = tmp_path / f"folder-{secrets.token_hex(4)}"
        folder.mkdir()
        text = json.dumps({"task": "sentiment"} if draft is None else draft)
        (folder / "manifest.json").write_text(text)
        wanted = {**FILES, **{key.replace("__", "."): value for key, value in files.items()}}
        for file, content in wanted.items():
            if content is not None:
                (folder / file).write_bytes(content)
        return folder

    return make


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3 API server in a process of its own, on a free port."""
    command = [sys.executable, str(HERE / "s3_server.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield server.stdout.readline().strip()
        server.stdin.close()


@pytest.fixture
def s3_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix in a new bucket of the server; the environment points at the server."""
    bucket = f"tests-{secrets.token_hex(4)}"
    request = urllib.request.Request(f"{s3_endpoint}/{bucket}", method="PUT")  # noqa: S310
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310
    settings = {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_REGION": "us-east-1",
    }
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    return f"s3://{bucket}/valence"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store on the local disk."""
    return open_store(tmp_path / "store")


@pytest.fixture(params=["disk", "s3"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store: once on the local disk, once on S3."""
    if request.param == "disk":
        return str(tmp_path / "store")
    return str(request.getfixturevalue("s3_url"))


@pytest.fixture
def any_store(any_url: str) -> Store:
    return open_store(any_url)


@pytest.fixture
def race() -> Race:
    """Runs an action of worker.py in one process an order, all released at once."""

    def run(action: str, orders: list[dict[str, Any]]) -> list[Any]:
        workers = [start_worker(action, order) for order in orders]
        for worker in workers:
            assert _readline(worker) == "ready"
        for worker in workers:
            _release(worker)
        outputs = [worker.communicate(timeout=120) for worker in workers]
        for worker, (_, errors) in zip(workers, outputs, strict=True):
            assert worker.returncode == 0, errors
        return [json.loads(output.splitlines()[-1]) for output, _ in outputs]

    return run


@pytest.fixture
def start() -> Callable[[str, dict[str, Any]], subprocess.Popen[str]]:
    """Starts one worker and lets it go at once; the test waits for it."""

    def run(action: str, order: dict[str, Any]) -> subprocess.Popen[str]:
        worker = start_worker(action, order)
        assert _readline(worker) == "ready"
        _release(worker)
        return worker

    return run


def start_worker(action: str, order: dict[str, Any]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(HERE / "worker.py"), action, json.dumps(order)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def _readline(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def _release(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()
