"""POST /v1/generate: whole or as it is written, and whatever may end a stream before its end."""

import asyncio
import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from serving import Gate, ScriptedService, in_thread, scripted
from starlette.types import Message

from nlp.tasks.base import Window
from service.app import Service
from service.fakes import SURE, ScriptedModel, scripted_writer
from service.server import Server

pytestmark = pytest.mark.anyio
GREEDY = {"prompt": "Once a", "temperature": 0}
ROUTE = "/v1/generate"
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


async def write(client: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    response = await client.post(ROUTE, json={**GREEDY, "stream": False, **body})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


async def stream(client: httpx.AsyncClient, **body: object) -> list[Event]:
    response = await client.post(ROUTE, json={**GREEDY, **body})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-store"
    assert "x-request-id" in response.headers
    return events_of(response.text)


async def test_a_text_in_one_piece() -> None:
    async with scripted(scripted_writer()) as (_, client):
        answer = await write(client)
        metrics = (await client.get("/metrics")).text
    never_written = 2 * (1 - math.exp(SURE)) / 7  # padding and the unknown word
    each = SURE - math.log(1 - never_written)
    assert answer.pop("log_probability") == pytest.approx(4 * each)
    assert isinstance(answer.pop("seed"), int)
    assert answer == {
        "model": {"name": "language-model", "version": 1, "digest": "0" * 64},
        "text": " waiter smiled.",
        "finish_reason": "end",
        "tokens": 3,
        "prompt_tokens": 2,
        "prompt_tokens_read": 2,
    }
    assert 'valence_tokens_total{model="language-model"} 3.0' in metrics
    assert "valence_first_piece_seconds_count 1.0" in metrics
    assert f'valence_requests_total{{route="{ROUTE}",status="200"}} 1.0' in metrics


async def test_a_text_as_it_is_written() -> None:
    async with scripted(scripted_writer()) as (_, client):
        whole = await write(client, seed=1)
        events = await stream(client, seed=1)
    assert events == [
        ("token", {"text": " waiter"}),
        ("token", {"text": " smiled"}),
        ("token", {"text": "."}),
        ("done", whole),
    ]


@pytest.mark.parametrize(
    ("prompt", "text", "read"),
    [("", "once a waiter smiled.", 0), ("The a waiter", " smiled.", 3), ("a " * 40, None, 16)],
)
async def test_prompts_of_any_length(prompt: str, text: str | None, read: int) -> None:
    async with scripted(scripted_writer()) as (_, client):
        answer = await write(client, prompt=prompt)
    assert text is None or answer["text"] == text
    assert answer["prompt_tokens_read"] == read
    assert answer["prompt_tokens"] == len(prompt.split())


async def test_the_longest_text_is_as_long_as_asked() -> None:
    async with scripted(scripted_writer(), max_new_tokens=3) as (_, client):
        answer = await write(client, prompt="", max_new_tokens=2)
        assert (answer["text"], answer["finish_reason"]) == ("once a", "length")
        body = {**GREEDY, "max_new_tokens": 4}
        response = await client.post(ROUTE, json=body)
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == "/max_new_tokens"
        assert (await write(client, prompt="", max_new_tokens=3))["tokens"] == 3
        assert (await write(client, prompt=""))["tokens"] == 3


async def test_a_seed_draws_the_same_text_again() -> None:
    drawn = {"prompt": "", "temperature": 3.0, "max_new_tokens": 30}
    async with scripted(scripted_writer()) as (_, client):
        first = await write(client, **drawn)
        again = await write(client, **drawn, seed=first["seed"])
        others = [await write(client, **drawn) for _ in range(3)]
    assert first == again
    assert len({other["seed"] for other in [first, *others]}) == 4
    assert {other["text"] for other in others} != {first["text"]}


async def test_a_beam_search_gives_its_text_at_the_end() -> None:
    async with scripted(scripted_writer()) as (_, client):
        body = {"prompt": "Once", "beam_width": 3, "length_penalty": 0.5}
        response = await client.post(ROUTE, json=body)
        token, (name, done) = events_of(response.text)
    assert token == ("token", {"text": " a waiter smiled."})
    assert name == "done"
    assert done["text"] == " a waiter smiled."
    assert "seed" not in done


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"prompt": 3}, "/prompt"),
        ({"prompt": "x" * 501}, "/prompt"),
        ({"prompt": "lone \ud800"}, "/prompt"),
        ({"text": "x"}, ""),
        ({"temperature": -1}, "/temperature"),
        ({"temperature": "hot"}, "/temperature"),
        ({"top_k": -1}, "/top_k"),
        ({"top_p": 0}, "/top_p"),
        ({"top_p": 1.01}, "/top_p"),
        ({"seed": -1}, "/seed"),
        ({"seed": 1.5}, "/seed"),
        ({"max_new_tokens": 0}, "/max_new_tokens"),
        ({"beam_width": 0}, "/beam_width"),
        ({"beam_width": 17}, "/beam_width"),
        ({"beam_width": 2, "temperature": 1}, ""),
        ({"beam_width": 2, "seed": 1}, ""),
        ({"length_penalty": 1}, ""),
        ({"stream": 1}, "/stream"),
        ({"timeout_ms": 0}, "/timeout_ms"),
        ({"model": "@"}, "/model"),
        ({"model": "sentiment"}, "/model"),
    ],
)
async def test_json_that_is_no_request(body: dict[str, Any], pointer: str) -> None:
    models = (scripted_writer(), ScriptedModel())
    async with scripted(*models, max_text_characters=500) as (_, client):
        response = await client.post(ROUTE, content=json.dumps(body))
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


async def test_what_fails_before_the_first_word_is_a_plain_refusal() -> None:
    async with scripted(ScriptedModel()) as (_, client):
        assert (await client.post(ROUTE, json=GREEDY)).status_code == 404
    gate = Gate()
    async with scripted(scripted_writer(on_batch=gate), queue_limit_tokens=4) as (_, client):
        late = await client.post(ROUTE, json={**GREEDY, "timeout_ms": 30})
        assert late.status_code == 504
        busy = asyncio.create_task(write(client))
        await asyncio.sleep(0.05)
        full = await client.post(ROUTE, json=GREEDY)
        assert full.status_code == 429
        assert "retry-after" in full.headers
        gate.open.set()
        assert (await busy)["finish_reason"] == "end"


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
        alone = {prompt: await write(client, prompt=prompt, seed=0) for prompt in set(prompts)}
        before = len(model.batches)
        together = await asyncio.gather(
            *(stream(client, prompt=prompt, seed=0) for prompt in prompts)
        )
    for prompt, events in zip(prompts, together, strict=True):
        assert events[-1] == ("done", alone[prompt])
        assert "".join(data["text"] for name, data in events[:-1]) == alone[prompt]["text"]
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
