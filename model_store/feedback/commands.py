"""`valence feedback`: what people said, looked through from a terminal.

Exit status: 0 done, 1 refused or failed (one line on stderr says why), 2 wrong usage.
Cheap to import: the database library is loaded by the command.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from model_store.errors import NotFound
from model_store.feedback import default_feedback_url, open_feedback
from model_store.options import Json, default_actor, print_json, refusals

if TYPE_CHECKING:
    from model_store.feedback.base import FeedbackBase

app = typer.Typer(name="feedback", help="What people said of answers.", no_args_is_help=True)

Url = Annotated[
    str,
    typer.Option(
        "--feedback",
        envvar="VALENCE_FEEDBACK",
        default_factory=default_feedback_url,
        show_default="a file beside the default store",
        help="sqlite:///file or postgresql+psycopg://user@host/database.",
    ),
]
Prediction = Annotated[str, typer.Argument(metavar="ID", help="Of the prediction.")]
Number = Annotated[
    int | None, typer.Option("--number", help="Which, where a prediction has several.")
]
Model = Annotated[str | None, typer.Option("--model", help="Of one model only.")]
Texts = Annotated[bool, typer.Option("--texts", help="Show the texts of users, where kept.")]
Actor = Annotated[
    str,
    typer.Option(
        "--actor",
        default_factory=default_actor,
        show_default="user@host",
        help="Who decides; kept with the judgement.",
    ),
]
Since = Annotated[
    datetime | None, typer.Option("--since", help="Received then or later, UTC: 2026-03-01.")
]
Until = Annotated[datetime | None, typer.Option("--until", help="Received before, UTC.")]


@contextmanager
def _opened(url: str) -> Iterator[FeedbackBase]:
    """The database; a refusal is one line."""
    with refusals(), open_feedback(url, create=False) as base:
        yield base


@app.command("list")
def list_judgements(
    feedback: Url,
    model: Model = None,
    status: Annotated[
        str | None, typer.Option("--status", help="accepted, quarantined or rejected.")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    texts: Texts = False,
    as_json: Json = False,
) -> None:
    """Judgements, oldest first, with the reason of those in quarantine."""
    with _opened(feedback) as base:
        asked = base.judgements(model, status=status, since=_utc(since), until=_utc(until))
        _print(list(islice(asked, limit)), texts=texts, as_json=as_json)


@app.command()
def show(
    prediction: Prediction, feedback: Url, texts: Texts = False, as_json: Json = False
) -> None:
    """Every judgement of one prediction."""
    with _opened(feedback) as base:
        found = list(base.judgements(id=prediction))
        if not found:
            raise NotFound("there is no judgement of that prediction")
    _print(found, texts=texts, as_json=as_json)


def _print(found: list[Any], *, texts: bool, as_json: bool) -> None:
    from model_store.feedback import display

    if as_json:
        print_json([display.to_dict(one, texts=texts) for one in found])
    else:
        display.print_judgements(found, texts=texts)


@app.command()
def counts(feedback: Url, model: Model = None, as_json: Json = False) -> None:
    """How many of each model: accepted, right, with a text, quarantined, rejected."""
    from model_store.feedback import display

    with _opened(feedback) as base:
        models = base.models() if model is None else [model]
        found = [{"model": name, **base.counts(name)} for name in models]
    if as_json:
        print_json(found)
    else:
        display.print_counts(found)


@app.command()
def release(prediction: Prediction, feedback: Url, actor: Actor, number: Number = None) -> None:
    """Accept a judgement that was quarantined."""
    with _opened(feedback) as base:
        base.release(prediction, number=number, actor=actor)
    typer.echo(f"{prediction} is accepted")


@app.command()
def reject(prediction: Prediction, feedback: Url, actor: Actor, number: Number = None) -> None:
    """Never use a judgement; its text is blanked at once."""
    with _opened(feedback) as base:
        base.reject(prediction, number=number, actor=actor)
    typer.echo(f"{prediction} is rejected")


@app.command()
def erase(prediction: Prediction, feedback: Url) -> None:
    """Delete everything about a prediction, as when its author asks for it."""
    with _opened(feedback) as base:
        rows = base.erase(prediction)
    typer.echo(f"{rows} judgements deleted")


@app.command()
def purge(
    feedback: Url,
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=0, help="Delete older rows; 0 keeps them.")
    ] = 0,
) -> None:
    """Blank the texts past their date. The service does so every hour."""
    with _opened(feedback) as base:
        purged = base.purge(keep_days=keep_days)
    typer.echo(f"{purged.texts} texts blanked, {purged.rows} judgements deleted")


@app.command("export")
def export_file(
    file: Annotated[Path, typer.Argument(help="A new file: .jsonl, .csv or .conllu (tags).")],
    model: Annotated[str, typer.Option("--model", help="Whose feedback.")],
    feedback: Url,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write accepted judgements, with their texts, as a file that a recipe reads."""
    from model_store.feedback.export import export

    with _opened(feedback) as base:
        accepted = base.accepted(model, since=_utc(since), until=_utc(until))
        count = export(accepted, file)
    typer.echo(f"{count} judgements are in {file}")


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
