"""What a retraining was asked for, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from training.retrain.policy import DEFAULT, Policy

TASKS: Final = ("sentiment", "aspects", "extraction")
"""The tasks whose feedback can be learned from."""

Outcome = Literal[
    "promoted", "passed", "nothing to do", "would retrain", "refused", "busy", "failed"
]
EXIT: Final[Mapping[Outcome, int]] = {
    "promoted": 0,
    "passed": 0,
    "nothing to do": 0,
    "would retrain": 0,
    "failed": 1,
    "refused": 3,
    "busy": 5,
}
"""Of the process; 2 is wrong usage, and the command line's own."""


@dataclass(frozen=True, slots=True)
class Request:
    """name: of the model in the store.

    since: judgements received before are left out. recipe: in place of the champion's own.
    overrides: "dotted.key=value" over either. holdout: the share of the texts that is never trained
    on; to keep what is held out held out, it must not be lowered later. repeat: how often each
    judgement stands in the training split. least: fewer new judgements are not worth a training.
    promote: whether a challenger that passes becomes the champion.
    """

    name: str
    runs: Path = Path("runs")
    since: datetime | None = None
    recipe: str | None = None
    overrides: tuple[str, ...] = ()
    policy: Policy = DEFAULT
    holdout: float = 0.2
    repeat: int = 1
    least: int = 50
    promote: bool = True
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class Result:
    """version: the challenger's number, None where none was published. job: its folder, or ""."""

    outcome: Outcome
    sentence: str
    job: str = ""
    version: int | None = None

    @property
    def code(self) -> int:
        return EXIT[self.outcome]

    @property
    def line(self) -> str:
        """For people; a verdict's sentence begins with the outcome by itself."""
        named = self.sentence.startswith(f"{self.outcome}: ")
        return self.sentence if named else f"{self.outcome}: {self.sentence}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "exit": self.code,
            "version": self.version,
            "job": self.job,
            "sentence": self.sentence,
        }
