"""Spans: whose children they are, what they say and how long they took; never a text."""

import asyncio
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from serving import Gate, scripted

from nlp.tasks.base import Window
from service.fakes import (
    ScriptedModel,
    scripted_finder,
    scripted_judge,
    scripted_tagger,
    scripted_writer,
)
from service.otlp import OtlpTracer

pytestmark = pytest.mark.anyio
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STAGES = ["encode", "queue", "forward", "decode"]


class Memory:
    """A tracer whose spans stay here."""

    def __init__(self, ratio: float = 1.0) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracer = OtlpTracer(SimpleSpanProcessor(self.exporter), ratio=ratio)

    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def server(self) -> ReadableSpan:
        """The one request's span."""
        (span,) = [one for one in self.spans() if one.kind is SpanKind.SERVER]
        return span

    def children(self) -> list[ReadableSpan]:
        """In the order in which they began; checks whose they are."""
        server = self.server()
        found = [one for one in self.spans() if one is not server]
        for one in found:
            assert one.parent == server.context
        return sorted(found, key=began)


def began(span: ReadableSpan) -> int:
    assert span.start_time is not None
    return span.start_time


def ended(span: ReadableSpan) -> int:
    assert span.end_time is not None
    return span.end_time


def said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_request_and_its_stages() -> None:
    memory = Memory()
    async with scripted(ScriptedModel(), tracer=memory.tracer) as (_, client):
        before = time.time_ns()
        answer = await client.post(
            "/v1/sentiment",
            json={"texts": ["Lovely rooms.", " ", "Bad."]},
            headers={"x-request-id": "abc"},
        )
        after = time.time_ns()
    server, children = memory.server(), memory.children()
    assert server.name == "POST /v1/sentiment"
    assert said(server) == {
        "http.request.method": "POST",
        "http.route": "/v1/sentiment",
        "http.response.status_code": 200,
        "url.path": "/v1/sentiment",
        "url.scheme": "http",
        "valence.request_id": "abc",
        "valence.models": ("sentiment@1",),
        "valence.texts": 3,
        "valence.tokens": answer.json()["usage"]["tokens"],
    }
    assert server.status.status_code is StatusCode.UNSET
    assert server.parent is None
    assert [child.name for child in children] == STAGES
    assert before <= began(server) <= began(children[0])
    assert ended(children[-1]) <= ended(server) <= after
    for child in children:
        assert said(child)["valence.model.name"] == "sentiment"
        assert said(child)["valence.model.version"] == 1
        assert began(child) <= ended(child)
    for one, next_one in pairwise(children):
        assert ended(one) <= began(next_one) + 1000  # ns: both are rounded


async def test_the_spans_agree_with_the_server_timing_header() -> None:
    memory = Memory()
    model = ScriptedModel(seconds=0.02)
    async with scripted(model, tracer=memory.tracer) as (_, client):
        answer = await client.post("/v1/sentiment", json={"text": "Lovely rooms."})
    stages = dict(part.split(";dur=") for part in answer.headers["server-timing"].split(", "))
    for child in memory.children():
        milliseconds = (ended(child) - began(child)) / 1e6
        assert milliseconds == pytest.approx(float(stages[child.name]), abs=1.0)


@pytest.mark.parametrize(
    ("headers", "sampled", "theirs"),
    [
        ([f"00-{TRACE}-{PARENT}-01"], True, True),
        ([f"00-{TRACE}-{PARENT}-00"], False, True),
        ([f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be"], True, True),
        ([f"ff-{TRACE}-{PARENT}-01"], True, False),
        ([f"00-{TRACE.upper()}-{PARENT}-01"], True, False),
        ([f"00-{'0' * 32}-{PARENT}-01"], True, False),
        ([f"00-{TRACE}-{'0' * 16}-01"], True, False),
        (["nonsense\xff"], True, False),
        ([f"00-{TRACE}-{PARENT}-01"] * 2, True, False),
        ([], True, False),
    ],
)
async def test_whose_trace_it_is(headers: list[str], sampled: bool, theirs: bool) -> None:
    memory = Memory()
    given = [(b"traceparent", value.encode("latin-1")) for value in headers]
    async with scripted(ScriptedModel(), tracer=memory.tracer) as (_, client):
        answer = await client.post("/v1/sentiment", json={"text": "Hello"}, headers=given)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if "trace" in name]
    assert bool(memory.spans()) is sampled
    if not sampled:
        return
    server = memory.server()
    assert (server.context.trace_id == int(TRACE, 16)) is theirs
    assert (server.parent is not None and server.parent.span_id == int(PARENT, 16)) is theirs


@pytest.mark.parametrize(("ratio", "flag", "count"), [(0.0, "00", 0), (0.0, "01", 5), (1.0, "", 5)])
async def test_a_callers_decision_counts_more_than_the_ratio(
    ratio: float, flag: str, count: int
) -> None:
    memory = Memory(ratio)
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-{flag}"} if flag else {}
    async with scripted(ScriptedModel(), tracer=memory.tracer) as (_, client):
        await client.post("/v1/sentiment", json={"text": "Hello"}, headers=headers)
    assert len(memory.spans()) == count


async def test_what_machines_ask_every_second_is_not_traced() -> None:
    memory = Memory()
    async with scripted(ScriptedModel(), tracer=memory.tracer) as (_, client):
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await client.get(path)).status_code == 200
    assert memory.spans() == []


async def test_what_strangers_make_up_is_in_no_span() -> None:
    memory = Memory()
    secret = "zebra-crossing-7391"
    headers = {"tracestate": f"x={secret}", "user-agent": secret, "baggage": f"a={secret}",
               "traceparent": f"00-{TRACE}-{PARENT}-01"}  # fmt: skip
    async with scripted(ScriptedModel(), tracer=memory.tracer) as (_, client):
        await client.request(secret.upper(), f"/{secret}?q={secret}", headers=headers)
        await client.get(f"/v1/models/{secret}", headers=headers)
    first, second = memory.spans()
    assert secret not in (first.to_json() + second.to_json()).lower()
    assert (first.name, second.name) == ("HTTP", "GET /v1/models/{name}")
    assert said(first)["http.request.method"] == "_OTHER"


async def test_every_model_of_an_analysis_has_its_stages() -> None:
    memory = Memory()
    models = (ScriptedModel(), scripted_tagger(), scripted_judge(), scripted_finder())
    async with scripted(*models, tracer=memory.tracer) as (_, client):
        await client.post("/v1/analyze", json={"texts": ["The Menu was long."]})
    found: dict[str, list[str]] = {}
    for child in memory.children():
        found.setdefault(said(child)["valence.model.name"], []).append(child.name)
    assert found == dict.fromkeys(("sentiment", "tagging", "extraction", "aspects"), STAGES)
    models_said = said(memory.server())["valence.models"]
    assert set(models_said) == {f"{name}@1" for name in found}
    assert said(memory.server())["valence.texts"] == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_a_text_that_is_written_is_one_forward_of_many_steps(stream: bool) -> None:
    memory = Memory()
    async with scripted(scripted_writer(seconds=0.002), tracer=memory.tracer) as (_, client):
        body = {"prompt": "Once a", "temperature": 0, "stream": stream}
        assert (await client.post("/v1/generate", json=body)).status_code == 200
    server, (encode, queue, forward) = memory.server(), memory.children()
    assert [encode.name, queue.name, forward.name] == STAGES[:3]
    assert said(forward)["valence.steps"] == 4
    assert ended(forward) - began(forward) >= 4 * 2_000_000
    assert ended(forward) <= ended(server)
    assert said(server)["valence.tokens"] == 3


async def test_a_text_read_in_slices_counts_its_steps() -> None:
    memory = Memory()
    asked = {"text": "The Menu was rather long.", "aspects": ["price", "food", "menu", "staff"]}
    async with scripted(scripted_judge(), tracer=memory.tracer, queue_limit_tokens=40) as (
        _,
        client,
    ):
        assert (await client.post("/v1/aspects", json=asked)).status_code == 200
    assert [child.name for child in memory.children()] == STAGES
    assert said(memory.children()[2])["valence.steps"] > 1


async def test_a_request_that_dies_in_the_queue_was_never_on_the_device() -> None:
    memory, gate = Memory(), Gate()
    async with scripted(ScriptedModel(on_batch=gate), tracer=memory.tracer) as (_, client):
        first = asyncio.create_task(client.post("/v1/sentiment", json={"text": "Hello"}))
        await asyncio.to_thread(gate.entered.wait, 5)
        late = await client.post("/v1/sentiment", json={"text": "Late", "timeout_ms": 30})
        spans = memory.children()
        server = memory.server()
        gate.open.set()
        assert (await first).status_code == 200
    assert late.status_code == 504
    assert [span.name for span in spans] == ["encode", "queue"]
    assert ended(spans[1]) - began(spans[1]) >= 20_000_000
    assert server.status.status_code is StatusCode.ERROR
    assert said(server)["error.type"] == "504"


async def test_a_stream_that_breaks_off_ends_its_span_as_an_error() -> None:
    memory, steps = Memory(), iter(range(100))

    def on_batch(_: Sequence[Window]) -> None:
        if next(steps) == 2:
            raise RuntimeError("secret words")

    async with scripted(scripted_writer(on_batch=on_batch), tracer=memory.tracer) as (_, client):
        body = {"prompt": "Once a", "temperature": 0}
        assert "event: error" in (await client.post("/v1/generate", json=body)).text
        metrics = (await client.get("/metrics")).text
    server = memory.server()
    assert (server.status.status_code, server.events) == (StatusCode.ERROR, ())
    assert said(server)["http.response.status_code"] == 500
    assert [child.name for child in memory.children()] == STAGES[:3]
    assert 'valence_requests_total{route="/v1/generate",status="500"} 1.0' in metrics
