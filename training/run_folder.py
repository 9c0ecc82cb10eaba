"""The folder of one run: what it was asked, how it went, what came out.

recipe.json            the recipe as it was run
metrics.jsonl          a JSON object a logged step and a dev score
tensorboard/           the same, for TensorBoard
checkpoints/           the last and the best, without pickle
trained.safetensors    the weights that scored best on dev; there once the loop has ended
version/               the folder that is published: see `nlp.model`
card.md, *.png         the model card and its pictures
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.errors import RunError
from training.recipe import Recipe, from_dict, to_dict


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of a run, and its metrics."""

    path: Path

    @classmethod
    def create(cls, recipe: Recipe, parent: Path) -> "RunFolder":
        """A new folder, named by model and time."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        return cls(parent / f"{recipe.name}-{stamp}")._begun(recipe)

    @classmethod
    def at(cls, path: Path, recipe: Recipe) -> "RunFolder":
        """The run of this recipe at this very path, to be gone on with; begun if it is not there.

        Raises RunError where another recipe's run is there.
        """
        run = cls(path)
        if not run._recipe.is_file():
            return run._begun(recipe)
        if run.recipe() != recipe:
            raise RunError(f"{path} is a run of another recipe; name another folder")
        return run

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Raises RunError for a folder that is no run."""
        run = cls(path)
        if not run._recipe.is_file():
            raise RunError(f"{path} is no run: it holds no {run._recipe.name}")
        return run

    def _begun(self, recipe: Recipe) -> "RunFolder":
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(to_dict(recipe), indent=1, ensure_ascii=False)
        _write_whole(self._recipe, text + "\n")
        return self

    def recipe(self) -> Recipe:
        return from_dict(json.loads(self._recipe.read_text(encoding="utf-8")))

    @property
    def _recipe(self) -> Path:
        return self.path / "recipe.json"

    @property
    def _metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def board(self) -> Path:
        return self.path / "tensorboard"

    @property
    def trained(self) -> Path:
        return self.path / "trained.safetensors"

    @property
    def version(self) -> Path:
        return self.path / "version"

    def add_metrics(self, row: Mapping[str, float]) -> None:
        with self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(row)) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """All rows so far; a last line that a kill cut short is left out."""
        if not self._metrics.is_file():
            return []
        lines = self._metrics.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def forget_after(self, step: int) -> None:
        """Drop the rows of steps that a resumed run will take again."""
        if not self._metrics.is_file():
            return
        kept = [row for row in self.metrics() if row["step"] <= step]
        _write_whole(self._metrics, "".join(json.dumps(row) + "\n" for row in kept))


def _write_whole(path: Path, text: str) -> None:
    """All or nothing, whenever the process dies."""
    beside = path.with_suffix(".partial")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
