"""What can be wrong with the making of a version.

TrainingError
├── RecipeError                a recipe that cannot be followed: `path` is the dotted key
├── DataError                  data that is absent, or not what the recipe or the task needs
│   ├── ChecksumError          a file that is not the one the catalogue names
│   └── MalformedLinesError    lines that could not be read: `lines` are the first of them
├── AuditError                 data that would make the scores a lie
├── ExportError                a network whose graph or files do not answer like it
├── ScoreError                 scores asked of nothing, or of arrays that do not fit
└── RunError                   a run that cannot go on, or be resumed

`sentence` says the kind of trouble, for a log or an exit message; the message says the case.
Messages are public: they name files and lines, never a text.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

SHOWN: Final = 20
"""How many malformed lines a message lists before it only counts."""


class TrainingError(ValueError):
    """Base of this package's errors."""

    sentence: ClassVar[str] = "The version could not be made."


class RecipeError(TrainingError):
    """A recipe that cannot be followed: `reason`, and at which dotted key (`path`, "" for all)."""

    sentence: ClassVar[str] = "The recipe cannot be followed."

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.reason = message
        self.path = path


class DataError(TrainingError):
    """Data that is absent, or not what the recipe or the task needs."""

    sentence: ClassVar[str] = "The data is absent or not as described."


class ChecksumError(DataError):
    """A data file that is not the one the catalogue names."""

    sentence: ClassVar[str] = "A data file is not the one that the catalogue names."


class MalformedLinesError(DataError):
    """Lines that could not be read. `lines` holds the first `SHOWN`, as "file:line: why"."""

    sentence: ClassVar[str] = "Some lines of the data could not be read."

    def __init__(self, lines: Sequence[str], *, total: int) -> None:
        self.lines = tuple(lines[:SHOWN])
        self.total = total
        more = total - len(self.lines)
        tail = f"\n  and {more:,} more" if more else ""
        listed = "".join(f"\n  {line}" for line in self.lines)
        super().__init__(
            f"{total:,} malformed line{'s' if total != 1 else ''} "
            f'(data.on_bad_line = "skip" leaves such lines out and counts them):{listed}{tail}'
        )


class AuditError(TrainingError):
    """Data that would make the scores a lie, unless the recipe allows it."""

    sentence: ClassVar[str] = "The data did not pass the audit."


class ScoreError(TrainingError):
    """Scores asked of nothing, or of arrays that do not fit each other."""

    sentence: ClassVar[str] = "The scores could not be computed."


class RunError(TrainingError):
    """A run that cannot go on, or be resumed."""

    sentence: ClassVar[str] = "The run cannot go on."


class ExportError(TrainingError):
    """A network whose exported graph does not answer like it."""

    sentence: ClassVar[str] = "The network could not be exported."
