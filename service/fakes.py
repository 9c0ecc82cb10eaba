"""A model without a network, for tests of everything around one."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from nlp.features import Features
from nlp.tasks.base import Row, Window
from nlp.tasks.sentiment import Sentiment
from nlp.text import split_words
from nlp.vocabulary import SPECIALS, Vocabulary

LABELS: Final = ("negative", "positive")


@dataclass(slots=True)
class ScriptedModel:
    """Says positive of a window whose first word is longer than three letters.

    seconds: how long a batch takes. on_batch: called with each batch's windows before it runs; it
    may block or raise. batches: what has run, as words by row, for the tests to look at.
    """

    seconds: float = 0.0
    on_batch: Callable[[Sequence[Window]], None] = lambda _: None
    batches: list[list[tuple[str, ...]]] = field(default_factory=list)
    manifest: Mapping[str, Any] = field(
        default_factory=lambda: {"task": "sentiment", "layers": {"sentiment": list(LABELS)}}
    )
    _task: Sentiment = field(
        default_factory=lambda: Sentiment(
            LABELS,
            split_words,
            Vocabulary(SPECIALS, trained=2, lowercase=True),
            Features(("words",)),
        )
    )

    def encode(self, item: Any) -> Any:  # noqa: ANN401 - as nlp.model.Model
        return self._task.encode(item)

    def forward(self, windows: Sequence[Window]) -> list[Row]:
        self.batches.append([window.words for window in windows])
        self.on_batch(windows)
        time.sleep(self.seconds)
        return [{"sentiment": self._logits(window)} for window in windows]

    def decode(self, encoded: Any, rows: Sequence[Row]) -> Any:  # noqa: ANN401
        return self._task.decode(encoded, rows)

    def _logits(self, window: Window) -> Any:  # noqa: ANN401
        margin = 2.0 if len(window.words[0]) > 3 else -2.0
        return np.array([-margin, margin], np.float32)
