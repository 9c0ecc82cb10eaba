"""Tables of `valence feedback`. Texts are shown where that is asked, and never as markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from model_store.display import print_table
from model_store.feedback.judgement import Judgement, Span

MODEL_COLUMNS = ("model", "accepted", "right", "with_text", "quarantined", "rejected")


def to_dict(judgement: Judgement, *, texts: bool) -> dict[str, Any]:
    """As JSON; without `texts` only whether there is one."""
    found = asdict(judgement)
    found["spans"] = [span.to_dict() for span in judgement.spans]
    for name in ("received", "text_until", "decided"):
        found[name] = None if found[name] is None else found[name].isoformat()
    text = found.pop("text")
    return {**found, "text": text} if texts else {**found, "has_text": text is not None}


def print_judgements(judgements: Iterable[Judgement], *, texts: bool) -> None:
    """One row a judgement, oldest first."""
    columns = ("number", "id", "received (UTC)", "version", "predicted", "judged", "status", "text")
    rows = (
        (
            str(one.number),
            one.id,
            one.received.isoformat()[:19].replace("T", " "),
            f"{one.model}@{one.version}",
            f"{one.predicted or 'spans'} {one.score:.2f}",
            "right" if one.right else _judged(one),
            f"{one.status} {one.reason}".strip(),
            _text(one, texts=texts),
        )
        for one in judgements
    )
    print_table(columns, rows)


def print_counts(counts: Iterable[Mapping[str, Any]]) -> None:
    """One row a model."""
    print_table(MODEL_COLUMNS, ([str(one[name]) for name in MODEL_COLUMNS] for one in counts))


def _judged(judgement: Judgement) -> str:
    if judgement.label is not None:
        return judgement.label
    return ", ".join(_place(span) for span in judgement.spans) or "none"


def _place(span: Span) -> str:
    return f"{span.category or f'{span.start}-{span.end}'} {span.label}"


def _text(judgement: Judgement, *, texts: bool) -> str:
    if judgement.text is None:
        return ""
    return judgement.text if texts else "kept"
