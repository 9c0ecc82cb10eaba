"""A model: task + text + runtime, loaded from a folder that explains itself.

The folder's `manifest.json` says what to build: `nlp.manifest` lists the keys.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from nlp.errors import ModelError
from nlp.extractors import load_extractor
from nlp.features import Features
from nlp.generation import Generation, GenerationPolicy
from nlp.manifest import MANIFEST as MANIFEST
from nlp.manifest import check_manifest, read_manifest
from nlp.runtimes.base import Runtime
from nlp.runtimes.onnx import OnnxRuntime
from nlp.tasks.base import Answer, Encoded, Item, OnePass, Row, Search, Task, Window
from nlp.tasks.language_model import LanguageModel
from nlp.tasks.table import TASKS, Parts
from nlp.text import splitter
from nlp.vocabulary import Vocabulary

VOCABULARY: Final = "vocabulary.txt"
GOLDEN: Final = "golden.jsonl"
RuntimeName = Literal["auto", "onnx", "torch"]


@dataclass(frozen=True, slots=True)
class Model:
    """encode (one item) -> forward (a batch of windows) -> decode (one item)."""

    manifest: Mapping[str, Any]
    task: Task
    runtime: Runtime

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        device: str = "cpu",
        runtime: RuntimeName = "auto",
        threads: int = 0,
    ) -> "Model":
        """The model in `folder`. `auto` takes ONNX Runtime on a CPU and torch on CUDA.

        Raises ModelError for a folder that is no model this program can load.
        """
        manifest = read_manifest(folder)
        task = build_task(manifest, folder)
        built = _runtime(manifest, folder, device=device, name=runtime, threads=threads)
        return cls(manifest, task, built)

    def encode(self, item: Item) -> Encoded:
        """Raises TextError."""
        return self.task.encode(item)

    def forward(self, windows: Sequence[Window]) -> list[Row]:
        """One batch through the network: a row for each window, in order."""
        outputs = self.runtime.run(self.task.collate(windows))
        return [{name: array[i] for name, array in outputs.items()} for i in range(len(windows))]

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> Answer:
        return self.task.decode(encoded, rows)

    def answer(self, items: Iterable[Item], *, batch_tokens: int = 4096) -> list[Answer]:
        """Answers in the items' order; batches are cut by length, `batch_tokens` padded at most."""
        return [self.decode(*read) for read in self.read(items, batch_tokens=batch_tokens)]

    def read(
        self, items: Iterable[Item], *, batch_tokens: int = 4096
    ) -> list[tuple[Encoded, list[Row]]]:
        """Items encoded, each with its rows: what `decode` takes."""
        encoded = [self.encode(item) for item in items]
        searches = [self.search(item) for item in encoded]
        self.run(searches, batch_tokens=batch_tokens)
        return [(item, list(search.rows())) for item, search in zip(encoded, searches, strict=True)]

    @property
    def stepwise(self) -> bool:
        """Whether answers are found step by step, not by one pass over an item's windows."""
        return hasattr(self.task, "search")

    def search(self, encoded: Encoded) -> Search:
        """The search for an item's answer; of most tasks it has one step, all windows."""
        begin = getattr(self.task, "search", None)
        return OnePass(encoded.windows) if begin is None else begin(encoded)

    def generate(self, prompt: str, policy: GenerationPolicy) -> Generation:
        """The search for a text behind `prompt`. Raises TextError, and ModelError where the model
        is no language model.
        """
        if not isinstance(self.task, LanguageModel):
            raise ModelError("only a language model can go on with a text")
        return self.task.generate(prompt, policy)

    def run(self, searches: Sequence[Search], *, batch_tokens: int = 4096) -> None:
        """Take all searches to their ends, step by step, those of one step in common batches."""
        while wanted := [(search, rows) for search in searches if (rows := search.wanted())]:
            answered = self._rows([row for _, rows in wanted for row in rows], batch_tokens)
            for search, rows in wanted:
                search.take([next(answered) for _ in rows])

    def _rows(self, windows: Sequence[Window], batch_tokens: int) -> Iterator[Row]:
        found: dict[int, Row] = {}
        for batch in batches([window.length for window in windows], batch_tokens):
            found.update(zip(batch, self.forward([windows[i] for i in batch]), strict=True))
        return iter([found[i] for i in range(len(windows))])


def batches(lengths: Sequence[int], budget: int) -> Iterable[list[int]]:
    """Places of `lengths` sorted by length, cut where rows x longest would pass `budget`."""
    batch: list[int] = []
    for i in np.argsort(np.array(lengths, dtype=np.int64), kind="stable").tolist():
        if batch and (len(batch) + 1) * lengths[i] > budget:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def build_task(manifest: Mapping[str, Any], folder: Path) -> Task:
    """The task a manifest describes. Raises ModelError."""
    check_manifest(manifest)
    name, text = manifest["task"], manifest["text"]
    if name not in TASKS:
        raise ModelError(f"unknown task {name!r}; known: {', '.join(sorted(TASKS))}")
    path, lowercase = folder / VOCABULARY, text["lowercase"]
    parts = Parts(
        layers={layer: tuple(labels) for layer, labels in manifest["layers"].items()},
        split=splitter(text["tokenizer"]),
        vocabulary=Vocabulary.load(path, trained=text["trained"], lowercase=lowercase),
        features=Features(
            tuple(text["features"]),
            text["alphabet"],
            load_extractor(text.get("extractor"), folder),
        ),
        window_tokens=text["window_tokens"],
        temperatures=manifest["calibration"]["temperatures"],
    )
    return TASKS[name](parts)


def _runtime(
    manifest: Mapping[str, Any], folder: Path, *, device: str, name: RuntimeName, threads: int
) -> Runtime:
    if name == "auto":
        name = "torch" if device.startswith("cuda") else "onnx"
    return _RUNTIMES[name](manifest, folder, device, threads)


def _onnx(_: Mapping[str, Any], folder: Path, device: str, threads: int) -> Runtime:
    return OnnxRuntime(folder, device=device, threads=threads)


def _torch(manifest: Mapping[str, Any], folder: Path, device: str, _: int) -> Runtime:
    from nlp.runtimes.torch import TorchRuntime  # late: serving on a CPU never imports torch

    return TorchRuntime.load(
        folder,
        architecture=manifest["architecture"],
        outputs={layer: len(labels) for layer, labels in manifest["layers"].items()},
        sizes=manifest["sizes"],
        device=device,
    )


_RUNTIMES: Final[dict[str, Callable[[Mapping[str, Any], Path, str, int], Runtime]]] = {
    "onnx": _onnx,
    "torch": _torch,
}
