"""One loaded version: its model, its batcher, and who still uses it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import aclosing, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from model_store import Version
from nlp.errors import TextError
from nlp.generation import Generation, GenerationPolicy
from nlp.tasks.base import Encoded, Window
from service.batcher import Batcher
from service.calls import CALL, Stages
from service.drift import Monitor
from service.items import (
    AnsweringModel,
    GivenItem,
    Render,
    decode_items,
    encode_items,
    work_of,
)
from service.limits import (
    CHARACTERS_A_TOKEN,
    LARGE_CHARACTERS,
    SLICES_A_QUEUE,
    check_work,
    limits_of,
)
from service.metrics import Metrics, labels_counted
from service.patience import Patience
from service.perplexity import Sampler
from service.places import as_it_is
from service.problems import FieldError, InternalError, Invalid, Problem
from service.rounds import Lockstep, Slices, is_large
from service.settings import Settings
from service.tickets import DeviceFailed, Outcome

PROBE_SECONDS: Final = 5.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered:
    """Results as they go over the wire, in order; `tokens` were read; seconds a stage."""

    results: list[dict[str, Any]]
    tokens: int
    stages: dict[str, float]


class Engine:
    """Immutable but for its queue: a request that has one keeps it, whatever is swapped meanwhile.

    Use it inside `lease()`. After `retire()` the last lease that ends closes it. `threads` runs the
    encoding of large requests (default: the loop's own).
    """

    def __init__(
        self,
        model: AnsweringModel,
        version: Version,
        *,
        settings: Settings,
        metrics: Metrics,
        threads: Executor | None = None,
        probe: GivenItem | None = None,
        sampler: Sampler | None = None,
    ) -> None:
        self.version = version
        self.identity: dict[str, Any] = {
            "name": version.name,
            "version": version.number,
            "digest": version.digest,
        }
        self.task: str = model.manifest["task"]
        self.layers: dict[str, list[str]] = dict(model.manifest["layers"])
        self.metrics = metrics.model(version.name, labels_counted(self.layers))
        confidence = self.metrics.confidence.observe
        self.drift = Monitor(model.manifest, settings, on_confidence=confidence)
        limits, report = limits_of(settings), self.metrics.on_batch
        self.batcher = Batcher(
            model.forward, name=version.reference, limits=limits, on_batch=report
        )
        self._model = model
        self._stepwise = model.stepwise
        self._rereads = self.task == "aspects"
        self._limit = settings.max_text_characters
        self._threads = threads
        self._probe = probe
        self._sampler = sampler
        self._answered_at = time.monotonic()  # it has just replayed its golden answers
        self._leases = 0
        self._encoding = 0  # characters
        self._retired = False

    @contextmanager
    def lease(self) -> Iterator["Engine"]:
        """Keep the engine open for the time of the block."""
        self._leases += 1
        try:
            yield self
        finally:
            self._leases -= 1
            self._close_if_unused()

    def retire(self) -> None:
        """No new leases will come: close when the last one ends."""
        self._retired = True
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._retired and self._leases == 0:
            self.batcher.close()

    async def answer(
        self, items: Sequence[GivenItem], render: Render, patience: Patience
    ) -> Answered:
        """Answer every item. Raises DeadlinePassed, ClientLeft, Overloaded, NotReady."""
        with Stages(self.version) as stages:
            size = sum(map(work_of, items))
            check_work(size, self.batcher.limits)
            large = size > LARGE_CHARACTERS
            with self.room_for(size):
                encoded = await self._run(
                    lambda: encode_items(self._model, items, self._limit), in_thread=large
                )
            stages.mark()
            outcomes = await self._outcomes(encoded, patience, stages=stages)
            stages.mark()
            decode = partial(decode_items, self._model, items, encoded, outcomes, render)
            results, seen = await self._run(
                lambda: self.drift.watch(encoded, decode()), in_thread=large
            )
            stages.mark()
        self.drift.add(seen)
        if self._sampler is not None:
            self._sampler.offer(self.drift, items)
        tokens = sum(entry.tokens for entry in encoded if isinstance(entry, Encoded))
        return self._finish(results, tokens, stages.seconds())

    async def begin(self, prompt: str, policy: GenerationPolicy, *, stages: Stages) -> Generation:
        """The search for a text behind `prompt`, for `write`. Raises Invalid, Overloaded."""
        size, started = len(prompt), time.monotonic()
        if size > self._limit:
            raise Invalid([FieldError(f"at most {self._limit} code points", pointer="/prompt")])
        begin = partial(self._model.generate, prompt, policy)
        try:
            with self.room_for(size):
                return await self._run(begin, in_thread=size > LARGE_CHARACTERS)
        except TextError as error:
            raise Invalid([FieldError(str(error), pointer="/prompt")]) from None
        finally:
            stages.mark()
            self.metrics.encode.observe(time.monotonic() - started)

    async def write(
        self, generation: Generation, patience: Patience, *, stages: Stages
    ) -> AsyncGenerator[str]:
        """The text as it is found, piece by piece.

        Raises what `answer` raises, and InternalError where the model fails.
        """
        lockstep = Lockstep([lambda: generation])
        async with aclosing(self._steps(lockstep, patience, stages=stages)) as steps:
            async for _ in steps:
                if piece := generation.new():
                    yield piece
        (outcome,) = lockstep.outcomes()
        stages.mark()
        if isinstance(outcome, DeviceFailed):
            raise InternalError(str(outcome))
        self._count(1, len(generation.tokens))
        self.metrics.queue.observe(stages.queued)

    def forget_last_answer(self) -> None:
        """The next `answers` asks the model."""
        self._answered_at = float("-inf")

    async def answers(self) -> bool:
        """Whether the model answers: it did within seconds, or it does so now for a probe."""
        if self.batcher.stuck:
            return False
        if self._probe is None or time.monotonic() - self._answered_at < PROBE_SECONDS:
            return True
        return await self.aside(self._probe, seconds=PROBE_SECONDS) is not None

    @property
    def idle(self) -> bool:
        """Whether nobody waits for an answer."""
        return self.batcher.depth == 0 and not self._encoding and not self._retired

    async def aside(self, item: GivenItem, *, seconds: float) -> dict[str, Any] | None:
        """The answer to an item that no caller asked for, counted nowhere; None without one."""
        with self.lease(), Patience(None, time.monotonic() + seconds) as patience:
            encoded, stages = encode_items(self._model, [item], self._limit), Stages(self.version)
            try:
                outcomes = await self._outcomes(encoded, patience, stages=stages)
            except Problem:
                return None
        (result,) = decode_items(self._model, [item], encoded, outcomes, as_it_is)
        return None if "error" in result else result

    @contextmanager
    def room_for(self, size: int) -> Iterator[None]:
        """Texts that are being encoded count as tokens to come. Raises Overloaded."""
        self.batcher.check_room(self._encoding // CHARACTERS_A_TOKEN)
        self._encoding += size
        try:
            yield
        finally:
            self._encoding -= size

    async def _run(self, work: Callable[[], T], *, in_thread: bool) -> T:
        if not in_thread:
            return work()
        run = copy_context().run  # the thread's log lines are the request's
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, work)

    async def _outcomes(
        self, encoded: Sequence[object], patience: Patience, *, stages: Stages
    ) -> list[Outcome]:
        """Outcomes of what was encoded."""
        entries = [entry for entry in encoded if isinstance(entry, Encoded)]
        if not self._stepwise:
            forward = self._in_slices if self._rereads else self._forward
            return await forward([entry.windows for entry in entries], patience, stages=stages)
        lockstep = Lockstep(partial(self._model.search, entry) for entry in entries)
        async for _ in self._steps(lockstep, patience, stages=stages):
            pass
        return lockstep.outcomes()

    async def _steps(
        self, lockstep: Lockstep, patience: Patience, *, stages: Stages
    ) -> AsyncGenerator[None]:
        """Take the searches to their ends; yields after each step."""
        wanted, admitted = lockstep.begin(), False
        while wanted:
            rows = list(wanted.values())
            outcomes = await self._forward(rows, patience, stages=stages, admitted=admitted)
            answered = dict(zip(wanted, outcomes, strict=True))
            take = partial(lockstep.take, answered)
            wanted, admitted = await self._run(take, in_thread=is_large(outcomes)), True
            yield

    async def _in_slices(
        self, items: Sequence[Sequence[Window]], patience: Patience, *, stages: Stages
    ) -> list[Outcome]:
        """As `_forward`, however often each text is read: the queue holds a share at a time."""
        slices = Slices(items, self.batcher.limits.queue_tokens // SLICES_A_QUEUE)
        for turn, run in enumerate(slices):
            windows = [[window] for _, window in run]
            outcomes = await self._forward(windows, patience, stages=stages, admitted=turn > 0)
            slices.take(run, outcomes)
        return slices.outcomes()

    async def _forward(
        self,
        windows: Sequence[Sequence[Window]],
        patience: Patience,
        *,
        stages: Stages,
        admitted: bool = False,
    ) -> list[Outcome]:
        """Outcomes of each item's windows."""
        if not any(windows):
            return [[] for _ in windows]
        patience.check()
        ticket = self.batcher.submit(windows, deadline=patience.deadline, admitted=admitted)
        try:
            outcomes = await patience.wait(self.batcher, ticket)
        finally:
            stages.waited(ticket)
        if not ticket.failures:
            self._answered_at = time.monotonic()
        return outcomes

    def _finish(
        self, results: list[dict[str, Any]], tokens: int, seconds: dict[str, float]
    ) -> Answered:
        metrics = self.metrics
        metrics.encode.observe(seconds["encode"])
        metrics.queue.observe(seconds["queue"])
        metrics.decode.observe(seconds["decode"])
        self._count(len(results), tokens)
        for result in results:
            metrics.count(result)
        return Answered(results, tokens, seconds)

    def _count(self, texts: int, tokens: int) -> None:
        self.metrics.tokens.inc(tokens)
        if (call := CALL.get()) is not None:
            call.answered(texts, tokens)
