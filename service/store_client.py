"""The model store as the event loop sees it: every call in a thread, its health in a metric."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

import structlog

from model_store import Store, StoreError, Unavailable, Untrusted, Version
from nlp.errors import ModelError
from service.loader import Loaded, load, open_settings_store, writable_cache
from service.logs import describe
from service.metrics import OTHER, SIGNATURE, Metrics
from service.refusals import Distrusted, reason_of
from service.settings import Settings
from service.threads import in_daemon_thread

log = structlog.get_logger()
T = TypeVar("T")
CALLS: Final = 8
"""Calls at once: requests for unknown versions must not start threads without bound."""
SECONDS: Final = 60.0
"""A look-up that takes longer has failed; loading a version may take as long as it takes."""


class RefusedVersionError(Exception):
    """A version that is not what it says it is; the message is for the log, `reason` for metrics.

    One refused for its signature may be tried again: a signature or a key may come.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class StoreClient:
    """Opens the store on first use and again after a failure to open it."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        open_store: Callable[[Settings], Store] = open_settings_store,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._open_store = open_store
        self._store: Store | None = None
        self._opening = Lock()
        self._cache_folder: Path | None = None
        self._calls = asyncio.Semaphore(CALLS)
        self._up = True
        self.distrusted = Distrusted(metrics)
        metrics.store_up.set(1)
        metrics.signatures_required.set(bool(settings.trusted_keys))

    async def resolve(self, reference: str) -> Version:
        """Raises StoreError; Untrusted, which is logged and counted once, may pass with time."""
        try:
            version = await self.run(lambda store: store.resolve(reference))
        except Untrusted as error:
            self.distrusted.tell(error)
            raise
        self.distrusted.forget(version)
        return version

    async def run(self, work: Callable[[Store], T], *, seconds: float | None = SECONDS) -> T:
        """`work` with the store, in a thread. Raises StoreError; Unavailable after `seconds`."""
        async with self._calls:
            try:
                async with asyncio.timeout(seconds):
                    result = await in_daemon_thread(lambda: work(self._opened()), name="store")
            except TimeoutError:
                error = Unavailable(f"the store did not answer within {seconds} seconds")
                self._mark(error)
                raise error from None
            except Unavailable as error:
                self._mark(error)
                raise
        self._mark(None)
        return result

    async def load(self, version: Version) -> Loaded:
        """The version as a proven model. Raises RefusedVersionError, Unavailable (try again)."""
        started = time.monotonic()
        outcome = "refused"
        try:
            loaded = await self.run(
                lambda store: load(store, version, self._settings, self._cache()), seconds=None
            )
            outcome = "loaded"
        except Unavailable:
            outcome = "unavailable"
            raise
        except Untrusted as error:
            self.distrusted.tell(error)
            raise RefusedVersionError(str(error), reason=SIGNATURE) from error
        except (StoreError, ModelError) as error:
            raise self._refusal(version, str(error), reason_of(error)) from error
        except Exception as error:
            log.error("load_failed", version=version.reference, **describe(error))
            message = f"it raised {type(error).__name__} while loading"
            raise self._refusal(version, message, OTHER) from error
        finally:
            self._metrics.reloads.labels(version.name, outcome).inc()
        self._metrics.loading.labels(version.name).observe(time.monotonic() - started)
        return loaded

    def _refusal(self, version: Version, message: str, reason: str) -> RefusedVersionError:
        self._metrics.refused.labels(version.name, reason).inc()
        return RefusedVersionError(message, reason=reason)

    def _cache(self) -> Path:
        if self._cache_folder is None:
            self._cache_folder = writable_cache(self._settings.cache_folder)
        return self._cache_folder

    def _opened(self) -> Store:
        with self._opening:  # else each of the first callers would open, and seed, its own
            if self._store is None:
                self._store = self._open_store(self._settings)
            return self._store

    def _mark(self, error: Unavailable | None) -> None:
        """Log the change from up to down and back, not every failed poll."""
        up = error is None
        if up != self._up:
            log.log(
                20 if up else 40,
                "store_answers_again" if up else "store_unavailable",
                reason=None if up else str(error),
            )
        self._up = up
        self._metrics.store_up.set(up)
