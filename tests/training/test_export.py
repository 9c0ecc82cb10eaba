"""The exported folder: one copy of the weights, equal answers, and it may move."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.external_data_helper import ExternalDataInfo
from safetensors.torch import load_file, save_file
from tiny import REVIEWS, TAGGED
from tiny_runs import Finished

from nlp.model import Model
from nlp.runtimes.onnx import GRAPH
from nlp.runtimes.torch import WEIGHTS
from nlp.tasks.base import Item
from nlp.vocabulary import Vocabulary
from training.errors import ExportError
from training.export import check_parity

MakeModel = Callable[..., Model]
LARGE_BYTES = 32 * 1024
"""The exporter folds smaller weights into constants, some of them in another layout."""

ITEMS: dict[str, list[Item]] = {
    "sentiment": [text for text, _ in REVIEWS],
    "tagging": [words for words, _, _ in TAGGED],
}


@pytest.fixture(scope="module", params=["sentiment", "tagging"])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def exported(
    task: str,
    make_model: MakeModel,
    finished: dict[str, Finished],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A tagger takes the exporter many seconds: the one of the finished run serves here, too."""
    if task == "tagging":
        return finished[task].run.version
    folder = tmp_path_factory.mktemp("exported")
    make_model(task, folder, steps=5, dimensions=200, filters=32)
    return folder


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported, tmp_path / "copy")


def vocabulary(folder: Path) -> Vocabulary:
    model = Model.load(folder)
    text = model.manifest["text"]
    path = folder / "vocabulary.txt"
    return Vocabulary.load(path, trained=text["trained"], lowercase=text["lowercase"])


def answers(folder: Path, task: str, *, runtime: str) -> list[dict[str, object]]:
    model = Model.load(folder, runtime="onnx" if runtime == "onnx" else "torch")
    return [answer.to_dict() for answer in model.answer(ITEMS[task])]


def test_large_weights_are_stored_once(exported: Path) -> None:
    """The graph points at their bytes in the file of weights, and holds only small ones itself."""
    graph = onnx.load(str(exported / GRAPH), load_external_data=False)
    weights, stored = load_file(exported / WEIGHTS), (exported / WEIGHTS).read_bytes()
    outside = [t for t in graph.graph.initializer if t.HasField("data_location")]
    inside = [t for t in graph.graph.initializer if not t.HasField("data_location")]
    for tensor in outside:
        place = ExternalDataInfo(tensor)
        assert place.location == WEIGHTS
        start = int(place.offset or 0)
        there = stored[start : start + int(place.length or 0)]
        assert there == weights[tensor.name].contiguous().numpy().tobytes()
    assert all(len(tensor.raw_data) < LARGE_BYTES for tensor in inside)
    large = {name for name, w in weights.items() if w.numel() * w.element_size() >= LARGE_BYTES}
    assert len(large) >= 2
    assert large <= {tensor.name for tensor in outside}


def test_a_moved_folder_still_loads(copy: Path, exported: Path, task: str) -> None:
    moved = copy.rename(copy.with_name("moved"))
    assert answers(moved, task, runtime="onnx") == answers(exported, task, runtime="onnx")


def test_both_runtimes_answer_alike(exported: Path, task: str) -> None:
    one, other = (answers(exported, task, runtime=name) for name in ("onnx", "torch"))
    assert [_rounded(answer) for answer in one] == [_rounded(answer) for answer in other]


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 3) if isinstance(value, float) else value


def test_parity_is_measured(exported: Path) -> None:
    assert 0 <= check_parity(exported, vocabulary(exported), 1e-4) < 1e-4


def test_a_graph_that_answers_otherwise_is_refused(copy: Path) -> None:
    """A bias is small, so the graph has its own copy; here it is another one than torch reads."""
    known = vocabulary(copy)
    weights = load_file(copy / WEIGHTS)
    bias = next(name for name in weights if name.startswith("heads.") and name.endswith(".bias"))
    weights[bias] = weights[bias] + torch.tensor(0.01)
    save_file(weights, copy / WEIGHTS)
    with pytest.raises(ExportError, match=r"torch and ONNX differ by 1\.00e-02; the tolerance is"):
        check_parity(copy, known, 1e-3)
    assert check_parity(copy, known, 2e-2) == pytest.approx(1e-2, rel=1e-3)


def test_answers_that_are_no_numbers_are_refused(copy: Path) -> None:
    known = vocabulary(copy)
    weights = load_file(copy / WEIGHTS)
    weights["embeddings.learnt.weight"][:] = float("nan")
    save_file(weights, copy / WEIGHTS)
    with pytest.raises(ExportError, match="differ by nan"):
        check_parity(copy, known, 1e-4)


def test_batch_and_time_are_open(exported: Path, task: str) -> None:
    """One graph takes any batch: each item alone is answered as among the others."""
    model = Model.load(exported)
    together = model.answer(ITEMS[task])
    for item, answer in zip(ITEMS[task], together, strict=True):
        (alone,) = model.answer([item])
        assert _rounded(alone.to_dict()) == _rounded(answer.to_dict())
    long = ("long " * 50).split()
    arrays = model.task.collate(model.encode(long).windows * 7)
    assert {len(output) for output in model.runtime.run(arrays).values()} == {7}
    assert all(np.isfinite(output).all() for output in model.runtime.run(arrays).values())
