"""Which engine answers a request."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Final

import structlog

from model_store import InvalidName, Store, StoreError, Unavailable, Untrusted, Version
from model_store.names import Reference, parse_reference
from service.discovery import Discovery
from service.drift import DriftCollector, Monitor
from service.engine import Engine
from service.loader import Loaded, open_settings_store
from service.logs import describe
from service.metrics import Metrics
from service.on_demand import REFUSED_DETAIL, OnDemand
from service.patience import Patience
from service.perplexity import Sampler
from service.problems import TOO_LATE, DeadlinePassed, FieldError, Invalid, NotFound, NotReady
from service.served import NOT_FOUND, Served
from service.settings import Settings
from service.store_client import StoreClient

log = structlog.get_logger()
TEXT_THREADS: Final = 2
REMEMBERED: Final = 256
_JITTER: Final = Random()  # noqa: S311
_INSTEAD: Final = {
    "extraction": ", which finds the aspects of texts that come without; send each its aspects"
}
"""What a caller may do where a task has no model."""


class Registry:
    """Engines by reference. Every method belongs to the event loop it was made on."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        open_store: Callable[[Settings], Store] = open_settings_store,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(TEXT_THREADS, "texts")
        self.store = StoreClient(settings, metrics, open_store)
        discovery = Discovery(self.store) if settings.discovers else None
        self.served = Served(
            settings.references, self.store, metrics, self._make_engine, discovery=discovery
        )
        self.on_demand = OnDemand(settings.max_loaded_versions, self.store, self._make_engine)
        self._aliases: OrderedDict[Reference, tuple[float, Version]] = OrderedDict()
        metrics.queue_limit.set(settings.queue_limit_tokens)
        metrics.loaded.set_function(lambda: len(self.engines()))
        self.sampler = Sampler(self.engines, metrics, share=settings.drift_perplexity_share)
        metrics.registry.register(DriftCollector(self._monitors))

    def engines(self) -> list[Engine]:
        """Every version in memory."""
        return [*self.served.engines.values(), *self.on_demand.engines.values()]

    async def watch(self) -> None:
        """Follow the aliases for ever. The first round loads what is to be served."""
        while True:
            try:
                await self.served.refresh()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next round may do
                log.error("poll_failed", **describe(error))
            # Jitter: a hundred replicas that started together must not ask the store together.
            jitter = _JITTER.uniform(0.9, 1.1)
            await asyncio.sleep(self._settings.poll_interval_seconds * jitter)

    async def readiness(self) -> tuple[bool, dict[str, str]]:
        """Whether every reference has an engine that answers; its version or why not, by each.

        One that was found, not asked for, need not have an engine once the first round is over.
        """
        served = self.served
        references = dict(served.references)
        engines = [served.engines.get(reference) for reference in references]
        answers = await asyncio.gather(*(_answers(engine) for engine in engines))
        states, ready = {}, served.settled
        for (reference, text), engine, ok in zip(references.items(), engines, answers, strict=True):
            fault = served.faults.get(reference, "loading")
            states[text] = _state(engine, fault, answers=ok)
            ready = ready and (ok or (engine is None and reference in served.found))
        return ready, states

    async def engine(
        self,
        reference: str,
        task: str,
        patience: Patience,
        *,
        also: tuple[str, ...] = (),
        pointer: str = "/model",
    ) -> Engine:
        """The engine for `reference` (empty: the service's own for this task); lease it at once.

        also: further tasks that the model of a reference may have.

        Raises NotFound, NotReady, DeadlinePassed, and Invalid, at `pointer`, for a malformed
        reference or one whose model has another task.
        """
        if not reference:
            return self._default(task)
        found = await self._find(_parsed(reference, pointer), reference, patience)
        if found.task not in (task, *also):
            wanted = " or ".join((task, *also))
            detail = f"this model's task is {found.task}; here it must be {wanted}"
            raise Invalid([FieldError(detail, pointer=pointer)])
        return found

    def own(self, task: str) -> Engine | None:
        """The service's own engine for a task, where it is loaded; lease it at once."""
        for reference in self.served.references:
            engine = self.served.engines.get(reference)
            if engine is not None and engine.task == task:
                return engine
        return None

    def close(self) -> None:
        """Retire every engine; requests that hold one finish."""
        self.sampler.close()
        self.served.retire()
        self.on_demand.retire()
        self._threads.shutdown(wait=False)

    def _default(self, task: str) -> Engine:
        engine = self.own(task)
        if engine is not None:
            return engine
        if self.served.is_awaited(task):
            raise NotReady(f"no model for the task {task} is loaded")
        raise NotFound(f"this service has no model for the task {task}{_INSTEAD.get(task, '')}")

    async def _find(self, reference: Reference, text: str, patience: Patience) -> Engine:
        if reference in self.served.references:
            return self._served(reference)
        version = await self._resolve(text, reference, patience)
        for engine in self.served.engines.values():
            if engine.version == version:
                return engine
        return await self.on_demand.engine(version, patience)

    def _served(self, reference: Reference) -> Engine:
        if reference in self.served.engines:
            return self.served.engines[reference]
        fault = self.served.faults[reference]
        if fault == NOT_FOUND:
            raise NotFound("the model store has no such model, alias or version")
        raise NotReady(f"this model is not loaded: {fault}")

    async def _resolve(self, text: str, reference: Reference, patience: Patience) -> Version:
        """A number for ever, an alias for as long as a poll lasts."""
        known = self._known(reference)
        if known is not None:
            return known
        try:
            async with asyncio.timeout(patience.seconds):
                version = await self.store.resolve(text)
        except TimeoutError:
            raise DeadlinePassed(TOO_LATE) from None
        except Unavailable:
            raise NotReady("the model store does not answer", retry_seconds=5) from None
        except Untrusted:
            raise NotReady(REFUSED_DETAIL, retry_seconds=60) from None
        except StoreError:
            raise NotFound(await self._what_there_is(reference)) from None
        self._remember(reference, version)
        return version

    def _known(self, reference: Reference) -> Version | None:
        for engine in self.engines():
            version = engine.version
            if (version.name, version.number) == (reference.name, reference.number):
                return version
        until, version_or_none = self._aliases.get(reference, (0.0, None))
        return version_or_none if time.monotonic() < until else None

    def _remember(self, reference: Reference, version: Version) -> None:
        until = time.monotonic() + self._settings.poll_interval_seconds
        self._aliases[reference] = (until, version)
        if len(self._aliases) > REMEMBERED:
            self._aliases.popitem(last=False)

    async def _what_there_is(self, reference: Reference) -> str:
        def look(store: Store) -> str:
            names = store.names()
            if reference.name not in names:
                return f"there is no such model; there are: {', '.join(names) or 'none'}"
            numbers = ", ".join(map(str, store.versions(reference.name)[-20:]))
            aliases = ", ".join(store.aliases(reference.name))
            return f"no such version or alias; versions: {numbers}; aliases: {aliases or 'none'}"

        try:
            return await self.store.run(look)
        except StoreError:
            return "there is no such model, alias or version"

    def _make_engine(self, loaded: Loaded) -> Engine:
        engine = Engine(
            loaded.model,
            loaded.version,
            settings=self._settings,
            metrics=self._metrics,
            threads=self._threads,
            probe=loaded.probe,
            sampler=self.sampler,
        )
        name = loaded.version.name
        self._metrics.watch_queue(
            name,
            depth=lambda: sum(e.batcher.depth for e in self._engines_of(name)),
            tokens=lambda: sum(e.batcher.queued_tokens for e in self._engines_of(name)),
            stuck=lambda: any(e.batcher.stuck for e in self._engines_of(name)),
        )
        return engine

    def _monitors(self) -> list[tuple[str, Monitor]]:
        """What is served by the settings speaks for a name before what requests asked for."""
        return [(engine.version.name, engine.drift) for engine in self.engines()]

    def _engines_of(self, name: str) -> list[Engine]:
        return [engine for engine in self.engines() if engine.version.name == name]


async def _answers(engine: Engine | None) -> bool:
    return engine is not None and await engine.answers()


def _state(engine: Engine | None, fault: str, *, answers: bool) -> str:
    if engine is None:
        return fault
    return engine.version.reference if answers else "does not answer"


def _parsed(text: str, pointer: str) -> Reference:
    try:
        return parse_reference(text)
    except InvalidName:
        detail = "must be name, name@alias or name@number (a-z, 0-9, '.', '_' and '-')"
        raise Invalid([FieldError(detail, pointer=pointer)]) from None
