"""The routes that only read: models, health, metrics, and the document that describes them all."""

import re

import pytest
from serving import Running, until_metric

from model_store import Store
from service.metrics import OUTCOMES, ROUTES

pytestmark = pytest.mark.anyio
GOOD = "A warm, funny and beautifully acted film."


async def test_models_in_memory(running: Running, store: Store) -> None:
    async with running() as (_, client):
        await client.post("/v1/sentiment", json={"text": GOOD, "model": "sentiment@2"})
        models = (await client.get("/v1/models")).json()["models"]
    found = [(m["reference"], m["name"], m["version"], m["task"]) for m in models]
    assert found == [
        ("sentiment@champion", "sentiment", 1, "sentiment"),
        ("tags@champion", "tags", 1, "tagging"),
        (None, "sentiment", 2, "sentiment"),
    ]
    assert models[0]["digest"] == store.resolve("sentiment").digest
    assert models[0]["layers"] == {"sentiment": ["negative", "positive"]}
    assert sorted(models[1]["layers"]) == ["upos", "xpos"]


async def test_one_model(running: Running) -> None:
    async with running() as (_, client):
        found = (await client.get("/v1/models/sentiment")).json()
        missing = [await client.get(f"/v1/models/{name}") for name in ("nosuch", "BAD NAME", "..")]
    assert found["versions"] == [1, 2]
    assert found["aliases"] == {"champion": 1}
    assert [served["version"] for served in found["served"]] == [1]
    assert [response.status_code for response in missing] == [404, 404, 404]


async def test_health_and_readiness(running: Running) -> None:
    async with running() as (service, client):
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = await client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json() == {
            "ready": True,
            "models": {"sentiment@champion": "sentiment@1", "tags@champion": "tags@1"},
        }
        service.gate.closing = True
        closing = await client.get("/readyz")
        assert closing.status_code == 503
        answer = await client.post("/v1/sentiment", json={"text": GOOD})
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"


async def test_a_task_nobody_serves(running: Running) -> None:
    async with running(models="sentiment") as (_, client):
        response = await client.post("/v1/tags", json={"text": GOOD})
        assert response.status_code == 404
        assert "tagging" in response.json()["detail"]
        assert (await client.post("/v1/tags", json={"text": GOOD, "model": "tags"})).is_success


async def test_every_series_is_there_before_the_first_request(running: Running) -> None:
    async with running() as (_, client):
        text = (await client.get("/metrics")).text
    for route, statuses in ROUTES.items():
        for outcome in OUTCOMES:
            series = f'{{outcome="{outcome}",route="{route}"}}'
            assert f"valence_request_duration_seconds_count{series}" in text
        for status in statuses:
            assert f'valence_requests_total{{route="{route}",status="{status}"}}' in text
    for model in ("sentiment", "tags"):
        for name in ("encode", "queue", "forward", "decode"):
            assert f'valence_{name}_duration_seconds_count{{model="{model}"}} 0.0' in text
        for name in ("size", "tokens", "padding_ratio"):
            assert f'valence_batch_{name}_count{{model="{model}"}} 0.0' in text
        for name in ("queue_depth", "queue_tokens", "batch_stuck"):
            assert f'valence_{name}{{model="{model}"}} 0.0' in text
        assert f'valence_model_current{{alias="champion",model="{model}"}} 1.0' in text
        for outcome in ("loaded", "refused", "unavailable"):
            assert f'model_reload_total{{model="{model}",outcome="{outcome}"}}' in text
        assert f'valence_item_errors_total{{code="text_too_long",model="{model}"}} 0.0' in text
    for label in ("negative", "positive"):
        assert f'valence_predictions_total{{label="{label}",model="sentiment"}} 0.0' in text
    assert 'valence_rejected_total{reason="overloaded"} 0.0' in text
    assert "valence_build_info{" in text
    assert "valence_store_up 1.0" in text
    assert "valence_queue_limit_tokens 50000.0" in text
    assert "valence_memory_limit_bytes " in text


async def test_a_batch_that_is_stuck_shows_and_readiness_needs_nobody_to_ask(
    running: Running,
) -> None:
    async with running() as (service, client):
        stuck = 'valence_batch_stuck{model="sentiment"} '
        await until_metric(client, "valence_ready 1.0")
        (engine,) = (one for one in service.registry.engines() if one.task == "sentiment")
        engine.batcher.stuck = True
        await until_metric(client, "valence_ready 0.0")
        assert stuck + "1.0" in (await client.get("/metrics")).text
        engine.batcher.stuck = False
        await until_metric(client, "valence_ready 1.0")
        assert stuck + "0.0" in (await client.get("/metrics")).text


async def test_requests_are_counted_once_and_no_text_is_kept(running: Running) -> None:
    async with running() as (_, client):
        await client.post("/v1/sentiment", json={"texts": ["quokka " + GOOD, "", GOOD]})
        await client.post("/v1/sentiment", json={"quokka": 1})
        await client.get("/quokka")
        await client.get("/v1/models/quokka")
        text = (await client.get("/metrics")).text
    assert "quokka" not in text
    expected = {
        'valence_requests_total{route="/v1/sentiment",status="200"}': 1,
        'valence_requests_total{route="/v1/sentiment",status="422"}': 1,
        'valence_requests_total{route="other",status="404"}': 1,
        'valence_requests_total{route="/v1/models/{name}",status="404"}': 1,
        'valence_predictions_total{label="positive",model="sentiment"}': 2,
        'valence_item_errors_total{code="empty_text",model="sentiment"}': 1,
        'valence_rejected_total{reason="invalid"}': 1,
        'valence_batch_tokens_sum{model="sentiment"}': 19,
        'valence_tokens_total{model="sentiment"}': 19,
    }
    for series, value in expected.items():
        assert f"{series} {float(value)}" in text
    assert "valence_requests_in_flight 1.0" in text  # this scrape itself


async def test_metric_names_follow_the_conventions(running: Running) -> None:
    async with running() as (_, client):
        text = (await client.get("/metrics")).text
    for name, kind in re.findall(r"^# TYPE (valence_\w+) (\w+)$", text, re.MULTILINE):
        if kind == "counter":
            assert name.endswith("_total")
        if kind == "histogram":
            assert name.endswith(("_seconds", "_size", "_tokens", "_ratio", "_confidence"))
