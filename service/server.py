"""uvicorn around a service: signals, draining, the one line for people."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from socket import socket
from types import FrameType
from typing import Final

import structlog
import uvicorn

from service import logs
from service.app import Service
from service.protocol import BoundedProtocol
from service.settings import Settings

log = structlog.get_logger()
SWITCH_SECONDS: Final = 0.001
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_SECONDS: Final = 20.0


def serve(settings: Settings) -> None:
    """Serve until a signal."""
    logs.configure(level=settings.log_level, style=settings.log_format)
    # The worker must not wait 5 ms, Python's default, for the event loop to give up the GIL.
    sys.setswitchinterval(SWITCH_SECONDS)
    Server(Service(settings)).run()


class Server(uvicorn.Server):
    """SIGTERM or SIGINT: not ready -> answer on for a while -> stop accepting -> drain -> exit 0.

    While it still answers, every answer closes its connection, so that clients with open
    connections leave before the listener does. A second signal ends the process at once.
    """

    def __init__(self, service: Service) -> None:
        super().__init__(config(service))
        self.service = service
        self._announcing: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Instead of uvicorn's, which raises the signal again at the end (exit 143, not 0)."""
        self._loop = asyncio.get_running_loop()
        originals = {sig: signal.signal(sig, self.handle_exit) for sig in _SIGNALS}
        try:
            yield
        finally:
            for sig, original in originals.items():
                signal.signal(sig, original)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Runs between two bytecodes of the main thread, so it only takes note."""
        if self.service.gate.closing or self._loop is None:
            os._exit(1)
        self.service.gate.closing = True
        self._loop.call_soon_threadsafe(self._drain)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self._announcing = asyncio.create_task(self._announce())

    def _drain(self) -> None:
        seconds = self.service.settings.shutdown_delay_seconds
        log.info("stopping", answering_on_seconds=seconds)
        asyncio.get_running_loop().call_later(seconds, self._stop)

    def _stop(self) -> None:
        self.should_exit = True

    async def _announce(self) -> None:
        """One line for people once every model answers, or what is missing."""
        ready = await self.service.ready(seconds=_PATIENCE_SECONDS)
        _, states = await self.service.registry.readiness()
        models = ", ".join(f"{reference}: {state}" for reference, state in states.items())
        verb = "answers at" if ready else "is NOT READY at"
        print(f"Valence {verb} {self.url()} ({models}). Ctrl-C stops it.", flush=True)

    def url(self) -> str:
        """Where it listens, with the port it really has."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def config(service: Service) -> uvicorn.Config:
    """uvicorn's settings for this service."""
    settings = service.settings
    return uvicorn.Config(
        service,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        access_log=False,
        proxy_headers=False,  # nothing here asks who is calling
        server_header=False,
        log_config=None,
        log_level="error",  # garbage on a socket is no event worth a line
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
    )
