"""Predictions, what people said of them, and what the database made of that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

ACCEPTED: Final = "accepted"
QUARANTINED: Final = "quarantined"
REJECTED: Final = "rejected"
DUPLICATE: Final = "duplicate"

DIGEST_CHARACTERS: Final = 32


@dataclass(frozen=True, slots=True)
class Span:
    """A place of a text, in code points, half-open, and its label.

    category: what the text does not name, for an aspect without a place; start and end are then 0.
    """

    start: int
    end: int
    label: str
    category: str = ""

    @property
    def located(self) -> bool:
        return not self.category

    @property
    def place(self) -> tuple[int, int, str]:
        return self.start, self.end, self.category

    def to_dict(self) -> dict[str, Any]:
        if self.category:
            return {"category": self.category, "label": self.label}
        return {"start": self.start, "end": self.end, "label": self.label}

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Span:
        return cls(
            found.get("start", 0), found.get("end", 0), found["label"], found.get("category", "")
        )


def spans_digest(spans: Iterable[Span]) -> str:
    """The same for the same set of spans, in whatever order: 32 hexadecimal digits."""
    rows = sorted((*span.place, span.label) for span in spans)
    return _digest(rows)


def to_json(spans: Iterable[Span]) -> str:
    return json.dumps([span.to_dict() for span in spans])


def from_json(written: str | None) -> tuple[Span, ...]:
    return tuple(Span.from_dict(found) for found in json.loads(written or "[]"))


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer of a model, as its receipt tells of it.

    digest: how the sha256 of the version's manifest begins.
    text_digest: stands for the text; keyed, so that nobody finds the text by guessing.
    predicted: the label; None where the answer was spans.
    spans: of an answer in spans, their `spans_digest`.
    score: the probability of the label, or the least one of the spans; 0 where there are none.
    """

    id: str
    model: str
    version: int
    task: str
    text_digest: str
    predicted: str | None
    score: float
    digest: str = ""
    spans: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody says the answer should have been: a label, or else spans, all of them.

    text: the very text that was predicted, where it may be kept; `text_until` is then its date.
    """

    prediction: Prediction
    label: str | None = None
    spans: tuple[Span, ...] = ()
    text: str | None = None
    text_until: datetime | None = None

    @property
    def right(self) -> bool:
        """Whether the prediction was what it should have been."""
        if self.label is not None:
            return self.label == self.prediction.predicted
        return spans_digest(self.spans) == self.prediction.spans

    def contradicts(self, label: str | None, spans: Iterable[Span]) -> bool:
        """Whether another judgement of the same text cannot be right as well: another label, of the
        text or of the same place. Which places were asked for may differ.
        """
        if self.label is not None or label is not None:
            return self.label != label
        labels = {span.place: span.label for span in spans}
        return any(labels.get(span.place, span.label) != span.label for span in self.spans)

    @property
    def fingerprint(self) -> str:
        """The same for the same judgement: 32 hexadecimal digits."""
        return (
            _digest(["label", self.label]) if self.label is not None else spans_digest(self.spans)
        )


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a submission: accepted, duplicate or quarantined.

    reason: why it is in quarantine, "" otherwise; see `quarantine`.
    text_kept: whether the row holds the text.
    """

    id: str
    outcome: str
    reason: str = ""
    text_kept: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """A row of the database; `text` is None where none was kept, and after its date."""

    id: str
    model: str
    version: int
    task: str
    predicted: str | None
    score: float
    right: bool
    label: str | None
    spans: tuple[Span, ...]
    text: str | None
    received: datetime
    number: int = 0
    status: str = ACCEPTED
    reason: str = ""
    digest: str = ""
    text_until: datetime | None = None
    decided: datetime | None = None
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a judgement is put aside; see `quarantine`.

    certain: a prediction with a score above was nearly certain.
    flood: so many accepted judgements of one text are enough.
    """

    certain: float = 0.99
    flood: int = 20


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did: texts that are blank now, rows that are gone."""

    texts: int
    rows: int


def _digest(value: object) -> str:
    written = json.dumps(value, separators=(",", ":")).encode()
    return hashlib.sha256(written).hexdigest()[:DIGEST_CHARACTERS]
