"""`valence feedback` as an operator meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from judgements import submission
from typer.testing import CliRunner

from model_store.feedback import Span, Submission, open_feedback
from model_store.feedback.base import FeedbackBase
from model_store.feedback.commands import app

Invoke = Callable[..., Any]
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
TEXT = "zebra crossing at noon"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/feedback.sqlite3"


@pytest.fixture
def base(url: str) -> FeedbackBase:
    return open_feedback(url)


@pytest.fixture
def invoke(url: str, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("VALENCE_FEEDBACK", url)
    monkeypatch.setenv("COLUMNS", "250")
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(one) for one in arguments])


@pytest.fixture
def two(base: FeedbackBase) -> tuple[Submission, Submission]:
    """One accepted, and one in quarantine that contradicts it a day later."""
    first, second = submission(TEXT, "negative"), submission(TEXT, "[bold]positive")
    base.add([first], now=MARCH)
    base.add([second], now=MARCH + timedelta(days=1))
    return first, second


def test_texts_are_shown_only_where_that_is_asked(
    two: tuple[Submission, Submission], invoke: Invoke
) -> None:
    for command in (("list",), ("show", two[0].prediction.id)):
        for more in ((), ("--json",)):
            plain, full = invoke(*command, *more), invoke(*command, *more, "--texts")
            assert (plain.exit_code, full.exit_code) == (0, 0)
            assert TEXT not in plain.output
            assert TEXT in full.output


def test_list(two: tuple[Submission, Submission], invoke: Invoke) -> None:
    output = invoke("list").output
    for part in (
        two[0].prediction.id,
        "sentiment@1",
        "quarantined contradiction",
        "[bold]positive",
    ):
        assert part in output
    listed = json.loads(invoke("list", "--json", "--status", "quarantined").output)
    assert [(one["id"], one["reason"]) for one in listed] == [
        (two[1].prediction.id, "contradiction")
    ]
    assert (listed[0]["received"], listed[0]["decided"]) == ("2026-03-02T00:00:00+00:00", None)
    assert len(json.loads(invoke("list", "--json", "--limit", "1").output)) == 1
    later = json.loads(invoke("list", "--json", "--since", "2026-03-02").output)
    assert [one["label"] for one in later] == ["[bold]positive"]
    assert json.loads(invoke("list", "--json", "--model", "other").output) == []


def test_spans_are_listed(base: FeedbackBase, invoke: Invoke) -> None:
    spans = (Span(4, 8, "negative"), Span(0, 0, "positive", category="price"))
    base.add([submission(label=None, judged_spans=spans, predicted=None)])
    assert "4-8 negative, price positive" in invoke("list").output
    (one,) = json.loads(invoke("list", "--json").output)
    assert one["spans"] == [
        {"start": 4, "end": 8, "label": "negative"},
        {"category": "price", "label": "positive"},
    ]


def test_counts(two: tuple[Submission, Submission], invoke: Invoke) -> None:  # noqa: ARG001
    found = {"accepted": 1, "right": 1, "with_text": 1, "quarantined": 1, "rejected": 0}
    assert json.loads(invoke("counts", "--json").output) == [{"model": "sentiment", **found}]
    assert "sentiment" in invoke("counts", "--model", "sentiment").output


def test_release_reject_and_erase(
    two: tuple[Submission, Submission], base: FeedbackBase, invoke: Invoke
) -> None:
    first, second = (one.prediction.id for one in two)
    assert invoke("release", second, "--actor", "ada").output == f"{second} is accepted\n"
    assert invoke("reject", first, "--number", "1").exit_code == 0
    assert [(one.status, one.text) for one in base.judgements(id=first)] == [("rejected", None)]
    assert [(one.status, one.actor) for one in base.judgements(id=second)] == [("accepted", "ada")]
    assert invoke("erase", second).output == "1 judgements deleted\n"
    assert list(base.judgements(id=second)) == []


def test_purge(base: FeedbackBase, invoke: Invoke) -> None:
    base.add([submission("A", until=MARCH), submission("B")], now=MARCH)
    assert invoke("purge").output == "1 texts blanked, 0 judgements deleted\n"
    assert invoke("purge", "--keep-days", "1").output == "0 texts blanked, 2 judgements deleted\n"


def test_export(two: tuple[Submission, Submission], invoke: Invoke, tmp_path: Path) -> None:  # noqa: ARG001
    path = tmp_path / "out.jsonl"
    assert invoke("export", path, "--model", "sentiment").output.startswith("1 judgements are in")
    assert json.loads(path.read_text())["text"] == TEXT
    again = invoke("export", path, "--model", "sentiment")
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "0" * 32), "there is no judgement of that prediction"),
        (("release", "0" * 32), "there is no judgement"),
        (("list", "--feedback", "sqlite:///none.sqlite3"), "there is no feedback at"),
        (("list", "--feedback", "off"), "feedback is off"),
        (("list", "--feedback", "mysql://ada:secret-word@host/x"), "this is no feedback database"),
    ],
)
def test_a_refusal_is_one_line(
    base: FeedbackBase,  # noqa: ARG001
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("valence: ")
    assert said in result.stderr
    assert "secret-word" not in result.stderr
