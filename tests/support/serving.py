"""What the service's tests share beside their fixtures."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx

from nlp.model import MANIFEST
from service.app import Service

Running = Callable[..., AbstractAsyncContextManager[tuple[Service, httpx.AsyncClient]]]


def change_manifest(folder: Path, **changes: object) -> None:
    """Overwrite keys of a folder's draft manifest."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}), "utf-8")
