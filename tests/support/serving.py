"""What the service's tests share beside their fixtures."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from threading import Thread

import httpx
import uvicorn

from nlp.model import MANIFEST
from service.app import Service
from service.server import config

Running = Callable[..., AbstractAsyncContextManager[tuple[Service, httpx.AsyncClient]]]


def change_manifest(folder: Path, **changes: object) -> None:
    """Overwrite keys of a folder's draft manifest."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}), "utf-8")


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
