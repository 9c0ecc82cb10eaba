"""What a runtime is."""

from typing import Protocol

from nlp.tasks.base import Arrays


class Runtime(Protocol):
    """Runs a network on one device. Calls may come from any thread, one at a time."""

    @property
    def name(self) -> str:
        """`onnx` or `torch`."""

    @property
    def device(self) -> str:
        """`cpu` or `cuda`, `cuda:1`, ..."""

    def run(self, arrays: Arrays) -> Arrays:
        """One padded batch of inputs by name to outputs by name."""
