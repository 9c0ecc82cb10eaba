"""What is kept, what is put aside, what goes; the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from judgements import submission

from model_store.errors import Conflict, NotFound
from model_store.feedback import Added, Bounds, Purged, Span, Submission, spans_digest
from model_store.feedback.base import FeedbackBase

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def outcomes(added: list[Added]) -> list[tuple[str, str]]:
    return [(one.outcome, one.reason) for one in added]


def again(given: Submission, label: str, text: str | None = None) -> Submission:
    """Another judgement of the same prediction."""
    return Submission(given.prediction, label, (), text or given.text, given.text_until)


def test_a_judgement_comes_back_as_it_was_given(base: FeedbackBase) -> None:
    given = submission("Große Suppe 🙂", "positive", digest="c92fd7e7")
    (added,) = base.add([given], now=NOON)
    assert added == Added(given.prediction.id, "accepted", "", text_kept=True)
    (found,) = base.accepted("sentiment")
    prediction = given.prediction
    assert (found.id, found.model, found.version) == (prediction.id, "sentiment", 1)
    assert (found.task, found.predicted, found.score) == ("sentiment", "negative", 0.7)
    assert (found.label, found.right, found.spans) == ("positive", False, ())
    assert (found.text, found.received, found.digest) == ("Große Suppe 🙂", NOON, "c92fd7e7")
    assert found.text_until == given.text_until
    assert (found.status, found.reason, found.decided, found.actor) == ("accepted", "", None, "")


def test_spans_come_back_in_their_order(base: FeedbackBase) -> None:
    spans = (Span(4, 8, "negative"), Span(0, 0, "positive", category="price"))
    base.add([submission(label=None, judged_spans=spans, task="aspects", predicted=None)])
    (found,) = base.accepted("sentiment")
    assert (found.label, found.spans, found.right) == (None, spans, False)


def test_spans_are_right_in_whatever_order(base: FeedbackBase) -> None:
    spans = (Span(0, 3, "DET"), Span(4, 8, "NOUN"))
    base.add([submission(label=None, judged_spans=spans[::-1], spans=spans_digest(spans))])
    (found,) = base.accepted("sentiment")
    assert found.right


def test_the_same_judgement_is_one_row(base: FeedbackBase) -> None:
    given = submission()
    assert outcomes(base.add([given, given])) == [("accepted", ""), ("duplicate", "")]
    assert outcomes(base.add([given])) == [("duplicate", "")]
    assert base.counts("sentiment")["accepted"] == 1


def test_another_judgement_of_the_same_prediction_is_put_aside(base: FeedbackBase) -> None:
    given = submission()
    added = base.add([given, again(given, "positive"), again(given, "positive")])
    assert outcomes(added) == [("accepted", ""), ("quarantined", "conflict"), ("duplicate", "")]
    assert [one.label for one in base.accepted("sentiment")] == ["negative"]


def test_the_same_text_judged_otherwise_is_put_aside(base: FeedbackBase) -> None:
    added = base.add([submission("A", "negative"), submission("A", "negative")])
    assert outcomes(added) == [("accepted", ""), ("accepted", "")]
    added = base.add([submission("A", "positive"), submission("B", "positive")])
    assert outcomes(added) == [("quarantined", "contradiction"), ("accepted", "")]
    other = base.add([submission("A", "positive", model="other")])
    assert outcomes(other) == [("accepted", "")]


def test_spans_contradict_each_other_at_the_same_place_only(base: FeedbackBase) -> None:
    def judged(*spans: Span) -> Submission:
        return submission("A", None, judged_spans=spans, task="aspects", predicted=None)

    menu, price = Span(4, 8, "positive"), Span(0, 0, "negative", category="price")
    added = base.add([judged(menu), judged(price), judged(menu, price), judged()])
    assert outcomes(added) == [("accepted", "")] * 4
    added = base.add([judged(price, Span(4, 8, "negative")), judged(Span(4, 9, "negative"))])
    assert outcomes(added) == [("quarantined", "contradiction"), ("accepted", "")]


def test_a_nearly_certain_prediction_is_not_contradicted_just_so(base: FeedbackBase) -> None:
    bounds = Bounds(certain=0.9)
    given = [
        submission("A", "positive", score=0.91),
        submission("B", "negative", score=0.91),
        submission("C", "positive", score=0.9),
    ]
    expected = [("quarantined", "certain"), ("accepted", ""), ("accepted", "")]
    assert outcomes(base.add(given, bounds=bounds)) == expected


def test_a_flood_on_one_text_is_put_aside(base: FeedbackBase) -> None:
    added = base.add([submission("A") for _ in range(5)], bounds=Bounds(flood=3))
    assert outcomes(added) == [("accepted", "")] * 3 + [("quarantined", "flood")] * 2


def test_what_is_put_aside_neither_trains_nor_counts(base: FeedbackBase) -> None:
    base.add([submission("A", "negative"), submission("A", "positive")])
    base.add([submission("B", "negative", keep=False), submission("C", "positive")])
    assert base.counts("sentiment") == {
        "accepted": 3, "right": 2, "with_text": 2, "quarantined": 1, "rejected": 0
    }  # fmt: skip
    assert [one.text for one in base.accepted("sentiment")] == ["A", "C"]
    assert base.counts("nobody") == dict.fromkeys(base.counts("sentiment"), 0)


def test_release_and_reject(base: FeedbackBase) -> None:
    first, second = submission("A", "negative"), submission("A", "positive")
    base.add([first, second])
    released = base.release(second.prediction.id, actor="ada")
    assert (released.status, released.reason, released.actor) == (
        "accepted",
        "contradiction",
        "ada",
    )
    assert released.decided is not None
    assert base.counts("sentiment")["accepted"] == 2
    rejected = base.reject(first.prediction.id)
    assert (rejected.status, rejected.text) == ("rejected", None)
    assert outcomes(base.add([first])) == [("duplicate", "")]
    with pytest.raises(NotFound, match="quarantined"):
        base.release(first.prediction.id)


def test_at_most_one_judgement_of_a_prediction_is_accepted(base: FeedbackBase) -> None:
    given = submission("A", "negative")
    base.add([given, again(given, "positive"), again(given, "mixed")])
    with pytest.raises(Conflict, match="several"):
        base.release(given.prediction.id)
    aside = [one.number for one in base.judgements(status="quarantined")]
    with pytest.raises(Conflict, match="reject that one first"):
        base.release(given.prediction.id, number=aside[0])
    first = next(base.judgements(status="accepted"))
    base.reject(given.prediction.id, number=first.number)
    assert base.release(given.prediction.id, number=aside[1]).label == "mixed"


def test_after_a_rejection_the_next_judgement_is_as_good_as_any(base: FeedbackBase) -> None:
    given = submission("A", "negative")
    base.add([given])
    base.reject(given.prediction.id)
    assert outcomes(base.add([again(given, "positive")])) == [("accepted", "")]


def test_erase_leaves_nothing_of_a_prediction(base: FeedbackBase) -> None:
    given, other = submission("A"), submission("B")
    base.add([given, again(given, "positive"), other])
    assert base.erase(given.prediction.id) == 2
    assert base.erase(given.prediction.id) == 0
    assert [one.id for one in base.judgements()] == [other.prediction.id]


def test_a_text_has_its_date_and_a_row_may_have_one(base: FeedbackBase) -> None:
    early, late = NOON + HOUR, NOON + 48 * HOUR
    base.add([submission("A", until=early), submission("B", until=late)], now=NOON)
    texts = [one.text for one in base.accepted("sentiment", now=NOON)]
    assert texts == ["A", "B"]
    assert [one.text for one in base.accepted("sentiment", now=early)] == ["B"]
    assert base.counts("sentiment", now=early)["with_text"] == 1
    assert base.purge(early - HOUR / 60) == Purged(0, 0)
    assert base.purge(early) == Purged(1, 0)
    assert base.purge(early) == Purged(0, 0)
    assert base.purge(NOON + 24 * HOUR, keep_days=1) == Purged(0, 2)
    assert base.counts("sentiment")["accepted"] == 0


def test_accepted_is_oldest_first_and_half_open(base: FeedbackBase) -> None:
    for hours in (2, 0, 1, 3):
        base.add([submission(f"T{hours}")], now=NOON + hours * HOUR)
    found = base.accepted("sentiment", since=NOON + HOUR, until=NOON + 3 * HOUR)
    assert [one.text for one in found] == ["T1", "T2"]
    assert [one.text for one in base.accepted("sentiment")] == ["T0", "T1", "T2", "T3"]


def test_more_than_a_page(base: FeedbackBase) -> None:
    texts = [f"T{i:04}" for i in range(1200)]
    base.add([submission(text) for text in texts], now=NOON)
    found = [one.text for one in base.accepted("sentiment")]
    assert found == texts
    assert len({one.number for one in base.judgements("sentiment")}) == 1200
    assert base.models() == ["sentiment"]


def test_a_text_without_a_date_is_not_kept(base: FeedbackBase) -> None:
    given = Submission(submission().prediction, "negative", (), "kept by nobody")
    (added,) = base.add([given])
    assert not added.text_kept
    assert list(base.accepted("sentiment")) == []


def test_all_or_none(base: FeedbackBase) -> None:
    broken = submission(task=None)
    with pytest.raises(Exception, match="refuses or does not answer") as raised:
        base.add([submission("zebra-crossing"), broken])
    assert "zebra" not in str(raised.value)
    assert base.models() == []


def test_an_unknown_prediction(base: FeedbackBase) -> None:
    with pytest.raises(NotFound):
        base.reject(secrets.token_hex(16))
    assert list(base.judgements(id="nothing")) == []
