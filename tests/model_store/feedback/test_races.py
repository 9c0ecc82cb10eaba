"""Many processes at once: one of them migrates, one row is made, and the rest is put aside."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any

from model_store.feedback import open_feedback

Race = Callable[[str, list[dict[str, Any]]], list[Any]]


def test_all_migrate_and_all_add_the_same_judgement(url: str, race: Race) -> None:
    ids = [secrets.token_hex(16) for _ in range(20)]
    order = {"url": url, "ids": ids, "texts": ids, "label": "negative"}
    found = Counter(outcome for one in race("judge", [order] * 4) for outcome in one)
    assert found == {"accepted": 20, "duplicate": 60}
    base = open_feedback(url)
    assert base.counts("sentiment")["accepted"] == 20
    base.close()


def test_one_of_two_judgements_of_a_prediction_wins(url: str, race: Race) -> None:
    ids = [secrets.token_hex(16) for _ in range(20)]
    order = {"url": url, "ids": ids, "texts": ids}
    labels = ("negative", "positive", "mixed")
    race("judge", [order | {"label": label} for label in labels])
    base = open_feedback(url)
    counts = base.counts("sentiment")
    assert (counts["accepted"], counts["quarantined"]) == (20, 40)
    assert {one.reason for one in base.judgements(status="quarantined")} == {"conflict"}
    base.close()


def test_one_of_two_judgements_of_a_text_wins(url: str, race: Race) -> None:
    texts = [f"text {i}" for i in range(20)]
    orders = [
        {"url": url, "ids": [secrets.token_hex(16) for _ in texts], "texts": texts, "label": label}
        for label in ("negative", "positive")
    ]
    race("judge", orders)
    base = open_feedback(url)
    counts = base.counts("sentiment")
    assert (counts["accepted"], counts["quarantined"]) == (20, 20)
    assert {one.reason for one in base.judgements(status="quarantined")} == {"contradiction"}
    base.close()
