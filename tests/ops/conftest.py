"""The house that is watched: made once, for it takes its time."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from house import TEXT, WRITER, Watched, ask_everything, promote_a_copy, replica, scrapes
from prometheus import prometheus, until

from model_store import open_store
from model_store.starter import seed
from nlp.golden import write_golden
from nlp.model import GOLDEN, Model


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., Any]) -> Path:
    """A home whose store holds the starter models and a small language model."""
    root = tmp_path_factory.mktemp("ops")
    store = open_store(root / "store")
    assert seed(store)
    folder = root / WRITER
    make_model("language-model", folder)
    write_golden(Model.load(folder), [TEXT], folder / GOLDEN)
    store.publish(WRITER, folder)
    store.promote(WRITER, 1, actor="tests", reason="fixture")
    return root


@pytest.fixture(scope="session")
def watched(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Everything runs, has had traffic, and was scraped before, during and after it."""
    store = open_store(home / "store", create=False)
    with ExitStack() as stack:
        replicas = tuple(stack.enter_context(replica(home)) for _ in range(2))
        addresses = [one.address for one in replicas]
        folder = tmp_path_factory.mktemp("prometheus")
        found = stack.enter_context(prometheus(folder, addresses))
        until(lambda: scrapes(found) >= 3)
        promote_a_copy(store, home)
        for _ in range(3):
            for one in replicas:
                ask_everything(one.url)
            time.sleep(1)
        before = scrapes(found)
        until(lambda: scrapes(found) >= before + 3)
        until(lambda: bool(found.query("job:valence_requests_failed:ratio_rate3d")))
        yield Watched(found, replicas, store, time.time())
