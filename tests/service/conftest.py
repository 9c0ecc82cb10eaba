"""Real small models with golden answers, and stores made of them in milliseconds."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import Running, change_manifest

from model_store import Store, open_store
from nlp.golden import write_golden
from nlp.model import GOLDEN, Model
from service import logs
from service.app import Service
from service.settings import Settings

GOLDEN_ITEMS: dict[str, list[Any]] = {
    "sentiment": ["A warm, funny and beautifully acted film.", "Dull, noisy and far too long."],
    "tagging": ["The waiter smiled.", ["Rome", "is", "lovely"]],
}


@pytest.fixture(autouse=True)
def quiet() -> None:
    """No line a request; warnings still show in a failed test's report."""
    logs.configure(level="warning", style="json")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, tiny_store: Path) -> dict[str, Path]:
    """Folders ready to publish: sentiment, tags, and `flipped`, whose labels are exchanged."""
    root = tmp_path_factory.mktemp("folders")
    for name, task in (("sentiment", "sentiment"), ("tags", "tagging")):
        folder = open_store(tiny_store).export(name, 1, root / name)
        write_golden(Model.load(folder), GOLDEN_ITEMS[task], folder / GOLDEN)
    flipped = shutil.copytree(root / "sentiment", root / "flipped")
    change_manifest(flipped, layers={"sentiment": ["positive", "negative"]})
    write_golden(Model.load(flipped), GOLDEN_ITEMS["sentiment"], flipped / GOLDEN)
    return {path.name: path for path in root.iterdir()}


@pytest.fixture
def store(tmp_path: Path, folders: dict[str, Path]) -> Store:
    """sentiment@1 and tags@1 as champions; sentiment@2 (flipped) published, served by nobody."""
    made = open_store(tmp_path / "store")
    for name in ("sentiment", "tags"):
        made.publish(name, folders[name])
        made.promote(name, 1, actor="tests", reason="fixture")
    made.publish("sentiment", folders["flipped"])
    return made


@pytest.fixture
def settings(tmp_path: Path, store: Store) -> Callable[..., Settings]:
    """Settings for that store; keyword arguments override."""

    def make(**changes: object) -> Settings:
        given = {
            "store": store.url,
            "cache_folder": tmp_path / "cache",
            "poll_interval_seconds": 0.05,
            "port": 0,
        }
        return Settings.model_validate({**given, **changes})

    return make


@pytest.fixture
def running(settings: Callable[..., Settings]) -> Running:
    """`async with running(**settings) as (service, client)`: the real thing, models loaded."""

    @asynccontextmanager
    async def run(**changes: object) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
        service = Service(settings(**changes))
        transport = httpx.ASGITransport(service)
        async with service.running():
            assert await service.ready(seconds=20)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                yield service, client

    return run
