"""The feedback database. Every method is one short transaction, or pages of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Update,
    case,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from model_store.contest import rounds
from model_store.errors import Conflict, NotFound
from model_store.feedback.engine import POSTGRES, WRITES, answering, make_engine, pragma, share
from model_store.feedback.judgement import (
    ACCEPTED,
    DUPLICATE,
    QUARANTINED,
    REJECTED,
    Added,
    Bounds,
    Judgement,
    Purged,
    Submission,
)
from model_store.feedback.location import Location
from model_store.feedback.migrate import migrate
from model_store.feedback.quarantine import decide, lock_texts
from model_store.feedback.rows import insert_once, pages, to_row
from model_store.feedback.tables import JUDGEMENTS

WRITE_SECONDS = 15
TABLE = JUDGEMENTS.c


def open_base(location: Location, *, create: bool) -> FeedbackBase:
    """See `model_store.feedback.open_feedback`."""
    engine = make_engine(location, create=create)
    try:
        with answering():
            if location.path is not None:
                share(engine)
            migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return FeedbackBase(engine, location)


class FeedbackBase:
    """Safe to share between threads; processes open their own. Methods raise Unavailable.

    `with base:` closes it where the block ends.
    """

    def __init__(self, engine: Engine, location: Location) -> None:
        self.location = location
        self._engine = engine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def ping(self) -> None:
        """Ask for nothing. Raises Unavailable."""
        with answering(), self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def add(
        self,
        submissions: Sequence[Submission],
        *,
        bounds: Bounds | None = None,
        now: datetime | None = None,
    ) -> list[Added]:
        """Keep judgements, all or none; what became of each, in order. To add one twice is no harm.

        bounds: when one is put aside (default: `Bounds()`).
        """
        moment = now or datetime.now(UTC)
        with self._writing() as connection:
            lock_texts(connection, submissions)
            return [
                _add(connection, submission, bounds or Bounds(), moment)
                for submission in submissions
            ]

    def accepted(
        self,
        model: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        now: datetime | None = None,
    ) -> Iterator[Judgement]:
        """Accepted judgements that have a text, oldest first; received from `since` to `until`,
        half-open.
        """
        moment = now or datetime.now(UTC)
        where = [TABLE.status == ACCEPTED, TABLE.text.is_not(None), TABLE.text_until > moment]
        return pages(self._engine, [*where, *_within(model, since, until)], moment)

    def judgements(
        self,
        model: str | None = None,
        *,
        status: str | None = None,
        id: str | None = None,  # noqa: A002
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Judgement]:
        """Every row, oldest first, of one model, status or prediction where that is given."""
        where = _within(model, since, until)
        if status is not None:
            where.append(TABLE.status == status)
        if id is not None:
            where.append(TABLE.prediction == id)
        return pages(self._engine, where, datetime.now(UTC))

    def models(self) -> list[str]:
        """The models that have judgements, in alphabetical order."""
        wanted = select(TABLE.model).distinct().order_by(TABLE.model)
        with answering(), self._engine.connect() as connection:
            return list(connection.scalars(wanted))

    def counts(self, model: str, *, now: datetime | None = None) -> dict[str, int]:
        """Of a model: accepted, right (of those), with_text (of those), quarantined, rejected."""
        moment = now or datetime.now(UTC)
        accepted = TABLE.status == ACCEPTED
        wanted = {
            ACCEPTED: accepted,
            "right": accepted & TABLE.right,
            "with_text": accepted & TABLE.text.is_not(None) & (TABLE.text_until > moment),
            QUARANTINED: TABLE.status == QUARANTINED,
            REJECTED: TABLE.status == REJECTED,
        }
        sums = [func.coalesce(func.sum(case((holds, 1), else_=0)), 0) for holds in wanted.values()]
        with answering(), self._engine.connect() as connection:
            found = connection.execute(select(*sums).where(TABLE.model == model)).one()
        return {name: int(count) for name, count in zip(wanted, found, strict=True)}

    def release(self, id: str, *, number: int | None = None, actor: str = "") -> Judgement:  # noqa: A002
        """Accept a judgement that was put aside.

        number: which, where a prediction has several.

        Raises:
            NotFound: there is none in quarantine.
            Conflict: there are several, or another judgement of the prediction is accepted.
        """
        return self._decide(id, number, (QUARANTINED,), ACCEPTED, actor)

    def reject(self, id: str, *, number: int | None = None, actor: str = "") -> Judgement:  # noqa: A002
        """Never use a judgement, accepted or put aside; its text is blanked. Raises as `release`.

        The row stays, so that the same judgement sent again is a duplicate.
        """
        return self._decide(id, number, (QUARANTINED, ACCEPTED), REJECTED, actor)

    def erase(self, id: str) -> int:  # noqa: A002
        """Delete everything about a prediction; the number of rows that are gone."""
        with self._writing() as connection:
            gone = connection.execute(delete(JUDGEMENTS).where(TABLE.prediction == id)).rowcount
        self._forget()
        return gone

    def purge(self, now: datetime | None = None, *, keep_days: int = 0) -> Purged:
        """Blank the texts past their date; delete rows received `keep_days` ago (0: keep them)."""
        moment = now or datetime.now(UTC)
        expired = TABLE.text.is_not(None) & (TABLE.text_until <= moment)
        rows = 0
        with self._writing() as connection:
            texts = connection.execute(update(JUDGEMENTS).where(expired).values(text=None)).rowcount
            if keep_days:
                old = TABLE.received <= moment - timedelta(days=keep_days)
                rows = connection.execute(delete(JUDGEMENTS).where(old)).rowcount
        if texts or rows:
            self._forget()
        return Purged(texts, rows)

    def _decide(
        self,
        id: str,  # noqa: A002
        number: int | None,
        among: Sequence[str],
        status: str,
        actor: str,
    ) -> Judgement:
        with self._writing() as connection:
            meant = _the_one(connection, id, number, among)
            try:
                connection.execute(_decision(meant, status, actor))
            except IntegrityError:
                raise Conflict(
                    f"another judgement of {id} is accepted; reject that one first"
                ) from None
        (changed,) = (one for one in self.judgements(id=id) if one.number == meant)
        return changed

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction that holds what it needs from its first statement."""
        with (
            answering(),
            self._engine.connect().execution_options(**WRITES) as connection,
            connection.begin(),
        ):
            if connection.dialect.name == POSTGRES:
                connection.execute(text(f"SET LOCAL statement_timeout = '{WRITE_SECONDS}s'"))
            yield connection

    def _forget(self) -> None:
        """What was deleted leaves SQLite's log file, too, unless a reader still needs it."""
        if self.location.path is not None:
            with answering():
                pragma(self._engine, "wal_checkpoint(TRUNCATE)")


def _within(
    model: str | None, since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if model is not None:
        where.append(TABLE.model == model)
    if since is not None:
        where.append(TABLE.received >= since)
    if until is not None:
        where.append(TABLE.received < until)
    return where


def _add(connection: Connection, submission: Submission, bounds: Bounds, moment: datetime) -> Added:
    """One more row, or none: a constraint that somebody else met first asks for another look."""
    prediction = submission.prediction.id
    for _ in rounds():
        decision = decide(connection, submission, bounds)
        if decision.outcome == DUPLICATE:
            return Added(prediction, DUPLICATE, text_kept=_has_text(connection, submission))
        row = to_row(submission, decision, moment)
        if connection.execute(insert_once(connection.dialect.name, row)).rowcount:
            kept = row["text"] is not None
            return Added(prediction, decision.outcome, decision.reason, text_kept=kept)
    raise Conflict(f"the feedback on {prediction} changes faster than it can be read")


def _has_text(connection: Connection, submission: Submission) -> bool:
    wanted = select(TABLE.text.is_not(None)).where(
        TABLE.prediction == submission.prediction.id, TABLE.fingerprint == submission.fingerprint
    )
    return bool(connection.scalar(wanted))


def _the_one(
    connection: Connection, prediction: str, number: int | None, among: Sequence[str]
) -> int:
    """The number of the row that is meant. Raises NotFound, and Conflict where several may be."""
    wanted = select(TABLE.number, TABLE.status).where(TABLE.prediction == prediction)
    found = [
        row
        for row in connection.execute(wanted)
        if row.status in among and number in (None, row.number)
    ]
    if not found:
        raise NotFound(f"there is no judgement of {prediction!r:.80} that is {' or '.join(among)}")
    if len(found) > 1:
        numbers = ", ".join(str(row.number) for row in found)
        raise Conflict(f"{prediction} has several judgements; name one: {numbers}")
    return int(found[0].number)


def _decision(number: int, status: str, actor: str) -> Update:
    values: dict[str, Any] = {"status": status, "decided": datetime.now(UTC), "actor": actor}
    if status == REJECTED:
        values["text"] = None
    return update(JUDGEMENTS).where(TABLE.number == number).values(values)
