"""Streams of events: shared batches, and whatever may end one before its end."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from serving import Event, Gate, ScriptedService, events_of, in_thread, scripted
from starlette.types import Message

from nlp.tasks.base import Window
from service.app import Service
from service.fakes import scripted_writer
from service.server import Server

pytestmark = pytest.mark.anyio
GREEDY = {"prompt": "Once a", "temperature": 0}
ROUTE = "/v1/generate"


async def stream(client: httpx.AsyncClient, **body: object) -> list[Event]:
    response = await client.post(ROUTE, json={**GREEDY, **body})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-store"
    assert "x-request-id" in response.headers
    return events_of(response.text)


def failing(step: int, error: Callable[[], None]) -> Callable[[Sequence[Window]], None]:
    """Called with each batch; `error` is at the given one."""
    steps = iter(range(1000))

    def on_batch(_: Sequence[Window]) -> None:
        if next(steps) == step:
            error()

    return on_batch


def breaks() -> None:
    raise RuntimeError("the words were secret")


async def test_a_stream_that_breaks_off_says_so() -> None:
    async with scripted(scripted_writer(on_batch=failing(2, breaks))) as (_, client):
        first, second, (name, problem) = await stream(client)
        metrics = (await client.get("/metrics")).text
    assert [first, second] == [("token", {"text": " waiter"}), ("token", {"text": " smiled"})]
    assert name == "error"
    assert (problem["status"], problem["title"]) == (500, "Internal error")
    assert problem["instance"].startswith("urn:request:")
    assert "secret" not in str(problem)
    assert 'valence_rejected_total{reason="internal"} 1.0' in metrics
    assert "valence_requests_in_flight 1.0" in metrics  # the scrape itself


async def test_a_deadline_ends_a_stream() -> None:
    slow = failing(2, lambda: time.sleep(0.3))
    async with scripted(scripted_writer(on_batch=slow)) as (service, client):
        *tokens, (name, problem) = await stream(client, timeout_ms=150)
        assert [kind for kind, _ in tokens] == ["token"] * 2
        assert (name, problem["status"]) == ("error", 504)
        assert service.registry.engines()[0].batcher.queued_tokens == 0


async def test_streams_share_batches_and_do_not_mix() -> None:
    model = scripted_writer(seconds=0.003)
    prompts = ["Once", "Once a", "waiter", "", "a", "smiled"] * 4
    async with scripted(model) as (_, client):
        alone = {
            prompt: (await stream(client, prompt=prompt, seed=0))[-1] for prompt in set(prompts)
        }
        before = len(model.batches)
        together = await asyncio.gather(
            *(stream(client, prompt=prompt, seed=0) for prompt in prompts)
        )
    for prompt, events in zip(prompts, together, strict=True):
        assert events[-1] == alone[prompt]
        assert "".join(data["text"] for name, data in events[:-1]) == alone[prompt][1]["text"]
    rows = sum(map(len, model.batches[before:]))
    assert len(model.batches) - before < rows / 3


async def test_an_engine_that_is_replaced_writes_its_text_to_the_end() -> None:
    gate = Gate()
    async with scripted(scripted_writer(on_batch=gate)) as (service, client):
        (engine,) = service.registry.engines()
        writing = asyncio.create_task(stream(client))
        await asyncio.to_thread(gate.entered.wait, 5)
        engine.retire()
        gate.open.set()
        assert (await writing)[-1][0] == "done"
        assert await asyncio.to_thread(engine.batcher.join, 5)


async def called(
    service: Service,
    *,
    body: dict[str, Any],
    receive: Callable[[], Any] | None = None,
    send: Callable[[Message], Any] | None = None,
) -> list[Message]:
    """One request without a transport between: what was sent, in order."""
    sent: list[Message] = []
    messages = iter([{"type": "http.request", "body": json.dumps(body).encode()}])

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def received() -> Message:
        for message in messages:
            return message
        found: Message = await (receive or never)()
        return found

    async def taken(message: Message) -> None:
        sent.append(message)
        if send is not None:
            await send(message)

    scope = {"type": "http", "method": "POST", "path": ROUTE, "headers": [],
             "query_string": b"", "root_path": ""}  # fmt: skip
    await service(scope, received, taken)
    return sent


async def test_a_client_that_leaves_ends_its_stream() -> None:
    left = asyncio.Event()

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if b"token" in message.get("body", b""):
            left.set()
            await asyncio.sleep(0.05)  # time to be noticed

    model = scripted_writer(on_batch=lambda _: time.sleep(0.03))
    async with scripted(model) as (service, client):
        body = {"prompt": "", "temperature": 0}
        sent = await called(service, body=body, receive=receive, send=send)
        assert len(model.batches) <= 3
        assert b'"status":499' in sent[-1]["body"]  # for nobody
        assert service.registry.engines()[0].batcher.depth == 0
        metrics = (await client.get("/metrics")).text
    assert 'valence_rejected_total{reason="client-left"} 1.0' in metrics


async def test_a_client_that_does_not_read_is_not_waited_for() -> None:
    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(30)

    async with scripted(scripted_writer()) as (service, _):
        (engine,) = service.registry.engines()
        started = time.monotonic()
        sent = await called(service, body={**GREEDY, "timeout_ms": 100}, send=send)
        assert time.monotonic() - started < 10
        engine.retire()
        assert await asyncio.to_thread(engine.batcher.join, 5)  # nothing holds the model
    assert b"token" in sent[1]["body"]
    assert len(sent) == 3  # the start, the event that is stuck, and the last words


def test_a_real_client_sees_each_word_as_it_comes_and_may_leave() -> None:
    steps = threading.Semaphore(1)

    def step(_: Sequence[Window]) -> None:
        assert steps.acquire(timeout=10)

    model = scripted_writer(on_batch=step)
    service = ScriptedService(model)
    with in_thread(service) as url, httpx.Client(base_url=url, timeout=10) as client:
        seen: list[str] = []
        with client.stream("POST", ROUTE, json={**GREEDY, "prompt": ""}) as response:
            for line in response.iter_lines():
                if line.startswith("data: "):
                    seen.append(json.loads(line[6:])["text"])
                    steps.release()
                if len(seen) == 2:
                    break
        assert seen == ["once", " a"]
        for _ in range(20):
            steps.release()
        until = time.monotonic() + 10
        while "valence_requests_in_flight 1.0" not in client.get("/metrics").text:
            assert time.monotonic() < until
        assert len(model.batches) < 6  # the story takes six
        assert client.post(ROUTE, json={**GREEDY, "stream": False}).json()["tokens"] == 3


@pytest.mark.parametrize(("drain", "last"), [(30, "done"), (1, "error")])
async def test_a_stream_is_drained_or_told_at_shutdown(drain: int, last: str) -> None:
    gate = Gate()
    model = scripted_writer()
    server = Server(ScriptedService(model, drain_seconds=drain))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    async with (
        httpx.AsyncClient(base_url=server.url(), timeout=10) as client,
        client.stream("POST", ROUTE, json=GREEDY) as response,
    ):
        parts = response.aiter_text()
        text = await anext(parts)
        model.on_batch = gate
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.1)
        if last == "done":
            gate.open.set()
        text += "".join([part async for part in parts])
    gate.open.set()
    await asyncio.wait_for(serving, 20)
    *tokens, (name, data) = events_of(text)
    assert tokens[0] == ("token", {"text": " waiter"})
    assert name == last
    if last == "error":
        assert (data["status"], data["detail"]) == (503, "the service is stopping")
