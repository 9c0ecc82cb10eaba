"""The tables brought up to date, by one process however many start together.

PostgreSQL: an advisory lock, held by the transaction. SQLite: the transaction is immediate, so it
holds the one write lock from its first statement. Whoever comes second finds nothing left to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Engine, text

from model_store.errors import Conflict
from model_store.feedback.engine import POSTGRES, WRITES

MIGRATIONS: Final = Path(__file__).parent / "migrations"
LOCK: Final = 0x76616C656E6365  # "valence"


def migrate(engine: Engine) -> None:
    """Raises Conflict for a database that a newer Valence made."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        if engine.dialect.name == POSTGRES:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise Conflict(
                "the feedback database was made by a newer Valence; upgrade this one"
            ) from None
