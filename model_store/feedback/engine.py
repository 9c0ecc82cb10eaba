"""Connections: how SQLite and PostgreSQL are talked to, and what is said when they fail."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from model_store.contest import rounds
from model_store.errors import Invalid, NotFound, Unavailable
from model_store.feedback.location import Location

POSTGRES: Final = "postgresql"
WRITES: Final[dict[str, Any]] = {"writes": True}
"""Execution options of a connection whose transactions write."""

CONNECT_SECONDS: Final = 5
BUSY_SECONDS: Final = 10
POOL: Final = 4
SHARE_ATTEMPTS: Final = 20


@contextmanager
def answering() -> Iterator[None]:
    """The driver's errors as Unavailable. Their own messages may hold a text: only why a server
    refused us, SQLSTATE, or else the class is told.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = _cause(error.orig if isinstance(error, DBAPIError) else error)
        raise Unavailable(f"the feedback database refuses or does not answer ({cause})") from None


def _cause(error: BaseException | None) -> str:
    """A fatal error is about the connection (the password, the database's name), not about what
    was sent over it.
    """
    fatal = str(error).partition("FATAL:")[2].partition("\n")[0].strip()
    return fatal or getattr(error, "sqlstate", None) or type(error).__name__


def make_engine(location: Location, *, create: bool) -> Engine:
    """Raises NotFound, Unavailable for a file that is not there or cannot be, Invalid."""
    if location.path is not None:
        _prepare(location.path, create=create)
        return _sqlite(location.url)
    if find_spec("psycopg") is None:
        raise Invalid("PostgreSQL needs the extra: pip install 'valence-nlp[postgres]'")
    return _postgres(location.url)


def _prepare(path: Path, *, create: bool) -> None:
    """The file, made where it is missing, for its owner only; so are those that SQLite adds."""
    if path.is_file():
        return
    if not create:
        raise NotFound(f"there is no feedback at {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise Unavailable(f"cannot make the feedback file {path}: {error.strerror}") from None


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(raw: Any, _: object) -> None:  # noqa: ANN401 - a driver's connection
    """Transactions are begun by `_begin`, not by the driver's guesses. What is erased is erased."""
    raw.isolation_level = None
    cursor = raw.cursor()
    for pragma in ("synchronous=FULL", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """A writer takes the lock at once: one that reads first could not wait for it later."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def share(engine: Engine) -> None:
    """Readers beside a writer (WAL), which the file then remembers. To change that takes a moment
    in which nobody else has it open, so whoever meets others tries again.
    """
    for _ in rounds(SHARE_ATTEMPTS):
        with suppress(sqlite3.OperationalError):
            pragma(engine, "journal_mode=WAL")
            return
    raise Unavailable("the feedback file is busy, or cannot be written")


def pragma(engine: Engine, setting: str) -> None:
    """Outside any transaction."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute(f"PRAGMA {setting}").fetchall()
    finally:
        raw.close()


def _postgres(url: str) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        pool_size=POOL,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": 1000 * BUSY_SECONDS,
            "application_name": "valence",
        },
    )
