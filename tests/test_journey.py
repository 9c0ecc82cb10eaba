"""The whole road: train, publish, promote, serve, train again, promote under load, roll back.

Every step is a command of the `valence` command line; only the requests are not.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import pytest
from tiny_runs import sentiment_recipe
from typer.testing import CliRunner

from model_store import open_store
from nlp.model import Model
from valence import app

REPOSITORY = Path(__file__).parents[1]
ANNOUNCED = re.compile(r"Valence answers at (http://\S+) \((.*)\)")
TEXTS = ("The soup was superb and kind.", "A tedious room, and rude too.")
CLIENTS = 4
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Load:
    """Clients that ask without a pause until they are told to stop."""

    url: str
    stopped: threading.Event = field(default_factory=threading.Event)
    answers: list[list[dict[str, Any]]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def client(self, seen: list[dict[str, Any]]) -> None:
        with httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS) as client:
            while not self.stopped.is_set():
                try:
                    answer = client.post("/v1/sentiment", json={"texts": TEXTS})
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    return
                if answer.status_code == httpx.codes.OK:
                    seen.append(answer.json())
                else:
                    self.failures.append(answer.text)

    @contextmanager
    def running(self) -> Iterator[None]:
        self.answers = [[] for _ in range(CLIENTS)]
        threads = [threading.Thread(target=self.client, args=(seen,)) for seen in self.answers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stopped.set()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)

    def all_see(self, version: int) -> bool:
        """Whether the last answer to each client came from that version."""
        return all(seen and seen[-1]["model"]["version"] == version for seen in self.answers)


def run(*arguments: object) -> str:
    """A command of the command line, which must work; what it prints."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@contextmanager
def serving(*options: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`valence serve` as a process of its own; its URL once every model answers."""
    command = [sys.executable, "-m", "valence", "serve", *map(str, options)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            announced = ANNOUNCED.search(line)
            assert announced is not None, line
            yield process, announced.group(1)
        finally:
            process.kill()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "nothing happened for a minute"
        time.sleep(0.01)


def versions_in_turn(answers: Sequence[dict[str, Any]]) -> list[int]:
    return [version for version, _ in groupby(answer["model"]["version"] for answer in answers)]


def expected_scores(folder: Path) -> list[dict[str, float]]:
    """What a version says of TEXTS, asked without any service."""
    answers = Model.load(folder).answer(TEXTS)
    return [answer.to_dict()["scores"] for answer in answers]


@pytest.fixture
def training(tmp_path: Path) -> tuple[object, ...]:
    """Arguments of `valence train` for a tiny sentiment recipe."""
    recipe = sentiment_recipe(tmp_path, name="sentiment")
    places = ("--store", tmp_path / "store", "--runs", tmp_path / "runs", "--device", "cpu")
    return ("train", recipe, *places, "--set", "training.epochs=2")


def test_the_whole_road(training: tuple[object, ...], tmp_path: Path) -> None:
    url = tmp_path / "store"
    store = ("--store", url)
    assert "published sentiment@1" in run(*training)
    run("models", "promote", "sentiment@1", *store, "--reason", "the first one")
    assert "the same figures as the manifest's" in run("evaluate", "sentiment@champion", *store)
    options = (*store, "--models", "sentiment@champion", "--port", 0)
    polling = ("--cache-folder", tmp_path / "cache", "--poll-interval-seconds", 0.1)
    with serving(*options, *polling) as (process, address):
        assert "published sentiment@2" in run(*training, "--set", "seed=21")
        load = Load(address)
        with load.running():
            until(lambda: load.all_see(1))
            run("models", "promote", "sentiment@2", *store)
            until(lambda: load.all_see(2))
            run("models", "rollback", "sentiment", *store)
            until(lambda: load.all_see(1))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == os.EX_OK
    assert load.failures == []
    assert [versions_in_turn(seen) for seen in load.answers] == [[1, 2, 1]] * CLIENTS
    check_answers([answer for seen in load.answers for answer in seen], url, tmp_path / "proof")
    moves = [(entry.version, entry.reason) for entry in open_store(url).log("sentiment")]
    assert moves[0] == (1, "the first one")
    assert [version for version, _ in moves] == [1, 2, 1]


def check_answers(answers: Sequence[dict[str, Any]], url: Path, folder: Path) -> None:
    """Each answer is the one of the version that it names."""
    store = open_store(url, create=False)
    expected, digests = {}, {}
    for number in (1, 2):
        expected[number] = expected_scores(store.materialise("sentiment", number, folder))
        digests[number] = store.resolve(f"sentiment@{number}").digest
    apart = abs(expected[1][0]["positive"] - expected[2][0]["positive"])
    assert apart > 0.001, "two versions that say the same would prove nothing"
    for answer in answers:
        number = answer["model"]["version"]
        assert answer["model"]["digest"] == digests[number]
        scores = [result["scores"] for result in answer["results"]]
        for one, other in zip(scores, expected[number], strict=True):
            assert one == pytest.approx(other, abs=1e-4)
