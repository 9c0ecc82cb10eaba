"""Where the feedback is: a SQLite file, or a PostgreSQL database. Loads no database library."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from model_store.errors import Invalid
from model_store.location import default_store_url

OFF = "off"
FILE = "feedback.sqlite3"
_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql+psycopg://", "postgresql://", "postgres://")
_ALLOWED = "sqlite:///folder/file or postgresql+psycopg://user@host/database"


@dataclass(frozen=True, slots=True)
class Location:
    """`path`: the file of a SQLite database, None for a server. The URL may hold a password."""

    url: str = field(repr=False)
    path: Path | None = None

    @property
    def shown(self) -> str:
        """The location without user and password."""
        if self.path is not None:
            return str(self.path)
        return "postgresql://" + self.url.partition("://")[2].rpartition("@")[2].partition("?")[0]


def default_feedback_url() -> str:
    """The per-user database, a file beside the default store."""
    return _SQLITE + str(Path(default_store_url()).parent / FILE)


def parse_location(url: str) -> Location:
    """Raises Invalid, without repeating the URL: it may hold a password."""
    if url == OFF:
        raise Invalid("feedback is off; name a database: " + _ALLOWED)
    if url.startswith(_SQLITE):
        return _file(url)
    for prefix in _POSTGRES:
        if url.startswith(prefix) and len(url) > len(prefix):
            return Location(_POSTGRES[0] + url.removeprefix(prefix))
    raise Invalid(f"this is no feedback database; {_ALLOWED} is")


def _file(url: str) -> Location:
    path = url.removeprefix(_SQLITE)
    if not path or path == ":memory:" or "?" in path:
        raise Invalid("a SQLite database is a file: sqlite:///folder/file, without options")
    return Location(_SQLITE + str(Path(path).absolute()), Path(path).absolute())
