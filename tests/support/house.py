"""Replicas of the real service under every kind of traffic, with a Prometheus beside them."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from prometheus import Prometheus

from model_store import Store

ANNOUNCED: Final = re.compile(r"answers at (http://\S+) \(")
TEXT: Final = "The Menu was a bit long, but the waiter was lovely."
WRITER: Final = "lm-reviews"


@dataclass(frozen=True, slots=True)
class Replica:
    """One process of the service."""

    url: str
    process: subprocess.Popen[str]

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")


@dataclass(frozen=True, slots=True)
class Watched:
    """The house as the tests find it; `at`: the time of day, in seconds, when traffic ended."""

    prometheus: Prometheus
    replicas: tuple[Replica, ...]
    store: Store
    at: float


@contextmanager
def replica(home: Path, *, log: Path | None = None, **changes: str) -> Iterator[Replica]:
    """`valence serve` on a free port; its default store and feedback are in `home`.

    changes: further variables. log: where its standard error goes.
    """
    variables = {
        "VALENCE_HOME": str(home),
        "VALENCE_PORT": "0",
        "VALENCE_POLL_INTERVAL_SECONDS": "0.5",
        "VALENCE_DRIFT_MINIMUM_ITEMS": "20",
        **{f"VALENCE_{name}": value for name, value in changes.items()},
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VALENCE_")}
    command = [sys.executable, "-m", "valence", "serve"]
    with ExitStack() as stack:
        errors = None if log is None else stack.enter_context(log.open("w"))
        process = stack.enter_context(
            subprocess.Popen(
                command,
                env={**clean, **variables},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        )
        try:
            assert process.stdout is not None
            found = ANNOUNCED.search(process.stdout.readline())
            assert found is not None
            yield Replica(found.group(1), process)
        finally:
            process.terminate()
            process.wait(30)


def scrapes(found: Prometheus) -> float:
    """How often the target that was scraped least was scraped."""
    result = found.query('min(count_over_time(up{job="valence"}[10m]))')
    return float(result[0]["value"][1]) if result else 0.0


def promote_a_copy(store: Store, home: Path) -> None:
    """Another version of the sentiment model: it is loaded while Prometheus looks on."""
    folder = store.export("sentiment", 1, home / "copy")
    version = store.publish("sentiment", folder)
    store.promote("sentiment", version.number, actor="tests", reason="a load to be seen")
    shutil.rmtree(folder)


def ask_everything(url: str) -> None:
    """Good requests on every route, refused ones, items that fail, and judgements of answers."""
    with httpx.Client(base_url=url, timeout=60) as client:
        for i in range(20):
            text = f"{TEXT} {i} times."
            for route in ("sentiment", "tags", "aspects", "analyze", "score"):
                answer = client.post(f"/v1/{route}", json={"text": text})
                assert answer.status_code == 200, answer.text
        for stream in (True, False):
            body = {"prompt": "The menu", "max_new_tokens": 5, "stream": stream}
            assert client.post("/v1/generate", json=body).status_code == 200
        assert client.post("/v1/sentiment", json={"texts": [TEXT, "  "]}).status_code == 200
        old = {"text": TEXT, "model": "sentiment@1"}
        assert client.post("/v1/sentiment", json=old).status_code == 200
        assert client.post("/v1/sentiment", content="{").status_code == 400
        assert client.get("/v1/nothing").status_code == 404
        judge(client)


def judge(client: httpx.Client) -> None:
    """One answer is called right, another wrong."""
    asked = {"texts": [f"Lovely soup {time.time()}.", f"Rude staff {time.time()}."]}
    answer = client.post("/v1/sentiment", json={**asked, "receipts": True}).json()
    right, wrong = answer["results"]
    other = {"positive": "negative", "negative": "positive"}[wrong["label"]]
    items = [
        {"id": right["id"], "receipt": right["receipt"], "label": right["label"]},
        {"id": wrong["id"], "receipt": wrong["receipt"], "label": other},
        {"id": "0" * 32, "receipt": "none", "label": other},
    ]
    response = client.post("/v1/feedback", content=json.dumps({"items": items}))
    assert response.status_code == 200, response.text
