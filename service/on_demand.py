"""Versions a request asked for by name: loaded once however many ask, the least used one leaves."""

import asyncio
from collections import OrderedDict
from typing import Final

import structlog

from model_store import Unavailable, Version
from service.engine import Engine
from service.metrics import SIGNATURE
from service.patience import Patience
from service.problems import TOO_LATE, DeadlinePassed, NotFound, NotReady
from service.served import MakeEngine
from service.store_client import RefusedVersionError, StoreClient

log = structlog.get_logger()
REMEMBERED: Final = 256
REFUSED_DETAIL: Final = "this version was refused; the log says why"


class OnDemand:
    """At most `capacity` engines beside those served."""

    def __init__(self, capacity: int, store: StoreClient, make_engine: MakeEngine) -> None:
        self.engines: OrderedDict[Version, Engine] = OrderedDict()
        self._capacity = capacity
        self._store = store
        self._make_engine = make_engine
        self._loading: dict[Version, asyncio.Task[Engine]] = {}
        self._refused: OrderedDict[Version, None] = OrderedDict()

    async def engine(self, version: Version, patience: Patience) -> Engine:
        """Raises NotFound where nothing may be loaded, NotReady for a bad one, DeadlinePassed."""
        if version in self.engines:
            self.engines.move_to_end(version)
            return self.engines[version]
        if self._capacity == 0:
            raise NotFound("this service loads no versions beside those that GET /v1/models lists")
        if version in self._refused:
            raise NotReady(REFUSED_DETAIL, retry_seconds=60)
        if version not in self._loading:
            self._loading[version] = asyncio.create_task(self._load(version))
        return await _within(self._loading[version], patience)

    def retire(self) -> None:
        for task in self._loading.values():
            task.cancel()
        for engine in self.engines.values():
            engine.retire()

    async def _load(self, version: Version) -> Engine:
        try:
            engine = self._make_engine(await self._store.load(version))
        except RefusedVersionError as refusal:
            log.error("version_refused", version=version.reference, reason=str(refusal))
            if refusal.reason != SIGNATURE:
                self._remember(version)
            raise NotReady(REFUSED_DETAIL, retry_seconds=60) from None
        except Unavailable:
            raise NotReady("the model store does not answer", retry_seconds=5) from None
        finally:
            del self._loading[version]
        self.engines[version] = engine
        while len(self.engines) > self._capacity:
            self.engines.popitem(last=False)[1].retire()
        return engine

    def _remember(self, version: Version) -> None:
        self._refused[version] = None
        if len(self._refused) > REMEMBERED:
            self._refused.popitem(last=False)


async def _within(task: asyncio.Task[Engine], patience: Patience) -> Engine:
    """The task's result; it goes on for others when this caller's time is over."""
    try:
        async with asyncio.timeout(patience.seconds):
            return await asyncio.shield(task)
    except TimeoutError:
        raise DeadlinePassed(TOO_LATE) from None
