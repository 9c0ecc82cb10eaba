"""Accepted judgements as a file that a recipe's `[[data.train]]` reads.

    labels          FILE.jsonl   {"text": ..., "label": ...}; FILE.csv with the same columns
    aspects         FILE.jsonl   {"text": ..., "aspects": [{"text", "start", "end", "label"}, ...]}
    tags            FILE.conllu  one text a sentence; XPOS is not known

Beside these, JSON lines and CSV tell the prediction's id, version, label, score and time. Only
judgements whose text is kept and has not expired can be exported.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final, TextIO

from model_store.errors import Invalid
from model_store.feedback.judgement import Judgement, Span

TAGGING: Final = "tagging"
COLUMNS: Final = ("text", "label", "id", "version", "predicted", "score", "received")


def export(judgements: Iterable[Judgement], path: Path) -> int:
    """Write a new file, for its owner only; how many judgements it holds.

    Raises:
        Invalid: a name that tells no format, or a judgement that does not fit it.
        OSError: the file is there already, or cannot be made.
    """
    form = FORMATS.get(path.suffix)
    if form is None:
        raise Invalid(f"the file's name must end with {', '.join(FORMATS)}")
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            return _write(judgements, form, file)
    except BaseException:
        path.unlink()
        raise


def _write(judgements: Iterable[Judgement], form: Format, file: TextIO) -> int:
    count = 0
    file.write(form.head)
    for judgement in judgements:
        file.write(form.entry(judgement))
        count += 1
    return count


def _json_line(judgement: Judgement) -> str:
    return json.dumps(_record(judgement), ensure_ascii=False) + "\n"


def _csv_row(judgement: Judgement) -> str:
    if judgement.label is None:
        raise Invalid("a table holds labels; judgements in spans go to .jsonl or .conllu")
    return _table_row(_record(judgement).values())


def _table_row(cells: Iterable[object]) -> str:
    row = StringIO()
    csv.writer(row, lineterminator="\n").writerow(cells)
    return row.getvalue()


def _conllu(judgement: Judgement) -> str:
    if judgement.task != TAGGING:
        raise Invalid("CoNLL-U holds tags; labels go to .jsonl or .csv, aspects to .jsonl")
    return "\n".join(_sentence(judgement)) + "\n\n"


def _record(judgement: Judgement) -> dict[str, Any]:
    judged: dict[str, Any] = {"label": judgement.label}
    if judgement.label is None:
        if judgement.task == TAGGING:
            raise Invalid("tags go to .conllu")
        judged = {"aspects": [_aspect(span, judgement.text or "") for span in judgement.spans]}
    return {
        "text": judgement.text,
        **judged,
        "id": judgement.id,
        "version": judgement.version,
        "predicted": judgement.predicted,
        "score": judgement.score,
        "received": judgement.received.isoformat(),
    }


def _aspect(span: Span, text: str) -> dict[str, Any]:
    if not span.located:
        return {"text": span.category, "label": span.label}
    said = text[span.start : span.end]
    return {"text": said, "start": span.start, "end": span.end, "label": span.label}


def _sentence(judgement: Judgement) -> list[str]:
    """One line a word, ten columns each."""
    text, spans = judgement.text or "", sorted(judgement.spans, key=lambda span: span.place)
    follows = [*(span.start for span in spans[1:]), -1]
    lines = [f"# text = {_in_one_line(text)}"]
    for number, (span, next_start) in enumerate(zip(spans, follows, strict=True), start=1):
        word, tag = _in_one_line(text[span.start : span.end]), span.label
        space = "SpaceAfter=No" if span.end == next_start else "_"
        lines.append("\t".join((str(number), word, "_", tag, *"______"[:5], space)))
    return lines


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Format:
    """What a file begins with, and how a judgement is written."""

    entry: Callable[[Judgement], str]
    head: str = ""


FORMATS: Final[Mapping[str, Format]] = {
    ".jsonl": Format(_json_line),
    ".csv": Format(_csv_row, _table_row(COLUMNS)),
    ".conllu": Format(_conllu),
}
