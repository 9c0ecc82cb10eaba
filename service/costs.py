"""What a batch costs on this device, learnt from the batches it has run."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_FIT_EVERY: Final = 32
_MEMORY: Final = 0.85  # weight of all earlier fits' batches: the last 200 or so count
_START: Final = (2e-4, 1e-6, 5e-6)  # seconds: a small network on one core
_PRIOR: Final = (1.0, 1e2, 1e4)  # keeps the fit sane until shapes have varied


class CostModel:
    """seconds = start + longest * (step + token * rows), by least squares over recent batches.

    `start` is what any batch costs, `step` what a time step costs (recurrent networks), `token`
    what a padded token costs. On a CPU `token` rules and tight batches win; on a GPU `start` rules
    and full ones do. One scheduler serves both because it asks this model. Not thread-safe: one
    worker owns it.
    """

    def __init__(self) -> None:
        self.start, self.step, self.token = _START
        self.tokens_per_second = 20 / (self.start + 20 * (self.step + self.token))
        self._normal: NDArray[np.float64] = np.diag(_PRIOR)
        self._target: NDArray[np.float64] = np.array(_PRIOR) * np.array(_START)
        self._seen: list[tuple[float, float, float, float]] = []

    def seconds(self, rows: int, longest: int) -> float:
        """Expected time of a batch of `rows`, padded to `longest`."""
        return self.start + longest * (self.step + self.token * rows)

    def observe(self, *, rows: int, longest: int, tokens: int, seconds: float) -> None:
        """Learn from one batch of `rows` whose `tokens` real tokens took `seconds`."""
        speed = tokens / max(seconds, 1e-9)
        self.tokens_per_second += 0.1 * (speed - self.tokens_per_second)
        self._seen.append((1.0, longest, rows * longest, seconds))
        if len(self._seen) >= _FIT_EVERY:
            self._fit()

    def _fit(self) -> None:
        seen = np.array(self._seen)
        self._seen.clear()
        features, seconds = seen[:, :3], seen[:, 3]
        self._normal = _MEMORY * self._normal + features.T @ features
        self._target = _MEMORY * self._target + features.T @ seconds
        scale = np.sqrt(np.diag(self._normal))
        normal = self._normal / np.outer(scale, scale) + 1e-6 * np.eye(3)
        found = np.linalg.solve(normal, self._target / scale) / scale
        self.start, self.step, self.token = np.maximum(found, 1e-9).tolist()
