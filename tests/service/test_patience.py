"""Deadlines, callers who leave, overload and a device that is stuck: through the whole service."""

import asyncio
import threading
import time
from collections.abc import Sequence

import httpx
import pytest
from serving import Gate, scripted
from starlette.types import Message
from structlog.testing import capture_logs

from nlp.tasks.base import Window
from service.app import Service
from service.fakes import ScriptedModel

pytestmark = pytest.mark.anyio


def ask(
    client: httpx.AsyncClient, text: str = "good", **body: object
) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(client.post("/v1/sentiment", json={"text": text, **body}))


async def test_a_deadline_is_kept_before_the_device_is_touched() -> None:
    gate = Gate()
    model = ScriptedModel(on_batch=gate)
    async with scripted(model) as (service, client):
        first = ask(client)
        await asyncio.to_thread(gate.entered.wait, 5)
        by_body = await ask(client, "late one", timeout_ms=30)
        late = {"X-Request-Timeout-Ms": "30"}
        by_header = await client.post("/v1/sentiment", json={"text": "late two"}, headers=late)
        gate.open.set()
        assert (await first).status_code == 200
        assert (await ask(client, "fine")).status_code == 200
    for response in (by_body, by_header):
        assert response.status_code == 504
        assert response.json()["type"].endswith(":deadline-passed")
    assert model.batches == [[("good",)], [("fine",)]]
    assert service.registry.engines()[0].batcher.queued_tokens == 0


async def test_the_shorter_of_two_deadlines_counts() -> None:
    gate = Gate()
    async with scripted(ScriptedModel(on_batch=gate)) as (_, client):
        headers = {"X-Request-Timeout-Ms": "60000"}
        body = {"text": "good", "timeout_ms": 30}
        started = time.monotonic()
        response = await client.post("/v1/sentiment", json=body, headers=headers)
        assert response.status_code == 504
        assert time.monotonic() - started < 30
        gate.open.set()


async def test_a_caller_who_leaves_takes_its_work_along() -> None:
    gate = Gate()
    model = ScriptedModel(on_batch=gate)
    async with scripted(model) as (service, client):
        first = ask(client)
        await asyncio.to_thread(gate.entered.wait, 5)
        sent = await leave_after(service, b'{"text": "gone"}', seconds=0.05)
        gate.open.set()
        assert (await first).status_code == 200
        text = (await client.get("/metrics")).text
    assert sent[0]["status"] == 499  # for nobody: the connection is gone
    assert model.batches == [[("good",)]]
    assert 'valence_rejected_total{reason="client-left"} 1.0' in text


async def leave_after(service: Service, body: bytes, *, seconds: float) -> list[Message]:
    """Ask as a client that hangs up."""
    sent: list[Message] = []
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        for message in messages:
            return message
        await asyncio.sleep(seconds)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/sentiment", "headers": [],
             "query_string": b"", "root_path": ""}  # fmt: skip
    await service(scope, receive, send)
    return sent


async def test_overload_is_refused_with_a_time_to_come_back() -> None:
    gate = Gate()
    async with scripted(ScriptedModel(on_batch=gate), queue_limit_tokens=20) as (
        _,
        client,
    ):
        first = ask(client)
        await asyncio.to_thread(gate.entered.wait, 5)
        waiting = [ask(client, "one two three four five six") for _ in range(3)]
        refused = await ask(client, "one two three four five six")
        gate.open.set()
        assert {r.status_code for r in await asyncio.gather(first, *waiting)} == {200}
        large = await ask(client, "word " * 21)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["type"].endswith(":overloaded")
    assert large.status_code == 413
    assert "20 tokens" in large.json()["detail"]


async def test_a_poisoned_text_fails_alone() -> None:
    def poison(windows: Sequence[Window]) -> None:
        if any("bad" in window.words for window in windows):
            raise RuntimeError("words: " + " ".join(windows[0].words))

    async with scripted(ScriptedModel(on_batch=poison)) as (_, client):
        body = {"texts": ["good morning", "a bad one", "nice"]}
        response = await client.post("/v1/sentiment", json=body)
        metrics = (await client.get("/metrics")).text
    assert response.status_code == 200
    codes = [result.get("error", {}).get("code") for result in response.json()["results"]]
    assert codes == [None, "model_failed", None]
    assert 'valence_item_errors_total{code="model_failed",model="sentiment"} 1.0' in metrics


async def test_a_stuck_device_fails_requests_and_readiness_then_heals() -> None:
    gate = Gate()
    model = ScriptedModel(on_batch=gate)
    async with scripted(model, watchdog_seconds=0.1) as (service, client):
        response = await asyncio.wait_for(ask(client), 5)
        assert response.status_code == 503
        assert "retry-after" in response.headers
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
        gate.open.set()
        while service.registry.engines()[0].batcher.stuck:
            await asyncio.sleep(0.01)
        assert (await client.get("/readyz")).status_code == 200
        assert (await ask(client)).status_code == 200


async def test_readiness_asks_a_model_that_has_long_been_silent() -> None:
    broken = threading.Event()

    def maybe(_: Sequence[Window]) -> None:
        if broken.is_set():
            raise RuntimeError

    model = ScriptedModel(on_batch=maybe)
    async with scripted(model) as (service, client):
        engine = service.registry.engines()[0]
        engine.forget_last_answer()
        assert (await client.get("/readyz")).status_code == 200
        assert model.batches == [[("hello",)]]
        broken.set()
        engine.forget_last_answer()
        response = await client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["models"] == {"sentiment@champion": "does not answer"}
        broken.clear()
        assert (await client.get("/readyz")).status_code == 200


async def test_an_unforeseen_error_is_answered_with_an_opaque_id() -> None:
    async with scripted(ScriptedModel()) as (service, client):
        engine = service.registry.engines()[0]
        engine.identity["name"] = object()  # orjson cannot write it
        with capture_logs() as logged:
            response = await ask(client, "a secret text")
    assert response.status_code == 500
    problem = response.json()
    incident = response.headers["x-request-id"]
    assert incident in problem["detail"]
    assert "object" not in response.text
    errors = [entry for entry in logged if entry["log_level"] == "error"]
    assert [entry["incident"] for entry in errors] == [incident]
    assert "secret" not in str(logged)


async def test_texts_that_are_still_being_encoded_count_as_queued() -> None:
    """Large texts wait for a thread before they are tokens: that queue is bounded too."""
    model = ScriptedModel()
    async with scripted(model, queue_limit_tokens=1000) as (service, client):
        engine = service.registry.engines()[0]
        with engine.room_for(4100):
            refused = await ask(client)
        assert refused.status_code == 429
        assert (await ask(client, "word " * 900)).status_code == 200
    assert model.batches
