"""An S3 API server for the tests, as a program: prints its URL, serves until stdin ends.

moto looks whether a key is there and then writes it, in two steps without a lock, so its
`If-None-Match: *` is not atomic when its server answers several threads. S3's is. One lock around
every request gives the server that promise; nothing else of moto is changed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server


class OneAtATime:
    """A WSGI application that answers one request after the other."""

    def __init__(self, app: Callable[[dict[str, Any], Any], Iterable[bytes]]) -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        with self._lock:
            return list(self._app(environ, start_response))


def main() -> None:
    server = make_server(
        "127.0.0.1",
        0,
        OneAtATime(DomainDispatcherApplication(create_backend_app)),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
