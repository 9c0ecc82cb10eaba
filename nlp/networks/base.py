"""What every network is."""

from typing import ClassVar

from torch import Tensor, nn


class Network(nn.Module):
    """Named integer arrays in, a dict of logits by layer name out."""

    inputs: ClassVar[tuple[str, ...]]
    """The features of `nlp.features` it reads."""

    limit: int | None = None
    """Places that a row may have; None where there is no limit."""

    def __call__(self, **arrays: Tensor) -> dict[str, Tensor]:
        result: dict[str, Tensor] = super().__call__(**arrays)
        return result
