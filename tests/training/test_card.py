"""The model card: every section from its facts, and none without."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from training.calibration import fit_temperature
from training.card import CardFacts, write_card
from training.recipe import from_dict, to_dict
from training.scores import Slice, score_labels
from training.splits import prepare


@pytest.fixture
def facts(tmp_path: Path) -> CardFacts:
    for name in ("train", "dev"):
        rows = ["text,label", f"a {name} day,good", f"a {name} night,bad", f"A {name} day!,good"]
        (tmp_path / f"{name}.csv").write_text("\n".join(rows), encoding="utf-8")
    recipe = from_dict(
        {
            "name": "moods",
            "task": "sentiment",
            "data": {"train": [str(tmp_path / "train.csv")], "dev": [str(tmp_path / "dev.csv")]},
            "audit": {"max_duplicate_share": 0.5},
            "network": {"architecture": "textcnn"},
        }
    )
    labels = ["good", "bad", "``|"]
    scores = score_labels(["good", "bad", "bad"], ["good", "bad", "good"], labels=labels)
    logits = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
    calibration = fit_temperature(logits, np.array([0, 1, 1]))
    return {
        "name": "moods",
        "task": "sentiment",
        "description": "Moods of our own days.",
        "architecture": "textcnn",
        "parameters": 123_456,
        "sizes": {"filters": 50},
        "labels": {"label": labels},
        "limits": ["English only."],
        "data": prepare(recipe).to_dict(),
        "scores": {"label": scores.to_dict()},
        "slices": [Slice("long texts", 0, None).to_dict(), Slice("short", 3, 2 / 3).to_dict()],
        "calibration": {"label": calibration.to_dict()},
        "pictures": {"Curves": "curves.png"},
        "command": "valence train moods",
        "recipe": to_dict(recipe),
        "packages": {"torch": "2.11"},
    }


def test_a_full_card_says_everything(facts: CardFacts) -> None:
    card = write_card(facts)
    for said in (
        "# moods\n\nMoods of our own days.",
        "| parameters | 123,456 |",
        "- English only.",
        "| train | train.csv | unknown | not stated | 3 | 0 |",
        "Trained on 3 examples, selected on 3 of dev.",
        "| duplicates | train | 1 of 3 | 33.33 % |",
        "7 of 9 checks found nothing.",
        "| label | 3 | 66.67 % (",
        "| good | 1 | 50.00 % | 100.00 % | 66.67 % |",
        "| long texts | 0 | n/a |",
        "| short | 3 | 66.67 % |",
        "![Curves](curves.png)",
        "```\nvalence train moods\n```",
        "Made with torch 2.11.",
    ):
        assert said in card
    assert card.endswith("```\n")


def test_marks_of_a_label_do_not_break_a_table(facts: CardFacts) -> None:
    card = write_card(facts)
    assert r"| \`\`\| | 0 | n/a | n/a | n/a |" in card
    rows = [line for line in card.splitlines() if line.startswith("| ")]
    assert all(line.endswith(" |") for line in rows)


def test_tables_have_equally_many_columns_in_each_row(facts: CardFacts) -> None:
    lines = write_card(facts).replace(r"\|", "").splitlines()
    for above, below in pairwise(lines):
        if above.startswith("|") and below.startswith("|"):
            assert above.count("|") == below.count("|")


def test_the_recipe_on_the_card_is_the_recipe(facts: CardFacts) -> None:
    block = write_card(facts).split("```json\n")[1].split("\n```")[0]
    assert from_dict(json.loads(block)) == from_dict(facts["recipe"])


def test_a_card_of_little_has_no_empty_sections() -> None:
    card = write_card({"name": "tags", "task": "tagging"})
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == ["# tags", "## Use and limits"]
    assert "part of speech" in card


def test_dropped_and_typed_examples_are_told(facts: CardFacts) -> None:
    data = {**facts["data"], "dropped_leaks": 1200, "detokenised": 7}
    card = write_card({**facts, "data": data})
    assert "1,200 training examples were left out" in card
    assert "7 were put into the form that people type." in card


def test_an_audit_that_found_nothing_has_no_table(facts: CardFacts) -> None:
    data = {**facts["data"], "audit": {"findings": []}}
    assert "### Audit" not in write_card({**facts, "data": data})
    clean = [{"check": "leaks", "split": "train+dev", "count": 0, "total": 9, "share": 0.0}]
    card = write_card({**facts, "data": {**facts["data"], "audit": {"findings": clean}}})
    assert "### Audit\n\n1 of 1 checks found nothing." in card
