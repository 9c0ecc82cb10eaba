"""The store seen from the event loop: slow, broken, unwritable."""

import asyncio
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from model_store import NotFound, Store, Unavailable, Version
from model_store.starter import FOLDER
from service.engine import Engine
from service.loader import Loaded, open_settings_store
from service.metrics import Metrics
from service.on_demand import OnDemand
from service.patience import Patience
from service.problems import NotReady
from service.settings import Settings
from service.store_client import RefusedVersionError, StoreClient

pytestmark = pytest.mark.anyio

STARTERS = ["aspect-terms", "aspects", "sentiment", "tags"]


def store_up(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("valence_store_up")


async def test_a_store_that_hangs_is_unavailable_and_holds_nobody(
    settings: Callable[..., Settings],
) -> None:
    metrics, hang = Metrics(), threading.Event()
    client = StoreClient(settings(), metrics)
    with pytest.raises(Unavailable, match=r"within 0\.05 seconds"):
        await client.run(lambda _: hang.wait(10), seconds=0.05)
    assert store_up(metrics) == 0
    assert (await client.resolve("sentiment")).number == 1
    assert store_up(metrics) == 1
    hang.set()


async def test_what_goes_wrong_in_the_thread_comes_out_where_it_is_awaited(
    settings: Callable[..., Settings],
) -> None:
    client = StoreClient(settings(), Metrics())
    with pytest.raises(ZeroDivisionError):
        await client.run(lambda _: 1 // 0)
    with pytest.raises(NotFound):
        await client.resolve("nosuch")


async def test_a_load_has_one_of_three_outcomes(
    settings: Callable[..., Settings], store: Store, tmp_path: Path
) -> None:
    metrics = Metrics()
    metrics.model("sentiment")

    def count(outcome: str) -> float | None:
        labels = {"model": "sentiment", "outcome": outcome}
        return metrics.registry.get_sample_value("valence_model_reload_total", labels)

    client = StoreClient(settings(), metrics)
    good = store.resolve("sentiment@1")
    assert (await client.load(good)).version == good
    with pytest.raises(RefusedVersionError):
        await client.load(Version("sentiment", 99, "0" * 64))
    Path(store.url).rename(tmp_path / "elsewhere")
    (tmp_path / "store").write_text("no folder")
    with pytest.raises(Unavailable):
        await client.load(good)
    assert [count(outcome) for outcome in ("loaded", "refused", "unavailable")] == [1, 1, 1]


async def test_a_cache_that_cannot_be_written_is_replaced(
    settings: Callable[..., Settings], store: Store, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    client = StoreClient(settings(cache_folder=tmp_path / "file" / "cache"), Metrics())
    with capture_logs() as logged:
        assert (await client.load(store.resolve("sentiment"))).version.number == 1
    assert [entry["event"] for entry in logged] == ["cache_not_writable"]
    shutil.rmtree(logged[0]["using"])


async def test_a_version_that_cannot_be_fetched_may_be_asked_again(
    settings: Callable[..., Settings],
) -> None:
    def gone(_: Settings) -> Store:
        raise Unavailable("the bucket does not answer")

    def never(_: Loaded) -> Engine:
        raise AssertionError("nothing was loaded")

    client = StoreClient(settings(), Metrics(), gone)
    on_demand = OnDemand(2, client, never)
    for _ in range(2):
        patience = Patience(None, asyncio.get_running_loop().time() + 10)
        with pytest.raises(NotReady, match="store does not answer"):
            await on_demand.engine(Version("sentiment", 1, "0" * 64), patience)


def test_where_no_store_can_be_made_the_shipped_one_is_served(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not FOLDER.is_dir():
        pytest.skip("this checkout ships no starter models")
    (tmp_path / "home").write_text("a file where the folder should be")
    monkeypatch.delenv("VALENCE_STORE", raising=False)
    monkeypatch.setenv("VALENCE_HOME", str(tmp_path / "home"))
    store = open_settings_store(Settings())
    assert store.objects.read_only
    assert store.names() == STARTERS


def test_the_default_store_is_seeded_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not FOLDER.is_dir():
        pytest.skip("this checkout ships no starter models")
    monkeypatch.delenv("VALENCE_STORE", raising=False)
    monkeypatch.setenv("VALENCE_HOME", str(tmp_path))
    first, second = (open_settings_store(Settings()) for _ in range(2))
    assert first.names() == second.names() == STARTERS
    assert first.versions("sentiment") == second.versions("sentiment")
