"""What a batch costs on this device, learnt from the batches it has run."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FIT_EVERY: Final = 32
_MEMORY: Final = 0.85  # weight of all earlier fits' batches: the last 200 or so count
_START: Final = (2e-4, 1e-6, 5e-6)  # seconds: a small network on one core
_PRIOR: Final = (1.0, 1e2, 1e4)  # keeps the fit sane until shapes have varied


class CostModel:
    """seconds = start + longest * (step + token * rows), by least squares over recent batches.

    `start` is what any batch costs, `step` what a time step costs (recurrent networks), `token`
    what a padded token costs. On a CPU `token` rules and tight batches win; on a GPU `start` rules
    and full ones do. One scheduler serves both because it asks this model.

    Errors count relative to a batch's own time: else the largest batches would decide alone, and a
    batch that another process held up would count for more, not less. Not thread-safe: one worker
    owns it.
    """

    def __init__(self) -> None:
        self.start, self.step, self.token = _START
        self.tokens_per_second = 20 / (self.start + 20 * (self.step + self.token))
        scale = 1 / self.seconds(1, 20) ** 2
        self._normal: Floats = np.diag(_PRIOR) * scale
        self._target: Floats = np.array(_PRIOR) * np.array(_START) * scale
        self._seen: list[tuple[float, float, float, float]] = []

    def seconds(self, rows: int, longest: int) -> float:
        """Expected time of a batch of `rows`, padded to `longest`."""
        return self.start + longest * (self.step + self.token * rows)

    def observe(self, *, rows: int, longest: int, tokens: int, seconds: float) -> None:
        """Learn from one batch of `rows` whose `tokens` real tokens took `seconds`."""
        seconds = max(seconds, 1e-7)
        self.tokens_per_second += 0.1 * (tokens / seconds - self.tokens_per_second)
        self._seen.append((1.0, longest, rows * longest, seconds))
        if len(self._seen) >= _FIT_EVERY:
            self._fit()

    def _fit(self) -> None:
        seen = np.array(self._seen)
        self._seen.clear()
        features = seen[:, :3] / seen[:, 3:]  # the target is 1: each batch's own time
        self._normal = _MEMORY * self._normal + features.T @ features
        self._target = _MEMORY * self._target + features.sum(axis=0)
        found = _solve(self._normal, self._target)
        self.start, self.step, self.token = np.maximum(found, 1e-9).tolist()


def _solve(normal: Floats, target: Floats) -> Floats:
    """Normal equations without negative solutions: what would be negative is left out, in turn."""
    scale = np.sqrt(np.diag(normal))
    scaled = normal / np.outer(scale, scale) + 1e-6 * np.eye(len(scale))
    kept = np.arange(len(scale))
    while True:
        part = np.linalg.solve(scaled[np.ix_(kept, kept)], (target / scale)[kept])
        if part.min() >= 0 or len(kept) == 1:
            break
        kept = np.delete(kept, part.argmin())
    found = np.zeros(len(scale))
    found[kept] = part / scale[kept]
    return found
