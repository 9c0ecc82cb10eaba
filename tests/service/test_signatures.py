"""A service that is told whose signatures to trust: it serves those versions and no others."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from serving import Running
from structlog.testing import capture_logs

from model_store import SigningKey, Store, moves, open_store
from model_store.keys import make_key
from model_store.names import manifest_key, signature_key
from model_store.starter import FOLDER
from service.app import Service
from service.loader import open_settings_store
from service.settings import Settings

pytestmark = pytest.mark.anyio
GOOD = "A warm, funny and beautifully acted film."
Predicate = Callable[[], bool]


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """The folder of trusted keys."""
    folder = tmp_path / "trust"
    folder.mkdir()
    return folder


@pytest.fixture
def new_key(tmp_path: Path, trust: Path) -> Callable[..., SigningKey]:
    def make(name: str, *, trusted: bool = True) -> SigningKey:
        key, public = make_key(tmp_path / f"{name}.pem")
        if trusted:
            public.rename(trust / public.name)
        return key

    return make


@pytest.fixture
def key(store: Store, new_key: Callable[..., SigningKey]) -> SigningKey:
    """A trusted key that has signed the champions, version 1 of each."""
    made = new_key("ada")
    for name in ("sentiment", "tags"):
        store.sign(name, 1, made, signer="tests")
    return made


def promote(store: Store, number: int) -> None:
    store.promote("sentiment", number, actor="tests", reason="test")


async def version_of(client: httpx.AsyncClient, model: str = "sentiment") -> int:
    response = await client.post("/v1/sentiment", json={"text": GOOD, "model": model})
    assert response.status_code == 200, response.text
    version: int = response.json()["model"]["version"]
    return version


def refused(service: Service, reason: str = "signature", name: str = "sentiment") -> float | None:
    labels = {"model": name, "reason": reason}
    return service.metrics.registry.get_sample_value("valence_model_refused_total", labels)


async def until(done: Predicate) -> None:
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0.01)


async def until_version(client: httpx.AsyncClient, version: int) -> None:
    async with asyncio.timeout(20):
        while await version_of(client) != version:
            await asyncio.sleep(0.01)


# -- refused, and the old one serves on ----------------------------------------------------------


async def test_an_unsigned_version_is_refused_until_it_is_signed(
    running: Running, store: Store, key: SigningKey, trust: Path
) -> None:
    async with running(trusted_keys=str(trust)) as (service, client):
        with capture_logs() as logged:
            promote(store, 2)
            await until(lambda: refused(service) == 1)
            for _ in range(3):  # a poll does not tell it again
                await service.registry.served.refresh()
        assert await version_of(client) == 1
        assert (await client.get("/readyz")).status_code == 200
        assert [entry["event"] for entry in logged] == ["version_refused"]
        assert "valence models sign sentiment@2 --key FILE" in logged[0]["reason"]
        assert refused(service) == 1
        store.sign("sentiment", 2, key, signer="tests")
        await until_version(client, 2)
        metrics = (await client.get("/metrics")).text
    assert "valence_signatures_required 1.0" in metrics
    assert 'valence_model_reload_total{model="sentiment",outcome="refused"} 0.0' in metrics


async def test_an_altered_manifest_is_refused_with_its_old_signature(
    running: Running, store: Store, key: SigningKey, trust: Path
) -> None:
    store.sign("sentiment", 2, key, signer="tests")
    path = Path(store.url) / manifest_key("sentiment", 2)
    body = path.read_bytes()
    async with running(trusted_keys=str(trust)) as (service, client):
        path.write_bytes(body.replace(b'"positive"', b'"negative"', 1))
        with capture_logs() as logged:
            promote_unseen(store, 2)
            await until(lambda: refused(service) == 1)
        assert await version_of(client) == 1
        assert "another version or other bytes" in str(logged)
        path.write_bytes(body)
        await until_version(client, 2)


def promote_unseen(store: Store, number: int) -> None:
    """As somebody does who may write the alias's log: `promote` itself reads the manifest."""
    promote(open_store(store.url), number)


async def test_a_signature_of_another_key_or_another_version_is_refused(
    running: Running, store: Store, key: SigningKey, new_key: Callable[..., SigningKey], trust: Path
) -> None:
    stranger = new_key("stranger", trusted=False)
    store.sign("sentiment", 2, stranger, signer="tests")
    async with running(trusted_keys=str(trust)) as (service, client):
        promote(store, 2)
        await until(lambda: refused(service) == 1)
        other = store.objects.read(signature_key("sentiment", 1, key.keyid))
        store.objects.create(signature_key("sentiment", 2, key.keyid), other)
        await until(lambda: refused(service) == 2)  # wrong in another way: told again
        assert await version_of(client) == 1


async def test_a_blob_that_differs_from_a_signed_manifest_is_refused_for_its_digest(
    running: Running, store: Store, key: SigningKey, trust: Path
) -> None:
    store.sign("sentiment", 2, key, signer="tests")
    entry = store.manifest("sentiment", 2).files["golden.jsonl"]
    blob = Path(store.url) / "blobs" / "sha256" / entry.sha256
    blob.write_bytes(blob.read_bytes()[:-1] + b"\x00\x01")
    async with running(trusted_keys=str(trust)) as (service, client):
        promote(store, 2)
        await until(lambda: refused(service, "digest") == 1)
        assert await version_of(client) == 1
        assert [refused(service, one) for one in ("signature", "answers", "other")] == [0, 0, 0]


# -- keys come and go ----------------------------------------------------------------------------


@pytest.mark.usefixtures("key")
async def test_keys_rotate_without_a_restart(
    running: Running, store: Store, new_key: Callable[..., SigningKey], trust: Path
) -> None:
    other = new_key("bo", trusted=False)
    store.sign("sentiment", 2, other, signer="tests")
    async with running(trusted_keys=str(trust)) as (service, client):
        promote(store, 2)
        await until(lambda: refused(service) == 1)
        (trust.parent / "bo.pub.pem").rename(trust / "bo.pub.pem")  # key B is added
        await until_version(client, 2)
        (trust / "ada.pub.pem").unlink()  # key A is removed
        store.rollback("sentiment", actor="tests", reason="test")
        await until(lambda: refused(service) == 2)
        assert await version_of(client) == 2, "version 1 is signed by A alone"
        store.sign("sentiment", 1, other, signer="tests")
        await until_version(client, 1)


async def test_a_version_that_is_served_outlives_its_key_until_it_is_loaded_again(
    running: Running, key: SigningKey, trust: Path
) -> None:
    async with running(trusted_keys=str(trust)) as (service, client):
        (trust / "revoked.txt").write_text(key.keyid)
        await until(lambda: refused(service) == 1)
        assert await version_of(client) == 1
        assert (await client.get("/readyz")).status_code == 200
        (trust / "revoked.txt").unlink()
        await until(lambda: not service.registry.served.faults)
        (trust / "ada.pub.pem").write_text("half a key")
        metric = "valence_store_up"
        await until(lambda: service.metrics.registry.get_sample_value(metric) == 0)
        assert await version_of(client) == 1


@pytest.mark.usefixtures("key")
async def test_each_start_asks_again_whatever_lies_in_the_cache(
    settings: Callable[..., Settings], running: Running, trust: Path
) -> None:
    async with running(trusted_keys=str(trust)):
        pass
    (trust / "ada.pub.pem").unlink()
    service = Service(settings(trusted_keys=str(trust)))
    transport = httpx.ASGITransport(service)
    async with (
        service.running(),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        await until(lambda: "refused" in service.registry.served.faults.values())
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["models"]["sentiment@champion"]) == (503, "refused")
        assert (await client.post("/v1/sentiment", json={"text": GOOD})).status_code == 503
        assert not service.registry.engines()


async def test_after_a_restart_the_last_signed_version_is_served(
    settings: Callable[..., Settings], store: Store, key: SigningKey, folders: dict[str, Path],
    trust: Path,
) -> None:  # fmt: skip
    store.publish("sentiment", folders["sentiment"])
    for number in (2, 3):
        promote(store, number)
    service = Service(settings(trusted_keys=str(trust)))
    async with service.running():
        assert await service.ready(seconds=20)
        _, states = await service.registry.readiness()
        assert states["sentiment@champion"] == "sentiment@1"
        assert refused(service) == 2
    store.sign("sentiment", 2, key, signer="tests")
    service = Service(settings(trusted_keys=str(trust)))
    async with service.running():
        assert await service.ready(seconds=20)
        assert (await service.registry.readiness())[1]["sentiment@champion"] == "sentiment@2"


async def test_a_signature_that_comes_for_an_earlier_version_is_found_while_none_is_served(
    settings: Callable[..., Settings], store: Store, new_key: Callable[..., SigningKey],
    trust: Path,
) -> None:  # fmt: skip
    key = new_key("ada")
    promote(store, 2)
    service = Service(settings(trusted_keys=str(trust)))
    async with service.running():
        await until(lambda: refused(service) == 2)
        for name in ("sentiment", "tags"):
            store.sign(name, 1, key, signer="tests")
        assert await service.ready(seconds=20)
        assert (await service.registry.readiness())[1]["sentiment@champion"] == "sentiment@1"


# -- other doors ---------------------------------------------------------------------------------


async def test_a_version_asked_by_number_stands_behind_the_same_check(
    running: Running, store: Store, key: SigningKey, trust: Path
) -> None:
    async with running(trusted_keys=str(trust)) as (service, client):
        for _ in range(3):
            body = {"text": GOOD, "model": "sentiment@2"}
            response = await client.post("/v1/sentiment", json=body)
            assert (response.status_code, response.headers["retry-after"]) == (503, "60")
            assert "refused" in response.json()["detail"]
        assert refused(service) == 1
        assert (await client.get("/v1/models/sentiment")).json()["versions"] == [1, 2]
        store.sign("sentiment", 2, key, signer="tests")
        assert await version_of(client, "sentiment@2") == 2


@pytest.mark.usefixtures("key")
async def test_further_tasks_are_found_only_where_they_are_signed(
    running: Running, store: Store, folders: dict[str, Path], trust: Path
) -> None:
    store.publish("aspects", folders["sentiment"])
    store.promote("aspects", 1, actor="tests", reason="unsigned")
    async with running(models="auto", trusted_keys=str(trust)) as (service, _):
        await until(lambda: refused(service, name="aspects") == 1)
        assert len(service.registry.engines()) == 2


@pytest.mark.usefixtures("key")
async def test_without_trusted_keys_nothing_is_asked_for(running: Running) -> None:
    async with running() as (_, client):
        assert await version_of(client, "sentiment@2") == 2
        metrics = (await client.get("/metrics")).text
    assert "valence_signatures_required 0.0" in metrics
    for reason in ("signature", "digest", "answers", "other"):
        line = f'valence_model_refused_total{{model="sentiment",reason="{reason}"}} 0.0'
        assert line in metrics


@pytest.mark.parametrize("writable", [True, False])
async def test_the_starters_are_refused_until_they_are_signed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trust: Path, writable: bool
) -> None:
    if not FOLDER.is_dir():
        pytest.skip("this checkout ships no starter models")
    home = tmp_path / "home"
    if not writable:
        home.write_text("a file where the folder should be")
    monkeypatch.delenv("VALENCE_STORE", raising=False)
    monkeypatch.setenv("VALENCE_HOME", str(home))
    made = make_key(tmp_path / "ada.pem")[1]
    made.rename(trust / made.name)
    given = {"poll_interval_seconds": 0.05, "cache_folder": tmp_path / "cache"}
    service = Service(Settings.model_validate({**given, "trusted_keys": str(trust)}))
    with capture_logs() as logged:
        async with service.running():
            names = ("sentiment", "tags", "aspects", "aspect-terms")
            await until(lambda: all(refused(service, name=name) == 1 for name in names))
            faults = service.registry.served.faults
            await until(lambda: set(faults.values()) == {"refused"})
            assert not (await service.registry.readiness())[0]
    assert "valence models sign tags@1 --key FILE" in str(logged)
    assert open_settings_store(service.settings).trusted is not None


def test_the_rollback_command_says_the_services_own_poll_interval() -> None:
    assert Settings.model_fields["poll_interval_seconds"].default == moves.POLL_SECONDS
