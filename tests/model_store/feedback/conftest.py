"""Feedback databases: a SQLite file always, a real PostgreSQL with `-m ops`."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import Server

from model_store.feedback import open_feedback
from model_store.feedback.base import FeedbackBase


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.ops)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that nobody has opened yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/home/feedback.sqlite3"
    server: Server = request.getfixturevalue("postgres_server")
    return server.database(f"tests_{secrets.token_hex(6)}")


@pytest.fixture
def base(url: str) -> Iterator[FeedbackBase]:
    opened = open_feedback(url)
    yield opened
    opened.close()
