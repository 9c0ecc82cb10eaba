"""The part of a manifest that says how to rebuild the model, and how a manifest is written."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from nlp.features import Extractor, Features
from nlp.manifest import MANIFEST
from nlp.tasks.base import Task
from nlp.tasks.table import TASKS, Parts
from nlp.text import splitter
from nlp.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class TextSpec:
    """How text becomes arrays; the vocabulary's words lie in a file of their own."""

    tokenizer: str
    lowercase: bool
    trained: int
    features: tuple[str, ...]
    alphabet: str
    window_tokens: int


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Everything but weights and words."""

    task: str
    architecture: str
    sizes: Mapping[str, Any]
    layers: Mapping[str, tuple[str, ...]]
    text: TextSpec
    temperatures: Mapping[str, float] = field(default_factory=dict)
    tolerance: float = 1e-4
    extractor: Extractor | None = None

    @property
    def outputs(self) -> dict[str, int]:
        """Number of labels by layer."""
        return {layer: len(labels) for layer, labels in self.layers.items()}

    def task_for(self, vocabulary: Vocabulary) -> Task:
        """The task as it will serve: training encodes and decodes with the very same object."""
        text = self.text
        features = Features(text.features, text.alphabet, self.extractor)
        words = (splitter(text.tokenizer), vocabulary, features, text.window_tokens)
        return TASKS[self.task](Parts(self.layers, *words, self.temperatures))

    def calibrated(self, temperatures: Mapping[str, float]) -> "ModelSpec":
        return replace(self, temperatures=temperatures)

    def to_manifest(self) -> dict[str, Any]:
        """Manifest keys of the model itself, JSON types only."""
        return {
            "task": self.task,
            "architecture": self.architecture,
            "sizes": dict(self.sizes),
            "layers": {layer: list(labels) for layer, labels in self.layers.items()},
            "text": {
                **asdict(self.text),
                "features": list(self.text.features),
                "extractor": None if self.extractor is None else self.extractor.options(),
            },
            "calibration": {"temperatures": dict(self.temperatures)},
            "tolerance": self.tolerance,
        }


def write_manifest(manifest: Mapping[str, Any], folder: Path) -> None:
    """Raises ValueError for a number that JSON does not have."""
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
