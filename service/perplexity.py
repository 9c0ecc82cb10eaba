"""A few texts scored by a language model for its view of drift, beside the traffic."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context
from random import Random
from typing import Any, Final, Protocol

import structlog

from nlp.sketches import brief
from service.drift import Monitor
from service.items import GivenItem
from service.logs import describe
from service.metrics import Metrics

log = structlog.get_logger()

PATIENCE_SECONDS: Final = 5.0
_DRAWS: Final = Random()  # noqa: S311


class Reader(Protocol):
    """What the sampler asks of a language model's engine; `service.engine.Engine` is one."""

    identity: dict[str, Any]

    @property
    def idle(self) -> bool: ...

    async def aside(self, item: GivenItem, *, seconds: float) -> Mapping[str, Any] | None: ...


class Sampler:
    """Scores a share of the texts by the very version that their reference was made with.

    It reads one text at a time, and only where the language model has nothing else to do: any
    other text that is drawn is let go. What fails is counted, and logged without its text.
    reading: the one under way.
    """

    def __init__(
        self,
        readers: Callable[[], Iterable[Reader]],
        metrics: Metrics,
        *,
        share: float,
        draw: Callable[[], float] = _DRAWS.random,
    ) -> None:
        self._readers = readers
        self._scored, self._failed = map(metrics.side_scores.labels, ("scored", "failed"))
        self._share = share
        self._draw = draw
        self.reading: asyncio.Task[None] | None = None

    def offer(self, monitor: Monitor, items: Sequence[GivenItem]) -> None:
        """Take at most one of these items, which are answered already. Never raises or waits."""
        wanted = monitor.language_model
        if wanted is None or self.reading is not None:
            return
        drawn = [item for item in items if self._draw() < self._share and brief(item)]
        reader = next((one for one in self._readers() if one.identity == wanted), None)
        if drawn and reader is not None and reader.idle:
            reading = self._read(reader, monitor, drawn[0])
            self.reading = asyncio.create_task(reading, context=Context())  # no request's own

    def close(self) -> None:
        if self.reading is not None:
            self.reading.cancel()

    async def _read(self, reader: Reader, monitor: Monitor, item: GivenItem) -> None:
        try:
            answer = await reader.aside(item, seconds=PATIENCE_SECONDS)
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            log.error("side_score_failed", **describe(error))
            answer = None
        finally:
            self.reading = None
        if answer is None:
            self._failed.inc()
        else:
            monitor.add_perplexity(answer["perplexity"])
            self._scored.inc()
