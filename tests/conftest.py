"""Fixtures that several packages' tests share: real, small models in a real store."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from postgres import Server, binaries, postgres

settings.register_profile("valence", deadline=None)  # tests assert nothing about time
settings.load_profile("valence")

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for default stores, feedback and keys: no test touches the developer's own."""
    folder = tmp_path_factory.mktemp("home")
    before = os.environ.get("VALENCE_HOME")
    os.environ["VALENCE_HOME"] = str(folder)
    yield folder
    del os.environ["VALENCE_HOME"]
    if before is not None:
        os.environ["VALENCE_HOME"] = before


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets; tests that need it skip loudly where it is absent."""
    folder = Path(os.environ.get("VALENCE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no data sets: set VALENCE_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A real PostgreSQL; for tests marked `ops`."""
    programs = binaries()
    assert programs is not None, "the ops tests need PostgreSQL: apt-get install postgresql"
    with postgres(programs) as server:
        yield server


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Any]:
    """A function (task, folder, *, seed=0, epochs=60, **sizes) -> Model: a small network that has
    learnt our own sentences by heart, exported to `folder`.
    """
    pytest.importorskip("torch")
    from tiny import overfit

    return overfit


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., Any]) -> Path:
    """A local store with small models `sentiment` and `tags`, version 1, alias champion."""
    from model_store import open_store

    root = tmp_path_factory.mktemp("tiny") / "store"
    store = open_store(root)
    for name, task in (("sentiment", "sentiment"), ("tags", "tagging")):
        folder = tmp_path_factory.mktemp(name)
        make_model(task, folder)
        version = store.publish(name, folder)
        store.promote(name, version.number, actor="tests", reason="fixture")
    return root
