"""HTTP/1.1 by httptools, with bounds on the head of a request that uvicorn leaves open."""

import asyncio
from typing import Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.problems import PROBLEM_TYPE, MalformedBody

HEAD_LIMIT_BYTES: Final = 64 * 1024
HEAD_SECONDS: Final = 15.0


class HeadTooLargeError(Exception):
    """The parser turns it into its own error, and that into a 400."""


class BoundedProtocol(HttpToolsProtocol):
    """A head that is larger than 64 KiB is refused, one that dawdles is hung up on.

    Without this, a connection that sends a header a minute, or headers without end, is kept.
    """

    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        if self._head_timer is None:
            self._expect_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_arrived()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says the same
        """What is no HTTP gets a problem document too."""
        document = {
            "type": "about:blank",
            "title": "Bad request",
            "status": MalformedBody.status,
            "detail": "this is no HTTP/1.1 request, or its head is too large",
        }
        body = orjson.dumps(document)
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {PROBLEM_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_LIMIT_BYTES:
            raise HeadTooLargeError

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
