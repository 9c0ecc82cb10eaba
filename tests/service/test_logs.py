"""What is written down of a request: its id on every line, and its text nowhere at all."""

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import structlog
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from serving import ScriptedService, scripted

from nlp.tasks.base import Answer, Encoded, Item, Row, Window
from service import logs
from service.fakes import (
    ScriptedModel,
    scripted_finder,
    scripted_judge,
    scripted_tagger,
    scripted_writer,
)
from service.otlp import OtlpTracer

pytestmark = pytest.mark.anyio
MARKER: Final = "Quagmirelda"
"""Stands in every text of these tests. Spelled with a capital, so that it is found as an aspect."""

TEXT: Final = f"The {MARKER} was long."
BODIES: Final[dict[str, dict[str, Any]]] = {
    "/v1/sentiment": {"texts": [TEXT, " "]},
    "/v1/tags": {"tokens": [["The", MARKER, "smiled"]]},
    "/v1/aspects": {"texts": [TEXT, {"text": TEXT, "aspects": [MARKER, "price"]}]},
    "/v1/analyze": {"texts": [TEXT]},
    "/v1/score": {"text": TEXT},
    "/v1/generate": {"prompt": TEXT, "temperature": 0, "stream": False},
    "/v1/feedback": {"items": [{"id": "0" * 32, "receipt": MARKER, "label": MARKER}]},
}
"""A request for each route that takes a text."""

PREDICT: Final = [route for route in BODIES if route != "/v1/feedback"]

EVENTS: Final = {
    "": "request",
    "encode": "encode_failed",
    "forward": "forward_failed",
    "decode": "decode_failed",
    "database": "feedback_unavailable",
}
"""What is logged where a part fails."""

STAGES: Final = ("encode", "queue", "forward", "decode")


class Failing:
    """Puts an error that repeats the text into one stage of a scripted model."""

    def __init__(self, model: ScriptedModel, stage: str) -> None:
        self._model, self._stage = model, stage
        self.manifest, self.stepwise = model.manifest, model.stepwise
        self.search = model.search

    def encode(self, item: Item) -> Encoded:
        self._fail("encode", item)
        return self._model.encode(item)

    def generate(self, prompt: str, policy: Any) -> Any:  # noqa: ANN401
        self._fail("encode", prompt)
        return self._model.generate(prompt, policy)

    def forward(self, windows: Sequence[Window]) -> list[Row]:
        self._fail("forward", [window.words for window in windows])
        return self._model.forward(windows)

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> Answer:
        self._fail("decode", encoded.windows)
        return self._model.decode(encoded, rows)

    def _fail(self, stage: str, said: object) -> None:
        if stage == self._stage:
            raise ValueError(f"cannot read {said} {MARKER}")


def models(stage: str = "") -> list[Any]:
    """One of each task; those of a `stage` fail in it."""
    sound = [ScriptedModel(), scripted_tagger(), scripted_judge(), scripted_finder(),
             scripted_writer()]  # fmt: skip
    return [Failing(model, stage) for model in sound] if stage else sound


@pytest.fixture
def logged() -> Callable[[], list[dict[str, Any]]]:
    """Lines as the process writes them, down to debug: each is JSON. After `quiet`: autouse."""
    stream = io.StringIO()
    logs.configure(level="debug", style="json", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_the_line_of_a_request(logged: Callable[[], list[dict[str, Any]]]) -> None:
    async with scripted(*models(), log_level="debug") as (_, client):
        headers = {"x-request-id": "mine-1"}
        answer = await client.post("/v1/analyze", json={"texts": [TEXT]}, headers=headers)
        await client.get("/v1/nothing")
    first, second = logged()
    assert first.pop("seconds") >= 0
    assert first.pop("timestamp").endswith("Z")
    assert sorted(first.pop("models")) == ["aspects@1", "extraction@1", "sentiment@1", "tagging@1"]
    assert first == {
        "event": "request",
        "level": "debug",
        "request_id": "mine-1",
        "route": "/v1/analyze",
        "status": 200,
        "texts": 1,
        "tokens": answer.json()["usage"]["tokens"],
    }
    assert (second["route"], second["status"], second["models"]) == ("other", 404, [])
    assert len(second["request_id"]) == 16


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    ("stage", "event"),
    [("encode", "encode_failed"), ("forward", "forward_failed"), ("decode", "decode_failed")],
)
async def test_an_error_is_logged_as_its_requests_own(
    stage: str, event: str, large: bool, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    """On the loop, in the worker's thread and in the threads for large texts, side by side."""
    tracer = OtlpTracer(SimpleSpanProcessor(InMemorySpanExporter()), ratio=1.0)
    text = TEXT * 100 if large else TEXT
    async with scripted(*models(stage), tracer=tracer) as (_, client):
        answers = await asyncio.gather(
            *(
                client.post("/v1/sentiment", json={"text": text}, headers={"x-request-id": f"r{i}"})
                for i in range(8)
            )
        )
    found = {line["request_id"]: line for line in logged() if line["event"] == event}
    assert set(found) == {f"r{i}" for i in range(8)}
    assert len({line["trace_id"] for line in found.values()}) == 8
    for i, answer in enumerate(answers):
        (result,) = answer.json()["results"]
        assert found[f"r{i}"]["incident"] in result["error"]["message"]


async def test_what_the_service_does_by_itself_belongs_to_no_request(
    logged: Callable[[], list[dict[str, Any]]],
) -> None:
    async with scripted(*models("forward")) as (service, client):
        for engine in service.registry.engines():
            engine.forget_last_answer()
        assert (await client.get("/readyz", headers={"x-request-id": "probe"})).status_code == 503
        structlog.get_logger().info("tick")
    *failed, tick = logged()
    assert {line["request_id"] for line in failed} == {"probe"}
    assert "request_id" not in tick


def all_routes(service: ScriptedService) -> set[str]:
    """Those that take a body."""
    routes: list[Any] = service.api.router.routes
    return {route.path for route in routes if "POST" in route.methods}


def asked(body: dict[str, Any]) -> list[str]:
    """A good request and bad ones: wrong fields, names and offsets, no JSON, half a character."""
    placed = {"text": TEXT, "aspects": [{"text": MARKER, "start": 1, "end": 2}]}
    bodies: list[object] = [
        body,
        {**body, MARKER: MARKER},
        {**body, "model": MARKER},
        {**body, "model": MARKER.lower()},
        {**body, "timeout_ms": MARKER},
        {**body, "stream": True},
        {"texts": [placed]},
        [MARKER],
    ]
    cut = (f'{{"text": "{MARKER}', f'{{"text": "{MARKER}\\ud800"}}')
    return [*map(json.dumps, bodies), *cut]


async def answers_of(client: httpx.AsyncClient) -> list[httpx.Response]:
    """What every route says to each of them, and what paths that there are not say."""
    posts = [(route, content) for route, body in BODIES.items() for content in asked(body)]
    posts += [(f"{route}/{MARKER}", "{}") for route in BODIES]
    found = [await client.post(route, content=content) for route, content in posts]
    return [*found, *await judged(client), await client.get(f"/v1/models/{MARKER}")]


async def judged(client: httpx.AsyncClient) -> list[httpx.Response]:
    """Judgements of a real answer: a good one, twice, one of another text, one of no label."""
    asked = {"text": TEXT, "receipts": True}
    (answer,) = (await client.post("/v1/sentiment", json=asked)).json()["results"]
    if "error" in answer:
        return []
    good = {"id": answer["id"], "receipt": answer["receipt"], "label": "positive", "text": TEXT}
    items = [good, good, {**good, "text": f"{TEXT}!"}, {**good, "label": MARKER}]
    return [await client.post("/v1/feedback", json={"items": [item]}) for item in items]


def errors_in(content: Any) -> list[Any]:  # noqa: ANN401
    """Every value under a key `error` or `errors`, however deep."""
    if isinstance(content, list):
        return [error for one in content for error in errors_in(one)]
    if not isinstance(content, dict):
        return []
    mine = [value for key, value in content.items() if key in ("error", "errors")]
    return mine + [error for value in content.values() for error in errors_in(value)]


@pytest.mark.parametrize("stage", EVENTS)
async def test_a_text_is_in_no_line_no_metric_no_span_and_no_error(
    stage: str, logged: Callable[[], list[dict[str, Any]]], tmp_path: Path
) -> None:
    exporter = InMemorySpanExporter()
    tracer = OtlpTracer(SimpleSpanProcessor(exporter), ratio=1.0)
    file = tmp_path / "feedback.sqlite3"
    if stage == "database":
        file.write_bytes(b"this is no database" * 100)
    given: dict[str, Any] = {
        "feedback": f"sqlite:///{file}",
        "feedback_texts": True,
        "receipt_keys": "secrets-of-the-tests-long-enough",
        "log_level": "debug",
    }
    failing = models("" if stage == "database" else stage)
    async with scripted(*failing, tracer=tracer, **given) as (service, client):
        assert isinstance(service, ScriptedService)
        assert all_routes(service) == set(BODIES)
        answers = await answers_of(client)
        metrics = (await client.get("/metrics")).text
    statuses = {answer.status_code for answer in answers}
    assert {400, 404, 422} <= statuses
    for answer in answers:
        whole = answer.status_code >= 400 or "event: error" in answer.text
        said = answer.text if whole else str(errors_in(answer.json())) if is_json(answer) else ""
        assert MARKER.lower() not in said.lower()
        assert MARKER.lower() not in str(answer.headers).lower()
    spans = exporter.get_finished_spans()
    written = logged()
    assert len(spans) > len(answers)
    assert len(written) > len(answers)
    assert MARKER.lower() not in str(written).lower()
    assert MARKER.lower() not in metrics.lower()
    assert MARKER.lower() not in "".join(span.to_json() for span in spans).lower()
    events = {line["event"] for line in written}
    assert EVENTS[stage] in events


def is_json(answer: httpx.Response) -> bool:
    return answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("route", PREDICT)
async def test_every_answer_says_how_long_each_stage_took(route: str) -> None:
    async with scripted(*models()) as (_, client):
        answer = await client.post(route, json=BODIES[route])
    assert answer.status_code == 200
    parts = [part.split(";dur=") for part in answer.headers["server-timing"].split(", ")]
    names = [name.rpartition("-")[2] for name, _ in parts]
    told = STAGES[:3] if route == "/v1/generate" else STAGES
    assert set(names) == set(told)
    assert all(float(milliseconds) >= 0 for _, milliseconds in parts)


def test_what_a_library_logs_is_json_without_its_details() -> None:
    """In a process of its own, for pytest has put its handlers before ours."""
    script = f"""
import asyncio, logging
from service import logs
logs.configure(level="info", style="json")

async def fails():
    raise ValueError("{MARKER}")

async def main():
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    del task

asyncio.run(main())
try:
    raise KeyError("{MARKER}")
except KeyError:
    logging.getLogger("some.library").exception("first line\\n{MARKER}")
logging.getLogger("some.library").info("not for us")
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, second = map(json.loads, ran.stderr.splitlines())
    assert (first["logger"], first["error"], first["level"]) == ("asyncio", "ValueError", "error")
    assert first["event"] == "Task exception was never retrieved"
    assert (second["event"], second["error"]) == ("first line", "KeyError")
    assert MARKER not in ran.stderr
    assert logging.getLogger().level <= logging.WARNING
