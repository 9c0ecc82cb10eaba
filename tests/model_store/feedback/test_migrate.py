"""Tables: as the code believes, made once, found again, and left alone where they are newer."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from judgements import submission
from postgres import Server
from sqlalchemy import create_engine, text

from model_store.errors import Conflict, Invalid, NotFound, Unavailable
from model_store.feedback import default_feedback_url, open_feedback
from model_store.feedback.location import parse_location
from model_store.feedback.migrate import MIGRATIONS
from model_store.feedback.tables import METADATA


def test_the_migrations_make_the_tables_that_the_code_knows(url: str) -> None:
    open_feedback(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == ScriptDirectory(str(MIGRATIONS)).get_current_head()
    engine.dispose()


def test_what_was_kept_is_found_again(url: str) -> None:
    first = open_feedback(url)
    first.add([submission("A")])
    first.close()
    second = open_feedback(url, create=False)
    assert [one.text for one in second.accepted("sentiment")] == ["A"]
    second.ping()
    second.close()


def test_a_newer_database_is_left_alone(url: str) -> None:
    open_feedback(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(Conflict, match="newer Valence"):
        open_feedback(url)
    engine.dispose()


def test_every_migration_is_in_the_wheel() -> None:
    """It holds packages, so each folder must be one."""
    folders = {path.parent for path in MIGRATIONS.rglob("*.py")}
    assert folders == {MIGRATIONS, MIGRATIONS / "versions"}
    assert all((folder / "__init__.py").is_file() for folder in folders)


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "feedback.sqlite3"
    base = open_feedback(f"sqlite:///{path}")
    base.add([submission("A")])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes) >= {path.name, f"{path.name}-wal"}
    assert set(modes.values()) == {0o600}
    base.close()


def test_what_is_erased_is_nowhere_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite3"
    base = open_feedback(f"sqlite:///{path}")
    given = submission("zebra crossing at noon")
    base.add([given])
    assert any(b"zebra crossing" in file.read_bytes() for file in tmp_path.iterdir())
    base.erase(given.prediction.id)
    assert not any(b"zebra crossing" in file.read_bytes() for file in tmp_path.iterdir())
    base.close()


def test_a_missing_file_is_made_only_where_that_is_asked(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no feedback"):
        open_feedback(f"sqlite:///{tmp_path}/none.sqlite3", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Unavailable, match="cannot make"):
        open_feedback(f"sqlite:///{tmp_path}/file/feedback.sqlite3")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite3"
    path.write_bytes(b"zebra crossing at noon, and much more of it" * 100)
    with pytest.raises(Unavailable) as raised:
        open_feedback(f"sqlite:///{path}")
    assert "zebra" not in str(raised.value)


def test_a_file_that_is_locked_for_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_store.feedback.engine.BUSY_SECONDS", 0.01)
    url = f"sqlite:///{tmp_path}/feedback.sqlite3"
    base = open_feedback(url)
    holder = sqlite3.connect(tmp_path / "feedback.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="does not answer"):
        base.add([submission()])
    holder.execute("ROLLBACK")
    holder.close()
    assert len(base.add([submission()])) == 1
    base.close()


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(Unavailable) as raised:
        open_feedback("postgresql://ada:secret-word@127.0.0.1:9/feedback")
    assert "secret-word" not in str(raised.value)


@pytest.mark.ops
def test_why_a_server_refuses_is_told(postgres_server: Server) -> None:
    url = postgres_server.database("there")
    with pytest.raises(Unavailable, match='database "elsewhere" does not exist'):
        open_feedback(url.replace("/there", "/elsewhere"))


@pytest.mark.parametrize(
    "url",
    [
        *("off", "", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a?mode=ro"),
        *("mysql://ada:secret-word@host/x", "postgresql://", "/a/path"),
    ],
)
def test_what_is_no_database(url: str) -> None:
    with pytest.raises(Invalid) as raised:
        open_feedback(url)
    assert "secret-word" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:secret-word@db:5432/valence?sslmode=require", "postgresql://db:5432/valence"),
        ("postgres://db/valence", "postgresql://db/valence"),
        ("sqlite:////var/lib/x.sqlite3", "/var/lib/x.sqlite3"),
    ],
)  # fmt: skip
def test_a_location_is_shown_without_its_password(url: str, shown: str) -> None:
    assert parse_location(url).shown == shown
    assert "secret-word" not in repr(parse_location(url))


def test_the_default_is_beside_the_default_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALENCE_HOME", "/srv/valence")
    assert default_feedback_url() == "sqlite:////srv/valence/feedback.sqlite3"
    assert os.fspath(parse_location(default_feedback_url()).path or "").startswith("/srv/valence")
