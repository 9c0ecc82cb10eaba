"""ONNX Runtime: the network's exported graph, without torch."""

from pathlib import Path
from typing import Any, Final

import onnxruntime as ort

from nlp.errors import ModelError
from nlp.tasks.base import Arrays

GRAPH: Final = "network.onnx"
_PROVIDERS: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxRuntime:
    """Raises ModelError where the graph cannot be read or the device is not there."""

    name = "onnx"

    def __init__(self, folder: Path, *, device: str = "cpu", threads: int = 0) -> None:
        self.device = device
        self._session = _session(folder / GRAPH, _provider(device), threads)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._inputs = {entry.name for entry in self._session.get_inputs()}

    def run(self, arrays: Arrays) -> Arrays:
        given = {name: array for name, array in arrays.items() if name in self._inputs}
        values = self._session.run(self._outputs, given)
        return dict(zip(self._outputs, values, strict=True))


def _provider(device: str) -> tuple[str, dict[str, str]]:
    """The execution provider of `cpu`, `cuda`, `cuda:1`, ... and its options."""
    kind, _, number = device.partition(":")
    provider = _PROVIDERS.get(kind)
    here = provider in ort.get_available_providers() and f"0{number}".isdecimal()
    if provider is None or not here:
        raise ModelError(f"ONNX Runtime here cannot run on {device!r}")
    return provider, {"device_id": number} if number else {}


def _session(
    path: Path, provider: tuple[str, dict[str, str]], threads: int
) -> ort.InferenceSession:
    if not path.is_file():
        raise ModelError(f"{path.name} is missing")
    options: Any = ort.SessionOptions()
    options.intra_op_num_threads = threads  # 0: one a core
    options.log_severity_level = 3  # errors only
    # Padded batches come in many shapes: an arena would keep the largest of each for ever.
    options.enable_cpu_mem_arena = False
    try:
        return ort.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # its errors share no base class
        raise ModelError(f"{path.name} is no graph that ONNX Runtime can load") from error
