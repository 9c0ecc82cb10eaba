"""What Prometheus says after each chapter, and the table of all chapters at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.story.stage import Prometheus

_MODEL: Final = 'model="sentiment"'
QUERIES: Final[dict[str, tuple[str, str]]] = {
    "answers": ('sum(valence_requests_total{route="/v1/sentiment",status="200"})', "{:,.0f}"),
    "failed": ('sum(valence_requests_total{route="/v1/sentiment",status=~"429|5.."})', "{:,.0f}"),
    "items in window": (f"max(valence_drift_items{{{_MODEL}}})", "{:,.0f}"),
    "PSI length": (f'max(valence_drift_psi{{{_MODEL},feature="length"}})', "{:.2f}"),
    "PSI unknown words": (f'max(valence_drift_psi{{{_MODEL},feature="unknown_words"}})', "{:.2f}"),
    "PSI confidence": (f'max(valence_drift_psi{{{_MODEL},feature="confidence"}})', "{:.2f}"),
    "accuracy, estimated": (f"max(valence_estimated_accuracy{{{_MODEL}}})", "{:.1%}"),
    "accuracy, by feedback": (
        f'sum(valence_feedback_judged_total{{{_MODEL},right="true"}})'
        f" / sum(valence_feedback_judged_total{{{_MODEL}}})",
        "{:.1%}",
    ),
    "feedback accepted": (
        f'sum(valence_feedback_total{{{_MODEL},outcome="accepted"}})',
        "{:,.0f}",
    ),
    "feedback quarantined": (
        f'sum(valence_feedback_total{{{_MODEL},outcome="quarantined"}})',
        "{:,.0f}",
    ),
    "loads": (f'sum(valence_model_reload_total{{{_MODEL},outcome="loaded"}})', "{:,.0f}"),
}
"""Name of a figure: PromQL, and how it is written."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """What was seen at the end of one."""

    title: str
    version: str
    figures: dict[str, str]


def has_scraped_since(prometheus: Prometheus, moment: float) -> bool:
    """Whether a scrape began after `moment`, in seconds since 1970."""
    last = prometheus.value("max(timestamp(valence_ready))")
    return last is not None and last > moment


def look(prometheus: Prometheus, title: str) -> Chapter:
    """All figures now; "-" for one that has no value."""
    info = prometheus.series(f'valence_model_info{{{_MODEL},alias="champion"}} == 1')
    version = ", ".join(sorted(series["metric"]["version"] for series in info)) or "-"
    figures = {
        name: _written(prometheus.value(expression), form)
        for name, (expression, form) in QUERIES.items()
    }
    return Chapter(title, version, figures)


def _written(value: float | None, form: str) -> str:
    return "-" if value is None or value != value else form.format(value)


def print_table(console: Console, chapters: Sequence[Chapter]) -> None:
    """A column a chapter, a row a figure."""
    table = Table(title="What Prometheus saw at the end of each chapter")
    table.add_column("")
    for chapter in chapters:
        table.add_column(chapter.title, justify="right")
    table.add_row("champion", *(chapter.version for chapter in chapters))
    for name in QUERIES:
        table.add_row(name, *(chapter.figures[name] for chapter in chapters))
    console.print(table)
