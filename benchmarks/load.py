"""A light HTTP/1.1 load: raw sockets on uvloop, one request under way on each connection.

Run as a process of its own (`python -m benchmarks.load`), because a client in the server's process
would measure itself. Prints one JSON object.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle

import uvloop

from benchmarks.sentences import sentences

WARM_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """What a run saw. `answered` counts the warm-up too; `fewest` and `most`: one connection's."""

    connections: int
    answered: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    fewest: int
    most: int
    failures: int


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last is complete."""

    def __init__(self, requests: Sequence[bytes], start: int) -> None:
        self.seconds: list[float] = []
        self.failures = 0
        self._requests = cycle([*requests[start:], *requests[:start]])
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < _content_length(head):
            return
        self.seconds.append(time.perf_counter() - self._sent)
        self.failures += not head.startswith(b"HTTP/1.1 200")
        self._buffer = b""
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        self.failures += 1

    def close(self) -> None:
        self._transport.abort()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))


def _content_length(head: bytes) -> int:
    start = head.lower().index(b"content-length:") + 15
    return int(head[start:].partition(b"\r\n")[0])


def requests(route: str, texts: Sequence[str]) -> list[bytes]:
    """One text a POST."""
    bodies = [json.dumps({"texts": [text]}).encode() for text in texts]
    head = f"POST {route} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
    return [f"{head}content-length: {len(body)}\r\n\r\n".encode() + body for body in bodies]


async def run(port: int, route: str, *, connections: int, seconds: float) -> Load:
    """Load for `seconds` after a short warm-up."""
    wire = requests(route, sentences(2000))
    loop = asyncio.get_running_loop()
    step = len(wire) // connections
    made = [Connection(wire, i * step) for i in range(connections)]
    for connection in made:
        await loop.create_connection(partial(_itself, connection), "127.0.0.1", port)
    await asyncio.sleep(WARM_SECONDS)
    warm = [len(connection.seconds) for connection in made]
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed = time.perf_counter() - started
    answered = [connection.seconds[n:] for connection, n in zip(made, warm, strict=True)]
    failures = sum(connection.failures for connection in made)
    for connection in made:
        connection.close()
    total = sum(len(connection.seconds) for connection in made)
    return _summary(total, elapsed, answered, failures)


def _itself(connection: Connection) -> Connection:
    return connection


def _summary(
    total: int, elapsed: float, answered: Sequence[Sequence[float]], failures: int
) -> Load:
    times = sorted(seconds for connection in answered for seconds in connection)
    counts = [len(connection) for connection in answered]
    return Load(
        connections=len(counts),
        answered=total,
        requests_per_second=len(times) / elapsed,
        p50_ms=_percentile(times, 50) * 1000,
        p99_ms=_percentile(times, 99) * 1000,
        fewest=min(counts),
        most=max(counts),
        failures=failures,
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--route", required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=3.0)
    asked = parser.parse_args()
    load = uvloop.run(
        run(asked.port, asked.route, connections=asked.connections, seconds=asked.seconds)
    )
    print(json.dumps(asdict(load)))


if __name__ == "__main__":
    main()
