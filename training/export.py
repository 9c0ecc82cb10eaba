"""A trained network to a folder that `nlp.model.Model` loads: weights, graph, vocabulary, manifest.

The graph's large weights are not written twice: they point into network.safetensors, as ONNX
external data. Safetensors keeps each tensor as plain little-endian numbers in one run, which is
just what external data asks for.
"""

import json
import logging
import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx.external_data_helper import set_external_data
from safetensors.torch import save_file
from torch import Tensor

from nlp.features import Extractor
from nlp.model import VOCABULARY, Model
from nlp.networks.base import Network
from nlp.runtimes.onnx import GRAPH
from nlp.runtimes.torch import WEIGHTS
from nlp.tasks.base import Arrays, Task, Window
from nlp.vocabulary import Vocabulary
from training.errors import ExportError
from training.manifest import write_manifest

_OPSET: Final = 20
_SHARED_BYTES: Final = 4096
_PROBES: Final = ((1,), (2, 2), (7, 1, 4), (3, 30, 1, 17, 2), (64, 5))


def write_model(
    network: Network,
    manifest: Mapping[str, Any],
    *,
    vocabulary: Vocabulary,
    folder: Path,
    extractor: Extractor | None = None,
) -> Model:
    """Write the folder, prove that torch and ONNX Runtime agree on it, and load it.

    Raises ExportError where the outputs differ by more than the manifest's tolerance.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary.save(folder / VOCABULARY)
    if extractor is not None:
        extractor.save(folder)
    write_manifest(manifest, folder)
    network = network.cpu().eval()
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    task = Model.load(folder, runtime="torch").task
    export_graph(network, task.collate(_windows((5, 3, 2), task, vocabulary)), folder)
    check_parity(folder, vocabulary, float(manifest["tolerance"]))
    return Model.load(folder)


def export_graph(network: Network, example: Arrays, folder: Path) -> None:
    """Write network.onnx beside network.safetensors, batch and time left open.

    example: one batch; every open axis must be longer than one there.
    """
    inputs = {name: torch.from_numpy(array) for name, array in example.items()}
    with torch.no_grad():
        outputs = list(network(**inputs))
    open_axis = torch.export.Dim.DYNAMIC
    # torch 2.13 swaps the kernels of LSTM and GRU for ones of open length but leaves their cache as
    # it is, so that a second export in one process would find the length fixed.
    for operator in (torch.ops.aten.lstm.input, torch.ops.aten.gru.input):
        operator._dispatch_cache.clear()
    with _quiet():
        program = torch.onnx.export(
            network,
            kwargs=inputs,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes={
                name: dict.fromkeys(range(t.ndim), open_axis) for name, t in inputs.items()
            },
            opset_version=_OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ExportError("the ONNX exporter gave no graph")
    graph = program.model_proto
    _forget_shapes(graph)
    _share_weights(graph, network.state_dict(), folder / WEIGHTS)
    onnx.save(graph, str(folder / GRAPH))


def check_parity(folder: Path, vocabulary: Vocabulary, tolerance: float) -> float:
    """The largest difference between torch and ONNX Runtime over batches of mixed lengths.

    Raises ExportError where it is over the tolerance, or no number.
    """
    torch_model, onnx_model = (Model.load(folder, runtime=name) for name in ("torch", "onnx"))
    differences: list[float] = []
    for lengths in _PROBES:
        task = torch_model.task
        arrays = task.collate(_windows(lengths, task, vocabulary))
        expected, given = torch_model.runtime.run(arrays), onnx_model.runtime.run(arrays)
        differences += [float(np.abs(expected[k] - given[k]).max()) for k in expected]
    worst = float(np.max(differences))  # numpy's, because Python's max overlooks NaN
    if not worst <= tolerance:
        raise ExportError(f"torch and ONNX differ by {worst:.2e}; the tolerance is {tolerance:.0e}")
    return worst


def _windows(lengths: Sequence[int], task: Task, vocabulary: Vocabulary) -> list[Window]:
    """Windows of seeded random words of the vocabulary, unknown ones among them."""
    rng = np.random.default_rng(0)
    words = vocabulary.words[1:]
    drawn = [tuple(words[i] for i in rng.integers(0, len(words), n)) for n in lengths]
    return [task.probe(window) for window in drawn]


def _forget_shapes(model: onnx.ModelProto) -> None:
    """Drop the shapes of the example batch that the exporter left in the graph."""
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")


def _share_weights(model: onnx.ModelProto, weights: Mapping[str, Tensor], path: Path) -> None:
    """Point each large initializer that equals a stored tensor at that tensor's bytes."""
    places = _tensor_places(path)
    for tensor in model.graph.initializer:
        if tensor.name not in weights or len(tensor.raw_data) < _SHARED_BYTES:
            continue
        start, end = places[tensor.name]
        if tensor.raw_data == weights[tensor.name].contiguous().numpy().tobytes():
            set_external_data(tensor, location=path.name, offset=start, length=end - start)
            tensor.ClearField("raw_data")


def _tensor_places(path: Path) -> dict[str, tuple[int, int]]:
    """Byte range of each tensor in a safetensors file."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    first = 8 + size
    return {
        name: (first + entry["data_offsets"][0], first + entry["data_offsets"][1])
        for name, entry in header.items()
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter prints and warns about its own insides; failures still raise."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
