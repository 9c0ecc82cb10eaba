"""Judgements to examples: what is used, on which side, and that the files read back the same."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from model_store.feedback import Judgement, Span
from nlp.tasks.base import Aspect, AspectItem, Example
from training.audit import text_key
from training.datasets import load
from training.errors import DataError
from training.retrain.feedback import collect, is_held_out, lines, source, without

LABELS = ("negative", "positive")


def judged(text: str | None, label: str | None = None, **more: Any) -> Judgement:  # noqa: ANN401
    given = {"task": "sentiment", "spans": (), **more}
    return Judgement(
        id="0" * 32,
        model="m",
        version=1,
        predicted="positive",
        score=0.7,
        right=label == "positive",
        label=label,
        text=text,
        received=datetime(2031, 1, 1, tzinfo=UTC),
        **given,
    )


def texts(count: int) -> list[str]:
    return [f"Plate {n} came back cold." for n in range(count)]


def test_the_held_out_share_is_the_one_asked_for_and_grows_by_adding() -> None:
    keys = [text_key(text) for text in texts(4000)]
    for share in (0.0, 0.2, 0.5):
        held = sum(is_held_out(key, share) for key in keys)
        assert abs(held - share * 4000) <= 4 * math.sqrt(4000 * share * (1 - share))
    assert all(is_held_out(key, 0.5) for key in keys if is_held_out(key, 0.2))


def test_the_side_of_a_text_never_changes() -> None:
    """A figure of an earlier release: change it, and what was held out is trained on."""
    keys = [text_key(text) for text in texts(12)]
    assert [n for n, key in enumerate(keys) if is_held_out(key, 0.2)] == [1, 5, 6]


def test_texts_that_count_as_equal_fall_on_one_side_whoever_else_is_there() -> None:
    rows = [judged(text, "negative") for text in texts(200)]
    more = [judged(text.upper().replace(".", " !!"), "negative") for text in texts(200)]
    other = [judged(f"Cup {n} is fine.", "positive") for n in range(300)]
    few = collect(rows, task="sentiment", labels=LABELS, holdout=0.3)
    many = collect([*other, *more, *rows], task="sentiment", labels=LABELS, holdout=0.3)
    kept = {text_key(str(e.item)) for e in few.held_out}
    again = {text_key(str(e.item)) for e in many.held_out}
    trained = {text_key(str(e.item)) for e in many.train}
    assert kept <= again
    assert not again & trained
    assert many.left_out["repeated"] == 200


def test_what_cannot_be_learned_from_is_counted_by_why() -> None:
    rows = [
        judged(None, "positive"),
        judged("…", "positive"),
        judged("Fine.", "mixed"),
        judged("Good tea.", None),
        judged("Good cake.", "positive", task="tagging"),
        judged("Torn.", "positive"),
        judged("torn", "negative"),
        judged("Kept.", "positive"),
    ]
    found = collect(rows, task="sentiment", labels=LABELS, holdout=0.0)
    assert [e.item for e in found.train] == ["…", "Kept."]
    assert found.left_out == {
        "without a text": 1,
        "of another label": 2,
        "of another task": 1,
        "contradicting": 2,
        "repeated": 0,
    }


def test_labels_read_back_as_they_were(tmp_path: Path) -> None:
    examples = (
        Example('She said "never again"\nand left 🙂', "negative"),
        Example("Naïve café, great.", "positive"),
    )
    path = tmp_path / "feedback.jsonl"
    path.write_text(lines(examples), encoding="utf-8")
    found = load(source(str(path), task="sentiment", labels=LABELS), task="sentiment")
    assert [(e.item, e.gold) for e in found.examples] == [(e.item, e.gold) for e in examples]


def test_aspects_read_back_with_their_places_and_categories(tmp_path: Path) -> None:
    text = "The tart 🙂 was superb, though dear."
    spans = (Span(4, 8, "positive"), Span(0, 0, "negative", category="price"))
    row = judged(text, task="aspects", spans=spans)
    found = collect([row], task="aspects", labels=(*LABELS, "neutral"), holdout=0.0)
    path = tmp_path / "feedback.jsonl"
    path.write_text(lines(found.train), encoding="utf-8")
    (example,) = load(source(str(path), task="aspects", labels=LABELS), task="aspects").examples
    item = AspectItem(text, (Aspect("tart", 4, 8), Aspect("price")))
    assert (example.item, example.gold) == (item, (("positive", "negative"),))


def test_terms_of_an_extractor_read_back_and_a_text_may_have_none(tmp_path: Path) -> None:
    rows = [
        judged("The tart was superb.", task="extraction", spans=(Span(4, 8, "aspect"),)),
        judged("We left early.", task="extraction"),
    ]
    found = collect(rows, task="extraction", labels=("O", "B", "I"), holdout=0.0)
    path = tmp_path / "feedback.jsonl"
    path.write_text(lines(found.train), encoding="utf-8")
    read = load(source(str(path), task="extraction", labels=()), task="extraction").examples
    places = {e.item.text: [a.text for a in e.item.aspects] for e in read}  # type: ignore[union-attr]
    assert places == {"The tart was superb.": ["tart"], "We left early.": []}


@pytest.mark.parametrize(
    ("spans", "why"),
    [
        ((Span(4, 99, "positive"),), "out of place"),
        ((Span(4, 8, "splendid"),), "of another label"),
        ((), "without an aspect"),
    ],
)
def test_spans_that_do_not_fit_are_left_out(spans: tuple[Span, ...], why: str) -> None:
    row = judged("The tart was superb.", task="aspects", spans=spans)
    found = collect([row], task="aspects", labels=LABELS, holdout=0.0)
    assert (found.train, found.left_out) == ((), {why: 1})


def test_leaks_are_found_by_the_text_alone() -> None:
    train = [Example("Lovely rooms!", "positive"), Example("Dull walls.", "negative")]
    assert without(train, [Example("lovely  rooms", "negative")]) == [train[1]]


def test_a_task_without_feedback_is_refused() -> None:
    with pytest.raises(DataError, match="the task tagging cannot be learned from; known: sentim"):
        collect([], task="tagging", labels=(), holdout=0.2)
