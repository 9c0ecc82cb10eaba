"""Rows of the table to judgements and back, and pages of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Row, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from model_store.feedback.engine import POSTGRES, answering
from model_store.feedback.judgement import Judgement, Submission, from_json, to_json
from model_store.feedback.quarantine import Decision
from model_store.feedback.tables import JUDGEMENTS

PAGE: Final = 500


def to_row(submission: Submission, decision: Decision, received: datetime) -> dict[str, Any]:
    """The values of a new row."""
    prediction = submission.prediction
    kept = submission.text is not None and submission.text_until is not None
    return {
        "prediction": prediction.id,
        "model": prediction.model,
        "version": prediction.version,
        "digest": prediction.digest,
        "task": prediction.task,
        "text_digest": prediction.text_digest,
        "predicted": prediction.predicted,
        "score": prediction.score,
        "right": submission.right,
        "label": submission.label,
        "spans": to_json(submission.spans) if submission.label is None else None,
        "fingerprint": submission.fingerprint,
        "status": decision.outcome,
        "reason": decision.reason,
        "text": submission.text if kept else None,
        "text_until": submission.text_until if kept else None,
        "received": received,
        "actor": "",
    }


def to_judgement(row: Row[Any], now: datetime) -> Judgement:
    """A text past its date is none, whether or not a purge has been here."""
    expired = row.text_until is None or row.text_until <= now
    return Judgement(
        id=row.prediction,
        model=row.model,
        version=row.version,
        task=row.task,
        predicted=row.predicted,
        score=row.score,
        right=row.right,
        label=row.label,
        spans=from_json(row.spans),
        text=None if expired else row.text,
        received=row.received,
        number=row.number,
        status=row.status,
        reason=row.reason,
        digest=row.digest,
        text_until=row.text_until,
        decided=row.decided,
        actor=row.actor,
    )


def insert_once(dialect: str, values: dict[str, Any]) -> Any:  # noqa: ANN401 - a dialect's own
    """An insert that does nothing where a constraint says that somebody was here before."""
    insert = postgresql.insert if dialect == POSTGRES else sqlite.insert
    return insert(JUDGEMENTS).values(values).on_conflict_do_nothing()


def pages(
    engine: Engine, where: Sequence[ColumnElement[bool]], now: datetime
) -> Iterator[Judgement]:
    """Oldest first, a page a transaction: a reader that takes hours keeps nobody waiting."""
    table = JUDGEMENTS.c
    place = tuple_(table.received, table.number)
    wanted = select(JUDGEMENTS).where(*where).order_by(table.received, table.number).limit(PAGE)
    page = _page(engine, wanted)
    while page:
        yield from (to_judgement(row, now) for row in page)
        last = (page[-1].received, page[-1].number)
        page = _page(engine, wanted.where(place > last)) if len(page) == PAGE else []


def _page(engine: Engine, wanted: Any) -> Sequence[Row[Any]]:  # noqa: ANN401 - select's own type
    with answering(), engine.connect() as connection:
        return connection.execute(wanted).all()
