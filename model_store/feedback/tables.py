"""The one table, as the newest migration leaves it (a test compares the two)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

METADATA = MetaData()


class Moment(TypeDecorator[datetime]):
    """An aware time. SQLite keeps no zone: it is written, and read, as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


JUDGEMENTS = Table(
    "judgements",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("prediction", String(32), nullable=False),
    Column("model", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("task", String(64), nullable=False),
    Column("text_digest", String(64), nullable=False),
    Column("predicted", Text),
    Column("score", Double, nullable=False),
    Column("right", Boolean, nullable=False),
    Column("label", Text),
    Column("spans", Text),
    Column("fingerprint", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("text", Text),
    Column("text_until", Moment),
    Column("received", Moment, nullable=False),
    Column("decided", Moment),
    Column("actor", Text, nullable=False),
    UniqueConstraint("prediction", "fingerprint", name="one_row_a_judgement"),
    Index(
        "one_accepted_a_prediction",
        "prediction",
        unique=True,
        sqlite_where=text("status = 'accepted'"),
        postgresql_where=text("status = 'accepted'"),
    ),
    Index("judgements_by_text", "model", "text_digest"),
    Index("judgements_by_time", "model", "status", "received"),
    Index("judgements_by_text_until", "text_until"),
)
"""spans: JSON, null where there is a label. fingerprint: of label or spans. reason: "" for none."""
