"""A version from the store to a model that has proven itself. Blocking: runs in a thread."""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from model_store import Keys, ReadOnly, Store, Unavailable, Version, open_store
from model_store.starter import embedded_store, seed
from nlp.golden import read_golden, replay
from nlp.model import Model
from nlp.tasks.base import AspectItem
from service.items import GivenItem
from service.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model whose golden answers were right, and the first of those items, to probe it with."""

    model: Model
    version: Version
    probe: GivenItem


def load(store: Store, version: Version, settings: Settings, cache: Path) -> Loaded:
    """Materialise in `cache`, verify, load, replay.

    Raises StoreError where the store has no such bytes, ModelError where they are no model that
    answers as it did when it was published.
    """
    folder = store.materialise(version.name, version.number, cache)
    model = Model.load(
        folder, device=settings.device, runtime=settings.runtime, threads=settings.threads
    )
    replay(model, folder)
    item = read_golden(folder)[0][0]
    probe = item if isinstance(item, str | AspectItem) else tuple(item)
    return Loaded(model, version, probe)


def writable_cache(folder: Path) -> Path:
    """`folder`, or a temporary one where it cannot be written (a container's read-only disk)."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if os.access(folder, os.W_OK):
        return folder
    temporary = Path(tempfile.mkdtemp(prefix="valence-"))
    log.warning("cache_not_writable", folder=str(folder), using=str(temporary))
    return temporary


def open_settings_store(settings: Settings) -> Store:
    """The store of the settings; the default one is made and seeded with the starter models.

    Where that place cannot be written, the shipped store is served as it is, read-only. With
    trusted keys none of the three yields a version that no such key signed.
    """
    trusted = Keys.of(settings.trusted_keys) if settings.trusted_keys else None
    if "store" in settings.model_fields_set:
        return open_store(settings.store, create=False, trusted=trusted)
    try:
        store = open_store(settings.store, trusted=trusted)
        seeded = seed(store)
    except (Unavailable, ReadOnly) as error:
        log.warning("store_not_writable", serving="the shipped models", reason=str(error))
        return embedded_store(trusted=trusted)
    if seeded:
        log.info("store_seeded", store=store.url, versions=[v.reference for v in seeded])
    return store
