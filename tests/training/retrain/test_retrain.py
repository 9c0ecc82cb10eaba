"""A retraining from end to end, on a tiny model with real feedback: SQLite, store, training."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from retraining import Place, champion, give, place, reviews
from tiny_runs import command, die, exit_code, start
from typer.testing import CliRunner

from valence import app

STEPS = ("plan", "collect", "audit", "train", "evaluate", "gate", "publish", "promote", "result")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: ARG001
    return champion(tmp_path_factory.mktemp("champion"))


@pytest.fixture
def here(tmp_path: Path, version: Path) -> Place:
    made = place(tmp_path, version)
    give(made.feedback, reviews(70))
    return made


def run(here: Place, *more: str, code: int = 0) -> dict[str, Any]:
    """The last line that the command printed."""
    ran = CliRunner().invoke(app, here.arguments(*more))
    assert ran.exit_code == code, ran.output
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    assert found["exit"] == code
    return found


def test_a_better_challenger_is_promoted(here: Place) -> None:
    found = run(here)
    assert found["outcome"] == "promoted", found
