"""torch: the network rebuilt from its architecture name and sizes, weights from safetensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from nlp.errors import ModelError
from nlp.networks.base import Network
from nlp.networks.table import build_network
from nlp.tasks.base import Arrays

WEIGHTS: Final = "network.safetensors"


class TorchRuntime:
    """Default on CUDA; the reference on a CPU. Raises ModelError where weights do not fit."""

    name = "torch"

    def __init__(self, network: Network, *, device: str = "cpu") -> None:
        self.device = device
        self._network = network.to(device).eval()

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        architecture: str,
        outputs: Mapping[str, int],
        sizes: Mapping[str, Any],
        device: str = "cpu",
    ) -> "TorchRuntime":
        network = build_network(architecture, outputs, sizes)
        path = folder / WEIGHTS
        if not path.is_file():
            raise ModelError(f"{WEIGHTS} is missing")
        try:
            network.load_state_dict(load_file(path))
        except (RuntimeError, ValueError, SafetensorError) as error:
            raise ModelError(f"{WEIGHTS} does not fit the architecture {architecture!r}") from error
        return cls(network, device=device)

    @torch.inference_mode()
    def run(self, arrays: Arrays) -> Arrays:
        given = {name: torch.from_numpy(a).to(self.device) for name, a in arrays.items()}
        # cuDNN by itself rounds convolutions and LSTMs to TensorFloat-32: ten bits are too few for
        # the answers that the CPU gave when the version was published.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            outputs = self._network(**given)
        return {name: logits.float().cpu().numpy() for name, logits in outputs.items()}
