"""What the service's tests share beside their fixtures."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import uvicorn

from model_store import Version
from model_store.names import parse_reference
from nlp.model import MANIFEST
from nlp.tasks.base import Window
from service.app import Service
from service.engine import Engine
from service.items import AnsweringModel
from service.server import config
from service.settings import Settings
from service.tracing import Tracer

Running = Callable[..., AbstractAsyncContextManager[tuple[Service, httpx.AsyncClient]]]


def change_manifest(folder: Path, **changes: object) -> None:
    """Overwrite keys of a folder's draft manifest."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}), "utf-8")


class Gate:
    """Blocks a scripted model's batches until opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Event()

    def __call__(self, _: Sequence[Window]) -> None:
        self.entered.set()
        assert self.open.wait(10)


class ScriptedService(Service):
    """The real application around models that come from no store, as scripted ones do; each is
    served under its task's name.
    """

    def __init__(
        self, *models: AnsweringModel, tracer: Tracer | None = None, **changes: object
    ) -> None:
        self._models = {model.manifest["task"]: model for model in models}
        names = ",".join(f"{name}@champion" for name in self._models)
        given = {"models": names, "store": "memory", "port": 0, **changes}
        super().__init__(Settings.model_validate(given), tracer=tracer)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Service]:
        """Nothing is loaded and no store is asked; every worker has ended where the block does."""
        engines = {
            parse_reference(name): self._engine(name, model) for name, model in self._models.items()
        }
        self.registry.served.engines.update(engines)
        try:
            yield self
        finally:
            self.registry.close()
            self.feedback.close()
            for engine in engines.values():
                assert await asyncio.to_thread(engine.batcher.join, 10)

    def _engine(self, name: str, model: AnsweringModel) -> Engine:
        version = Version(name, 1, "0" * 64)
        return Engine(
            model,
            version,
            settings=self.settings,
            metrics=self.metrics,
            probe="hello",
            sampler=self.registry.sampler,
        )


@asynccontextmanager
async def scripted(
    *models: AnsweringModel, tracer: Tracer | None = None, **changes: object
) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    """A scripted service, running, and a client."""
    service = ScriptedService(*models, tracer=tracer, **changes)
    transport = httpx.ASGITransport(service)
    async with (
        service.running(),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield service, client


async def until_metric(client: httpx.AsyncClient, line: str) -> None:
    """Wait until a line of /metrics begins so."""
    async with asyncio.timeout(20):
        while line not in (await client.get("/metrics")).text:
            await asyncio.sleep(0.01)


Event = tuple[str, dict[str, Any]]


def events_of(text: str) -> list[Event]:
    """Server-sent events by the letter: name and data of each."""
    assert text == "" or text.endswith("\n\n")
    found = []
    for block in text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        assert name.startswith("event: ")
        assert data.startswith("data: ")
        found.append((name[7:], json.loads(data[6:])))
    return found


@contextmanager
def in_thread(service: Service) -> Iterator[str]:
    """The service behind a real socket, models loaded; yields its URL."""
    server = uvicorn.Server(config(service))
    thread = Thread(target=server.run, name="server")
    thread.start()
    try:
        _until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        _until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        yield url
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def _until(holds: Callable[[], bool], *, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)
