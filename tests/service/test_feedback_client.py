"""The database beside the event loop: bounded, patient, tended, and back when it is back."""

import asyncio
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from judgements import submission
from postgres import Server
from serving import scripted
from structlog.testing import capture_logs

from model_store.feedback import open_feedback
from model_store.feedback.base import FeedbackBase
from service.fakes import ScriptedModel
from service.feedback_client import CALLS, WAITING, FeedbackClient
from service.logs import configure
from service.metrics import Metrics
from service.patience import Patience
from service.problems import DeadlinePassed, NotReady, Overloaded
from service.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/feedback.sqlite3"


def made(url: str, **changes: Any) -> FeedbackClient:  # noqa: ANN401
    return FeedbackClient(Settings.model_validate({"feedback": url, **changes}), Metrics())


class Blocked:
    """Work that waits until it is let go."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.go = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, _: FeedbackBase) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.go.wait(20)
        with self._lock:
            self.running -= 1
        return "done"


async def until(holds: Any) -> None:  # noqa: ANN401
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never held")


async def test_calls_are_bounded_and_so_are_those_that_wait(url: str) -> None:
    client, work = made(url), Blocked()
    tasks = [asyncio.create_task(client.run(work)) for _ in range(CALLS + WAITING)]
    await until(lambda: work.running == CALLS)
    with pytest.raises(Overloaded):
        await client.run(work)
    work.go.set()
    assert set(await asyncio.gather(*tasks)) == {"done"}
    assert work.most == CALLS
    client.close()


async def test_a_callers_time_ends_and_its_place_is_kept_until_the_work_ends(url: str) -> None:
    client, work = made(url), Blocked()
    patiences = [Patience(None, time.monotonic() + 0.2) for _ in range(CALLS + 1)]
    ran = await asyncio.gather(
        *(client.run(work, patience) for patience in patiences), return_exceptions=True
    )
    assert [type(one) for one in ran] == [DeadlinePassed] * (CALLS + 1)
    assert work.running == CALLS
    work.go.set()
    await until(lambda: work.running == 0)
    assert await client.run(lambda base: base.models()) == []
    client.close()


async def test_callers_do_not_wait_one_after_the_other_for_a_server_that_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("model_store.feedback.engine.CONNECT_SECONDS", 2)
    callers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: callers.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = made(f"postgresql://ada:secret-word@127.0.0.1:{port}/feedback")
    with capture_logs() as logs:
        tasks = [client.run(lambda base: base.models()) for _ in range(CALLS)]
        ran = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in ran] == [NotReady] * CALLS
    assert len(callers) == 1
    assert [entry["event"] for entry in logs] == ["feedback_unavailable"]
    assert "secret-word" not in str(logs)
    server.close()
    for writer in callers:
        writer.close()


async def ready() -> bool:
    return True


async def test_texts_past_their_date_are_blanked_by_and_by(url: str) -> None:
    configure(level="info", style="json")
    with open_feedback(url) as base:
        base.add([submission("A", until=datetime.now(UTC) - timedelta(seconds=1))])
    client = made(url)
    with capture_logs() as logs:
        watching = asyncio.create_task(client.watch(ready))
        await until(lambda: logs)
        watching.cancel()
    (entry,) = logs
    assert (entry["event"], entry["texts"], entry["rows"]) == ("feedback_purged", 1, 0)
    client.close()


async def test_a_default_database_that_is_not_there_is_not_made(url: str, tmp_path: Path) -> None:
    for feedback in (url, "off"):
        watching = asyncio.create_task(made(feedback).watch(ready))
        await asyncio.sleep(0.05)
        watching.cancel()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.ops
async def test_a_server_that_goes_and_comes_back(postgres_server: Server) -> None:
    client = made(postgres_server.database(f"service_{secrets.token_hex(6)}"))
    given = submission("A")
    assert (await client.run(lambda base: base.add([given])))[0].outcome == "accepted"
    postgres_server.stop()
    for _ in range(2):
        with pytest.raises(NotReady):
            await client.run(lambda base: base.add([given]))
    postgres_server.start()
    assert (await client.run(lambda base: base.add([given])))[0].outcome == "duplicate"
    client.close()


@pytest.mark.ops
async def test_two_replicas_share_what_they_are_told(postgres_server: Server) -> None:
    """The receipt of one is judged at the other; each sees what the other has taken."""
    shared: dict[str, Any] = {
        "feedback": postgres_server.database(f"replicas_{secrets.token_hex(6)}"),
        "receipt_keys": secrets.token_hex(32),
    }
    async with (
        scripted(ScriptedModel(), **shared) as (_, one),
        scripted(ScriptedModel(), **shared) as (_, other),
    ):
        body = {"text": "Good soup.", "receipts": True}
        (answer,) = (await one.post("/v1/sentiment", json=body)).json()["results"]
        item = {"id": answer["id"], "receipt": answer["receipt"], "label": "negative"}
        posts = (client.post("/v1/feedback", json={"items": [item]}) for client in (one, other) * 4)
        found = [done.json()["results"][0]["outcome"] for done in await asyncio.gather(*posts)]
    assert sorted(found) == ["accepted"] + ["duplicate"] * 7
