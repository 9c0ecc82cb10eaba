"""Aliases that move under a running service: no failed request, no bad version served."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from serving import Running, change_manifest, until_metric
from structlog.testing import capture_logs

from model_store import Store, Unavailable, open_store
from nlp.model import GOLDEN
from service.app import Service
from service.engine import Engine
from service.loader import open_settings_store
from service.settings import Settings

pytestmark = pytest.mark.anyio
GOOD = "A warm, funny and beautifully acted film."


async def version_of(client: httpx.AsyncClient) -> int:
    response = await client.post("/v1/sentiment", json={"text": GOOD})
    assert response.status_code == 200
    version: int = response.json()["model"]["version"]
    return version


async def until_version(client: httpx.AsyncClient, version: int) -> None:
    async with asyncio.timeout(20):
        while await version_of(client) != version:
            await asyncio.sleep(0.01)


def promote(store: Store, number: int) -> None:
    store.promote("sentiment", number, actor="tests", reason="test")


def sentiment_engine(service: Service) -> Engine:
    """Whichever model was loaded first."""
    return next(e for e in service.registry.engines() if e.version.name == "sentiment")


async def test_a_load_sees_promote_and_rollback_and_no_failure(
    running: Running, store: Store
) -> None:
    labels = {1: "positive", 2: "negative"}
    seen: list[int] = []
    stop = asyncio.Event()

    async def load(client: httpx.AsyncClient) -> int:
        count = 0
        while not stop.is_set():
            response = await client.post("/v1/sentiment", json={"texts": [GOOD] * 3})
            assert response.status_code == 200
            answer = response.json()
            version = answer["model"]["version"]
            assert {result["label"] for result in answer["results"]} == {labels[version]}
            seen.append(version)
            count += 1
        return count

    async with running() as (service, client):
        loads = [asyncio.create_task(load(client)) for _ in range(8)]
        first = sentiment_engine(service)
        for _ in range(2):
            promote(store, 2)
            await until_version(client, 2)
            store.rollback("sentiment", actor="tests", reason="test")
            await until_version(client, 1)
        stop.set()
        counts = await asyncio.gather(*loads)
        metrics = (await client.get("/metrics")).text
        assert await asyncio.to_thread(first.batcher.join, 10)
    assert min(counts) > 0
    assert {1, 2} == set(seen)
    assert 'valence_model_reload_total{model="sentiment",outcome="loaded"} 5.0' in metrics
    assert metrics.count('valence_model_info{alias="champion"') == 2
    for status in ("429", "500", "503", "504"):
        line = f'valence_requests_total{{route="/v1/sentiment",status="{status}"}} 0.0'
        assert line in metrics


async def test_a_request_keeps_its_engine_while_another_is_swapped_in(
    running: Running, store: Store
) -> None:
    async with running() as (service, client):
        engine = sentiment_engine(service)
        with engine.lease():
            promote(store, 2)
            await until_version(client, 2)
            assert not engine.batcher.join(0)
        assert await asyncio.to_thread(engine.batcher.join, 10)


def damaged_golden(folders: dict[str, Path], target: Path) -> Path:
    folder = shutil.copytree(folders["sentiment"], target)
    lines = (folder / GOLDEN).read_text("utf-8").splitlines()
    entry = json.loads(lines[0])
    entry["answer"]["label"] = "negative"
    (folder / GOLDEN).write_text(json.dumps(entry) + "\n", "utf-8")
    return folder


def no_golden(folders: dict[str, Path], target: Path) -> Path:
    folder = shutil.copytree(folders["sentiment"], target)
    (folder / GOLDEN).unlink()
    return folder


def odd_manifest(folders: dict[str, Path], target: Path) -> Path:
    folder = shutil.copytree(folders["sentiment"], target)
    change_manifest(folder, text="what?")
    return folder


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (damaged_golden, "golden.jsonl line 1: answer.label differs"),
        (no_golden, "golden.jsonl is missing"),
        (odd_manifest, "version_refused"),
    ],
)
async def test_a_version_that_does_not_prove_itself_is_refused(
    running: Running,
    store: Store,
    folders: dict[str, Path],
    tmp_path: Path,
    make: Callable[[dict[str, Path], Path], Path],
    reason: str,
) -> None:
    bad = store.publish("sentiment", make(folders, tmp_path / "bad"))
    async with running() as (service, client):
        with capture_logs() as logged:
            await promoted_and_refused(store, client, bad.number)
        refused = 'valence_model_reload_total{model="sentiment",outcome="refused"} '
        assert await version_of(client) == 1
        await service.registry.served.refresh()  # the next polls do not try again
        assert refused + "1.0" in (await client.get("/metrics")).text
        current = 'valence_model_current{alias="champion",model="sentiment"} '
        assert current + "0.0" in (await client.get("/metrics")).text
        assert (await client.get("/readyz")).status_code == 200
        promote(store, 2)
        await until_version(client, 2)
        assert current + "1.0" in (await client.get("/metrics")).text
    assert reason in str(logged)


async def promoted_and_refused(store: Store, client: httpx.AsyncClient, number: int) -> None:
    promote(store, number)
    line = 'valence_model_reload_total{model="sentiment",outcome="refused"} 1.0'
    await until_metric(client, line)


async def test_one_flipped_byte_is_refused(running: Running, store: Store) -> None:
    entry = store.manifest("sentiment", 2).files["network.safetensors"]
    async with running() as (_, client):
        weights = Path(store.url) / "blobs" / "sha256" / entry.sha256
        damaged = bytearray(weights.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        weights.write_bytes(damaged)
        with capture_logs() as logged:
            await promoted_and_refused(store, client, 2)
        assert await version_of(client) == 1
    assert "network.safetensors" in str(logged)


async def test_after_a_restart_the_version_before_a_bad_one_is_served(
    settings: Callable[..., Settings], store: Store, folders: dict[str, Path], tmp_path: Path
) -> None:
    bad = store.publish("sentiment", damaged_golden(folders, tmp_path / "bad"))
    promote(store, bad.number)
    service = Service(settings())
    async with service.running():
        assert await service.ready(seconds=20)
        _, states = await service.registry.readiness()
    assert states == {"sentiment@champion": "sentiment@1", "tags@champion": "tags@1"}


async def test_a_store_that_goes_away_leaves_the_service_as_it_is(
    running: Running, store: Store, tmp_path: Path
) -> None:
    folder = Path(store.url)
    async with running() as (_, client):
        folder.rename(tmp_path / "elsewhere")
        (tmp_path / "store").write_text("no folder")
        await until_metric(client, "valence_store_up 0.0")
        assert await version_of(client) == 1
        assert (await client.get("/readyz")).status_code == 200
        response = await client.post("/v1/sentiment", json={"text": GOOD, "model": "sentiment@2"})
        assert response.status_code == 503
        assert (await client.get("/v1/models/sentiment")).status_code == 503
        (tmp_path / "store").unlink()
        (tmp_path / "elsewhere").rename(folder)
        await until_metric(client, "valence_store_up 1.0")
        promote(store, 2)
        await until_version(client, 2)


async def test_models_that_come_later_are_loaded_when_they_come(
    settings: Callable[..., Settings], folders: dict[str, Path], tmp_path: Path
) -> None:
    empty = open_store(tmp_path / "empty")
    service = Service(settings(store=empty.url))
    transport = httpx.ASGITransport(service)
    async with (
        service.running(),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        assert not await service.ready(seconds=0.3)
        response = await client.post("/v1/sentiment", json={"text": GOOD})
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {
            "ready": False,
            "models": {"sentiment@champion": "not found", "tags@champion": "not found"},
        }
        for name in ("sentiment", "tags"):
            empty.publish(name, folders[name])
            empty.promote(name, 1, actor="tests", reason="late")
        assert await service.ready(seconds=20)
        assert await version_of(client) == 1


async def test_a_store_that_cannot_be_opened_is_tried_again(
    settings: Callable[..., Settings],
) -> None:
    tries: list[int] = []

    def opening(given: Settings) -> Store:
        tries.append(1)
        if len(tries) < 3:
            raise Unavailable("the bucket does not answer")
        return open_settings_store(given)

    service = Service(settings(), open_store=opening)
    async with service.running():
        assert await service.ready(seconds=20)
    assert len(tries) >= 3


async def test_a_version_that_many_ask_for_is_loaded_once(running: Running) -> None:
    async with running() as (_, client):
        body = {"text": GOOD, "model": "sentiment@2"}
        posts = [client.post("/v1/sentiment", json=body) for _ in range(10)]
        assert {r.json()["model"]["version"] for r in await asyncio.gather(*posts)} == {2}
        metrics = (await client.get("/metrics")).text
    assert 'valence_model_reload_total{model="sentiment",outcome="loaded"} 2.0' in metrics


async def test_a_bad_version_asked_by_number_is_refused_and_remembered(
    running: Running, store: Store, folders: dict[str, Path], tmp_path: Path
) -> None:
    bad = store.publish("sentiment", damaged_golden(folders, tmp_path / "bad"))
    async with running() as (_, client):
        for _ in range(3):
            body = {"text": GOOD, "model": bad.reference}
            response = await client.post("/v1/sentiment", json=body)
            assert response.status_code == 503
            assert "refused" in response.json()["detail"]
        metrics = (await client.get("/metrics")).text
    assert 'valence_model_reload_total{model="sentiment",outcome="refused"} 1.0' in metrics


async def test_time_over_while_a_version_loads(running: Running) -> None:
    async with running() as (_, client):
        body = {"text": GOOD, "model": "sentiment@2", "timeout_ms": 1}
        response = await client.post("/v1/sentiment", json=body)
        assert response.status_code == 504
        body["timeout_ms"] = 20_000
        assert (await client.post("/v1/sentiment", json=body)).json()["model"]["version"] == 2
