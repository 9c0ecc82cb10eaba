"""The folder of one retraining.

plan.json … promote.json   what each step found, written once the step is done
result.json                how it ended; with it the job is over
feedback-*.jsonl           texts and judgements, readable by the owner alone; gone once it is over
vectors.txt                the champion's word vectors, where the recipe's own are not at hand
run/                       the training: `training.run_folder`
gate.png                   the differences with their intervals

A folder is named by a digest of what the job depends on, so that the same question finds the same
folder. Every file appears whole or not at all.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RESULT: Final = "result"
PLAN: Final = "plan"
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """Paths and records of a job."""

    path: Path

    @classmethod
    def at(cls, runs: Path, name: str, key: str) -> "Job":
        return cls(runs / f"retrain-{name}-{key}")

    @classmethod
    def all_of(cls, runs: Path, name: str) -> "Iterator[Job]":
        """The jobs of a model that have a plan, in no order that means anything."""
        for path in sorted(runs.glob(f"retrain-{name}-*")):
            job = cls(path)
            if (job.record(PLAN) or {}).get("name") == name:
                yield job

    def record(self, step: str) -> Record | None:
        """What a step found; None where it was not done."""
        path = self._file(step)
        if not path.is_file():
            return None
        found: Record = json.loads(path.read_text(encoding="utf-8"))
        return found

    def once(self, step: str, take: Callable[[], Mapping[str, Any]]) -> Record:
        """The record of a step, which is taken where it was not done before."""
        found = self.record(step)
        if found is None:
            write_whole(self._file(step), json.dumps(take(), indent=1, allow_nan=False) + "\n")
            found = self.record(step)
        assert found is not None  # noqa: S101 - it was just written
        return found

    @property
    def over(self) -> bool:
        return self._file(RESULT).is_file()

    def texts(self, what: str) -> Path:
        """A file of judgements with their texts."""
        return self.path / f"feedback-{what}.jsonl"

    def forget_texts(self) -> None:
        """Delete what users wrote; the counts stay."""
        for path in self.path.glob("feedback-*"):
            path.unlink(missing_ok=True)

    def delete(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def vectors(self) -> Path:
        return self.path / "vectors.txt"

    @property
    def picture(self) -> Path:
        return self.path / "gate.png"

    @property
    def training(self) -> Path:
        return self.path / "run"

    def _file(self, step: str) -> Path:
        return self.path / f"{step}.json"


def key_of(facts: Mapping[str, Any]) -> str:
    """Twelve hex digits that stand for plain values."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def write_whole(path: Path, text: str) -> None:
    """All or nothing, whenever the process dies; for the owner's eyes alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.partial")
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)
