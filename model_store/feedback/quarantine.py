"""What is taken at its word, and what waits until somebody has looked at it.

Put aside, with its reason:

    conflict        the same prediction has been judged before, and otherwise
    flood           the text has as many accepted judgements as are enough
    contradiction   the same text was judged otherwise by an accepted judgement
    certain         the prediction was nearly certain, and is said to be wrong

Several replicas may add at the same time. Judgements of one text are taken one after the other
(SQLite: one writer at all; PostgreSQL: an advisory lock a text), so the questions above see all
that came before. Even without that, the table's constraints hold: one row for the same judgement of
the same prediction, one accepted row a prediction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select, text

from model_store.feedback.engine import POSTGRES
from model_store.feedback.judgement import (
    ACCEPTED,
    DUPLICATE,
    QUARANTINED,
    REJECTED,
    Bounds,
    Span,
    Submission,
    from_json,
)
from model_store.feedback.tables import JUDGEMENTS

CONFLICT: Final = "conflict"
FLOOD: Final = "flood"
CONTRADICTION: Final = "contradiction"
CERTAIN: Final = "certain"
REASONS: Final = (CONFLICT, FLOOD, CONTRADICTION, CERTAIN)

_LOCK = text("SELECT pg_advisory_xact_lock(:key)").bindparams(bindparam("key"))


@dataclass(frozen=True, slots=True)
class Decision:
    """accepted, quarantined or duplicate, and the reason of a quarantine."""

    outcome: str
    reason: str = ""


def lock_texts(connection: Connection, submissions: Sequence[Submission]) -> None:
    """Wait for whoever is judging the same texts; in one order, so that no two wait in a circle."""
    if connection.dialect.name == POSTGRES:
        for key in sorted({_key(submission) for submission in submissions}):
            connection.execute(_LOCK, {"key": key})


def _key(submission: Submission) -> int:
    """Of the text, as the 64-bit number that PostgreSQL's locks go by."""
    prediction = submission.prediction
    name = f"{prediction.model}\0{prediction.text_digest}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)


def decide(connection: Connection, submission: Submission, bounds: Bounds) -> Decision:
    """What becomes of a submission, by what the table holds now."""
    earlier = _statuses(connection, submission)
    if submission.fingerprint in earlier:
        return Decision(DUPLICATE)
    reason = _doubt(
        connection,
        submission,
        bounds,
        judged=any(status != REJECTED for status in earlier.values()),
    )
    return Decision(QUARANTINED if reason else ACCEPTED, reason)


def _doubt(connection: Connection, submission: Submission, bounds: Bounds, *, judged: bool) -> str:
    """The first reason that holds, "" for none."""
    if judged:
        return CONFLICT
    same_text = _accepted_of_text(connection, submission)
    if len(same_text) >= bounds.flood:
        return FLOOD
    if any(submission.contradicts(*judged) for judged in same_text):
        return CONTRADICTION
    if submission.prediction.score > bounds.certain and not submission.right:
        return CERTAIN
    return ""


def _statuses(connection: Connection, submission: Submission) -> dict[str, str]:
    """The status of each judgement of the same prediction, by fingerprint."""
    table = JUDGEMENTS.c
    wanted = select(table.fingerprint, table.status).where(
        table.prediction == submission.prediction.id
    )
    return {row.fingerprint: row.status for row in connection.execute(wanted)}


def _accepted_of_text(
    connection: Connection, submission: Submission
) -> list[tuple[str | None, tuple[Span, ...]]]:
    """Label and spans of each accepted judgement of the text."""
    table = JUDGEMENTS.c
    wanted = select(table.label, table.spans).where(
        table.model == submission.prediction.model,
        table.text_digest == submission.prediction.text_digest,
        table.status == ACCEPTED,
    )
    return [(row.label, from_json(row.spans)) for row in connection.execute(wanted)]
