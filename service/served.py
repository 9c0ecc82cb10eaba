"""The versions kept loaded: one engine a reference of the settings, swapped when an alias moves.

The new version is materialised, verified, loaded and replayed beside the old one; only then does a
dictionary entry change hands. Requests that hold the old engine finish on it. A version that is
refused is remembered by its digest and not tried again until the alias names another; meanwhile
what was served goes on, and after a restart the version that the alias named before is served.

A version that no trusted key signed is not remembered: every poll asks again, so that it is served
once its signature or its key comes. One that is served already and whose key is no longer trusted
is told of, and answers on until it is to be loaded again: at a restart, or for another version.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from model_store import StoreError, Unavailable, Untrusted, Version
from model_store.names import Reference, parse_reference
from service.discovery import Discovery
from service.engine import Engine
from service.loader import Loaded
from service.metrics import SIGNATURE, Metrics
from service.store_client import RefusedVersionError, StoreClient

log = structlog.get_logger()
MakeEngine = Callable[[Loaded], Engine]

LOADING: Final = "loading"
REFUSED: Final = "refused"
NOT_FOUND: Final = "not found"
UNAVAILABLE: Final = "store unavailable"
BACKWARD: Final = 5  # entries of an alias's log that are tried where its version is refused
BACKWARD_EVERY: Final = 6  # polls between such tries


class Served:
    """`engines` by reference as written in the settings; `faults` says why one has none.

    With a `discovery`, references that it finds are added: `found` has them with their tasks.
    `settled`: the first round is over, so that nothing more is to be expected.
    """

    def __init__(
        self,
        references: tuple[str, ...],
        store: StoreClient,
        metrics: Metrics,
        make_engine: MakeEngine,
        *,
        discovery: Discovery | None = None,
    ) -> None:
        self.references: dict[Reference, str] = {parse_reference(r): r for r in references}
        self.engines: dict[Reference, Engine] = {}
        self.faults: dict[Reference, str] = dict.fromkeys(self.references, LOADING)
        self.found: dict[Reference, str] = {}
        self.settled = discovery is None
        self._discovery = discovery
        self._store = store
        self._metrics = metrics
        self._make_engine = make_engine
        self._refused: dict[Reference, set[str]] = {}
        self._waited: Counter[Reference] = Counter()
        for reference in self.references:
            self._measure(reference)

    async def refresh(self) -> None:
        """Follow every alias once. Never raises for what a store or a version does."""
        if self._discovery is not None:
            await self._discover(self._discovery)
        await asyncio.gather(*(self._follow(reference) for reference in self.references))
        self.settled = True

    def retire(self) -> None:
        for engine in self.engines.values():
            engine.retire()

    def is_awaited(self, task: str) -> bool:
        """Whether a model for this task may yet come: one whose task is not known counts."""
        unloaded = self.references.keys() - self.engines.keys()
        return not self.settled or any(self.found.get(one, task) == task for one in unloaded)

    async def _discover(self, discovery: Discovery) -> None:
        served = (engine.task for engine in self.engines.values())
        for text, task in (await discovery.look({*served, *self.found.values()})).items():
            reference = parse_reference(text)
            if reference not in self.references:
                self.references[reference] = text
                self.found[reference] = task
                self.faults[reference] = LOADING
                self._measure(reference)

    def _measure(self, reference: Reference) -> None:
        self._metrics.model(reference.name)
        current = self._metrics.current.labels(reference.name, reference.alias or "")
        current.set_function(lambda: reference not in self.faults)

    async def _follow(self, reference: Reference) -> None:
        try:
            version = await self._store.resolve(self.references[reference])
        except Untrusted:
            self._blame(reference, REFUSED)
            await self._fall_back(reference)
            return
        except StoreError as error:
            self._blame(reference, UNAVAILABLE if isinstance(error, Unavailable) else NOT_FOUND)
            return
        current = self.engines.get(reference)
        if current is not None and current.version == version:
            self._refused.pop(reference, None)
            self.faults.pop(reference, None)
        elif version.digest in self._refused.get(reference, ()):
            await self._fall_back(reference)
        else:
            await self._move(reference, version)

    async def _move(self, reference: Reference, version: Version) -> None:
        self._refused.pop(reference, None)
        self._waited.pop(reference, None)
        if not await self._try(reference, version):
            await self._fall_back(reference)

    async def _try(self, reference: Reference, version: Version) -> bool:
        """Load and swap in; False where the version was refused or could not be had."""
        try:
            loaded = await self._store.load(version)
        except RefusedVersionError as refusal:
            if refusal.reason != SIGNATURE:
                self._refused.setdefault(reference, set()).add(version.digest)
            self._blame(reference, REFUSED)
            log.error("version_refused", version=version.reference, reason=str(refusal))
            return False
        except Unavailable:
            self._blame(reference, UNAVAILABLE)
            return False
        self._swap(reference, self._make_engine(loaded))
        return True

    async def _fall_back(self, reference: Reference) -> None:
        """Nothing is served yet: try, now and then, what the alias named before, newest first."""
        if reference in self.engines or self.faults.get(reference) != REFUSED:
            return
        waited = self._waited[reference]
        self._waited[reference] += 1
        if waited % BACKWARD_EVERY:
            return
        for version in await self._earlier(reference):
            if version.digest in self._refused.get(reference, ()):
                continue
            if await self._try(reference, version):
                self.faults[reference] = REFUSED
                return

    async def _earlier(self, reference: Reference) -> list[Version]:
        name, alias = reference.name, reference.alias
        if alias is None:
            return []
        try:
            entries = await self._store.run(lambda store: store.log(name, alias))
        except StoreError:
            return []
        numbers = list(dict.fromkeys(entry.version for entry in reversed(entries)))[:BACKWARD]
        found = []
        for number in numbers:
            with suppress(StoreError):  # unsigned, or retired: perhaps the one before it is not
                found.append(await self._store.resolve(f"{name}@{number}"))
        return found

    def _swap(self, reference: Reference, engine: Engine) -> None:
        old = self.engines.get(reference)
        self.engines[reference] = engine
        self.faults.pop(reference, None)
        self._metrics.info.labels(*_info(reference, engine)).set(1)
        if old is not None:
            self._metrics.info.remove(*_info(reference, old))
            old.retire()
        before = None if old is None else old.version.reference
        log.info(
            "version_served",
            reference=self.references[reference],
            version=engine.version.number,
            digest=engine.version.digest[:12],
            before=before,
        )

    def _blame(self, reference: Reference, fault: str) -> None:
        if self.faults.get(reference) != fault and reference not in self.engines:
            log.warning("model_not_loaded", reference=self.references[reference], reason=fault)
        self.faults[reference] = fault


def _info(reference: Reference, engine: Engine) -> tuple[str, str, str, str]:
    version = engine.version
    return version.name, str(version.number), version.digest, reference.alias or ""
