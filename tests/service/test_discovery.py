"""The setting `models` left alone: sentiment, tags, and a champion of each task the store has."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from serving import Running

from model_store import Store, open_store
from service.app import Service
from service.discovery import LOOK_EVERY, Discovery
from service.metrics import Metrics
from service.settings import Settings
from service.store_client import StoreClient

pytestmark = pytest.mark.anyio


def add(store: Store, name: str, task: str, folder: Path, *, champion: bool = True) -> None:
    """A version whose manifest names its task and that nobody could load."""
    made = folder / name
    made.mkdir()
    (made / "manifest.json").write_text(json.dumps({"task": task}))
    (made / "weights.onnx").write_bytes(name.encode())
    version = store.publish(name, made)
    if champion:
        store.promote(name, version.number, actor="tests", reason="test")


@pytest.fixture
def looking(tmp_path: Path) -> tuple[Store, Discovery]:
    store = open_store(tmp_path / "discovered")
    client = StoreClient(Settings.model_validate({"store": store.url}), Metrics())
    return store, Discovery(client)


async def test_the_preferred_champion_of_each_task_is_found(
    looking: tuple[Store, Discovery], tmp_path: Path
) -> None:
    store, discovery = looking
    for name in ("aspects-a", "aspects"):
        add(store, name, "aspects", tmp_path)
    for name in ("lm-b", "lm-a"):
        add(store, name, "language-model", tmp_path)
    for name, task in (("sentiment-b", "sentiment"), ("x", "other")):
        add(store, name, task, tmp_path)
    add(store, "aspect-terms", "extraction", tmp_path, champion=False)
    assert await discovery.look(set()) == {
        "aspects@champion": "aspects",
        "lm-a@champion": "language-model",
    }


async def test_it_looks_again_now_and_then_until_all_is_found(
    looking: tuple[Store, Discovery], tmp_path: Path
) -> None:
    store, discovery = looking
    assert await discovery.look(set()) == {}
    add(store, "terms", "extraction", tmp_path)
    add(store, "broken", "aspects", tmp_path)
    manifest = next(Path(store.url).glob("models/broken/versions/1.json"))
    manifest.write_text("{")
    found = [await discovery.look(set()) for _ in range(LOOK_EVERY)]
    assert found == [{}] * (LOOK_EVERY - 1) + [{"terms@champion": "extraction"}]
    for _ in range(2 * LOOK_EVERY):
        assert await discovery.look({"extraction", "aspects", "pairs", "language-model"}) == {}


async def test_a_store_that_does_not_answer_is_looked_at_with_the_next_poll(
    looking: tuple[Store, Discovery], tmp_path: Path
) -> None:
    store, discovery = looking
    add(store, "terms", "extraction", tmp_path)
    folder = Path(store.url)
    folder.rename(tmp_path / "elsewhere")
    assert await discovery.look(set()) == {}
    (tmp_path / "elsewhere").rename(folder)
    assert await discovery.look(set()) == {"terms@champion": "extraction"}


async def test_a_newcomer_is_served_and_a_bad_one_leaves_the_service_ready(
    settings: Callable[..., Settings], store: Store, tmp_path: Path
) -> None:
    add(store, "broken", "aspects", tmp_path)
    service = Service(settings(poll_interval_seconds=0.02))
    transport = httpx.ASGITransport(service)
    async with (
        service.running(),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        assert await service.ready(seconds=30)
        states = (await client.get("/readyz")).json()["models"]
        assert states == {"sentiment@champion": "sentiment@1", "tags@champion": "tags@1",
                          "broken@champion": "refused"}  # fmt: skip
        asked = {"text": "The soup", "aspects": ["soup"]}
        assert (await client.post("/v1/aspects", json=asked)).status_code == 503
        assert (await client.post("/v1/score", json={"text": "x"})).status_code == 404
        add(store, "late", "language-model", tmp_path)
        async with asyncio.timeout(20):
            while "late@champion" not in (await client.get("/readyz")).json()["models"]:
                assert (await client.get("/readyz")).status_code == 200
                await asyncio.sleep(0.01)


async def test_models_that_are_named_are_all_there_is(running: Running) -> None:
    async with running(models="tags,sentiment") as (service, client):
        models = (await client.get("/v1/models")).json()["models"]
        assert [model["reference"] for model in models] == ["tags", "sentiment"]
        assert (await client.post("/v1/score", json={"text": "x"})).status_code == 404
        assert not service.settings.discovers
