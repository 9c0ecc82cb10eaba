"""What people said of a model's answers, kept where its versions are kept.

    from model_store.feedback import open_feedback

    base = open_feedback("sqlite:////var/lib/valence/feedback.sqlite3")   # or postgresql+psycopg://
    base.add([Submission(prediction, label="negative", text="Dull.", text_until=later)])
    for judgement in base.accepted("sentiment", since=monday): ...

One table, a row a judgement. A judgement is of one prediction, which the service's receipt proved:
nothing here asks whether it was ever made.

Choices made here, each explained where it is kept:

- The database decides every race, by its constraints; replicas share PostgreSQL (`quarantine`).
- Migrations run when the database is opened; one process does them, the others wait (`migrate`).
- What is doubtful is kept apart until somebody looks: it neither trains nor counts (`quarantine`).
- A text has a date at which it is blanked; a row may have one at which it goes (`base.purge`).
- No message of an error holds a text, nor a parameter of a statement (`engine.answering`).

Importing this package loads no database library; `open_feedback` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_store.feedback.judgement import (
    ACCEPTED,
    DUPLICATE,
    QUARANTINED,
    REJECTED,
    Added,
    Bounds,
    Judgement,
    Prediction,
    Purged,
    Span,
    Submission,
    spans_digest,
)
from model_store.feedback.location import OFF, default_feedback_url, parse_location

if TYPE_CHECKING:
    from model_store.feedback.base import FeedbackBase

__all__ = [
    "ACCEPTED",
    "DUPLICATE",
    "OFF",
    "QUARANTINED",
    "REJECTED",
    "Added",
    "Bounds",
    "Judgement",
    "Prediction",
    "Purged",
    "Span",
    "Submission",
    "default_feedback_url",
    "open_feedback",
    "spans_digest",
]


def open_feedback(url: str, *, create: bool = True) -> FeedbackBase:
    """Open the feedback database at `url` and bring its tables up to date.

    Args:
        url: `sqlite:///folder/file` (four slashes before an absolute path), or
            `postgresql+psycopg://user:password@host/database`.
        create: make a missing SQLite file and its folder.

    Raises:
        Invalid: a URL of another kind, or PostgreSQL without the extra `postgres`.
        NotFound: a missing SQLite file, with `create` off.
        Conflict: the database was made by a newer Valence.
        Unavailable: the database does not answer, or the file cannot be made.
    """
    from model_store.feedback.base import open_base

    return open_base(parse_location(url), create=create)
