"""The process: what it imports, how it starts, how it stops, and what raw bytes do to it."""

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
import pytest
from serving import in_thread

from model_store import Store
from service.app import Service
from service.server import Server
from service.settings import Settings

GOOD = "A warm, funny and beautifully acted film."
ANNOUNCED = re.compile(r"answers at (http://\S+) \((.*)\)")


@contextmanager
def process(store: Store, tmp_path: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """`valence serve` as a process of its own, on a free port."""
    given = {"STORE": store.url, "CACHE_FOLDER": str(tmp_path / "cache"), "PORT": "0", **variables}
    environment = {**os.environ, **{f"VALENCE_{name}": value for name, value in given.items()}}
    command = [sys.executable, "-m", "service"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def url_of(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    found = ANNOUNCED.search(running.stdout.readline())
    assert found is not None
    return found.group(1)


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[int, bool, dict[str, object]]:
    """One request on an open connection: status, whether the server closes, the answer."""
    body = json.dumps({"texts": [GOOD]}).encode()
    head = f"POST /v1/sentiment HTTP/1.1\r\nhost: test\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(answer.split("content-length: ")[1].split("\r\n")[0])
    content = await reader.readexactly(length)
    return int(answer.split()[1]), "connection: close" in answer, json.loads(content)


async def load(port: int, started: asyncio.Event) -> int:
    """Ask until the server says that it closes. Anything else but 200 raises."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered, closing = 0, False
    while not closing:
        status, closing, _ = await ask(reader, writer)
        assert status == 200
        answered += 1
        started.set()
    writer.close()
    return answered


def test_sigterm_under_load_loses_nothing_and_exits_with_0(store: Store, tmp_path: Path) -> None:
    with process(store, tmp_path, SHUTDOWN_DELAY_SECONDS="0.5") as running:
        url = url_of(running)
        port = int(url.rpartition(":")[2])

        async def run() -> list[int]:
            events = [asyncio.Event() for _ in range(16)]
            loads = [asyncio.create_task(load(port, event)) for event in events]
            await asyncio.gather(*(event.wait() for event in events))
            running.send_signal(signal.SIGTERM)
            return await asyncio.gather(*loads)

        assert min(asyncio.run(run())) >= 1
        assert httpx.get(f"{url}/readyz").status_code == 503
        assert running.wait(20) == 0
        assert running.stderr is not None
        assert GOOD not in running.stderr.read()


def test_a_second_signal_ends_it_at_once(store: Store, tmp_path: Path) -> None:
    with process(store, tmp_path, SHUTDOWN_DELAY_SECONDS="60") as running:
        url = url_of(running)
        running.send_signal(signal.SIGINT)
        while httpx.get(f"{url}/readyz").status_code == 200:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 1


def test_it_announces_itself_in_one_line_and_stays_small(store: Store, tmp_path: Path) -> None:
    with process(store, tmp_path) as running:
        url = url_of(running)
        answer = httpx.post(f"{url}/v1/tags", json={"text": "The waiter smiled."}).json()
        assert [t["upos"] for t in answer["results"][0]["tokens"]][:3] == ["DET", "NOUN", "VERB"]
        status = Path(f"/proc/{running.pid}/status").read_text()
        assert int(status.split("VmRSS:")[1].split()[0]) < 300_000  # kB
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=20)
        assert running.returncode == 0
        assert out == ""
        events = [json.loads(line)["event"] for line in err.splitlines()]
        assert events == ["version_served", "version_served", "stopping"]


def test_a_service_without_models_says_so(tmp_path: Path, store: Store) -> None:
    with process(store, tmp_path, MODELS="nosuch@champion") as running:
        assert running.stderr is not None
        line = json.loads(running.stderr.readline())
        assert (line["event"], line["reason"]) == ("model_not_loaded", "not found")


ANSWERING = """
import asyncio, sys
import httpx
from service.app import create_app

async def main():
    app = create_app()
    transport = httpx.ASGITransport(app)
    async with app.running(), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        assert await app.ready()
        for route in ("/v1/sentiment", "/v1/tags"):
            assert (await client.post(route, json={"text": "It is lovely."})).status_code == 200
        assert (await client.get("/metrics")).status_code == 200

asyncio.run(main())
heavy = ("torch", "transformers", "spacy", "onnx", "sklearn", "matplotlib", "training", "boto3")
print([name for name in heavy if name in sys.modules])
"""


def test_answering_loads_neither_torch_nor_transformers_nor_spacy(
    store: Store, tmp_path: Path
) -> None:
    """Even where they are installed."""
    given = {"VALENCE_STORE": store.url, "VALENCE_CACHE_FOLDER": str(tmp_path / "cache")}
    command = [sys.executable, "-c", ANSWERING]
    done = subprocess.run(
        command, env={**os.environ, **given}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.anyio
async def test_a_signal_makes_it_not_ready_then_drains_it(
    settings: Callable[..., Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(Service(settings(shutdown_delay_seconds=0.3)))
    before = signal.getsignal(signal.SIGTERM)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    async with httpx.AsyncClient(base_url=server.url()) as client:
        assert await server.service.ready(seconds=20)
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        while (ready := await client.get("/readyz")).status_code == 200:
            await asyncio.sleep(0.01)
        answer = await client.post("/v1/sentiment", json={"text": GOOD})
    assert ready.json()["ready"] is False
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    await asyncio.wait_for(serving, 20)
    assert signal.getsignal(signal.SIGTERM) is before
    found = ANNOUNCED.search(capsys.readouterr().out)
    assert found is not None
    assert found.group(2) == "sentiment@champion: sentiment@1, tags@champion: tags@1"


@pytest.fixture
def served(settings: Callable[..., Settings]) -> Iterator[str]:
    with in_thread(Service(settings(body_timeout_seconds=0.2))) as url:
        yield url


def talk(url: str, data: bytes, *, seconds: float = 0.5) -> bytes:
    """Send raw bytes; read until the server hangs up or has nothing to say for `seconds`."""
    port = int(url.rpartition(":")[2])
    answer = b""
    with (
        suppress(OSError),  # it hung up on us, or waits for more
        socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection,
    ):
        connection.sendall(data)
        while piece := connection.recv(65536):
            answer += piece
    return answer


HEAD = b"POST /v1/sentiment HTTP/1.1\r\nhost: x\r\n"
RAW = [
    b"\x00\x01\x02",
    b"GET\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS hello
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /%ff%00 HTTP/1.1\r\nhost: x\r\n\r\n",
    HEAD + b"content-length: -5\r\n\r\n",
    HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    HEAD + b"content-length: 99999999999999999999\r\n\r\n{}",
    HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
    HEAD + b"x: " + b"a" * 200_000 + b"\r\n\r\n",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
    HEAD + b"".join(b"x%d: y\r\n" % i for i in range(20_000)) + b"\r\n",
]


@pytest.mark.parametrize("data", RAW, ids=range(len(RAW)))
def test_raw_bytes_get_4xx_or_nothing(served: str, data: bytes) -> None:
    answer = talk(served, data)
    assert answer == b"" or answer.split(b" ")[1].startswith(b"4")
    assert httpx.post(f"{served}/v1/sentiment", json={"text": GOOD}).status_code == 200


def test_random_bytes_never_make_it_fail(served: str) -> None:
    source = random.Random(7)
    whole = HEAD + b"content-length: 40\r\n\r\n" + json.dumps({"text": GOOD}).encode()
    wire = [whole if i % 3 else source.randbytes(80) for i in range(240)]
    for i, data in enumerate(wire):
        changed = bytearray(data)
        for _ in range(source.randint(1, 8)):
            changed[source.randrange(len(changed))] = source.randrange(256)
        wire[i] = bytes(changed)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(partial(talk, served), wire))
    statuses = Counter(answer.split(b" ")[1][:3] for answer in answers if answer)
    assert not [status for status in statuses if status.startswith(b"5")]
    assert statuses[b"400"] > 80
    assert httpx.post(f"{served}/v1/sentiment", json={"text": GOOD}).status_code == 200


def test_the_body_limit_holds_on_a_real_connection(settings: Callable[..., Settings]) -> None:
    with in_thread(Service(settings(body_limit_bytes=1000))) as url:
        for claim in (b"content-length: 900000", b"transfer-encoding: chunked"):
            body = b"fff\r\n" + b" " * 4095 + b"\r\n" if b"chunked" in claim else b" " * 900_000
            answer = talk(url, HEAD + claim + b"\r\n\r\n" + body, seconds=5)
            assert answer.split(b" ")[1] == b"413"
            assert b"application/problem+json" in answer
