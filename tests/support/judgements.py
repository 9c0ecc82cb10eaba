"""Judgements for tests, as the service would hand them over."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from model_store.feedback import Prediction, Submission


def submission(
    text: str = "The soup was cold.",
    label: str | None = "negative",
    *,
    keep: bool = True,
    until: datetime | None = None,
    **changes: Any,  # noqa: ANN401
) -> Submission:
    """A judgement of a text that sentiment@1 called negative; `changes` are of the prediction or
    the spans. The text is kept, unless `keep` is off, for a day or until a date.
    """
    spans = changes.pop("judged_spans", ())
    given: dict[str, Any] = {
        "id": secrets.token_hex(16),
        "model": "sentiment",
        "version": 1,
        "task": "sentiment",
        "text_digest": hashlib.sha256(text.encode()).hexdigest()[:32],
        "predicted": "negative",
        "score": 0.7,
    }
    prediction = Prediction(**{**given, **changes})
    date = (until or datetime.now(UTC) + timedelta(days=1)) if keep else None
    return Submission(prediction, label, spans, text if keep else None, date)
