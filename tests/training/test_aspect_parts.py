"""The rule that cuts dev from the SemEval training files."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from nlp.tasks.base import AspectItem, Example
from training.aspect_parts import in_dev, in_train


def example(text: str) -> Example:
    return Example(AspectItem(text), ((),))


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20))
def test_the_rule_is_the_published_one(text: str) -> None:
    number = int(hashlib.sha256(text.lower().encode()).hexdigest()[:8], 16)
    assert in_dev(example(text)) == (number % 10 == 0)
    assert in_train(example(text)) != in_dev(example(text))


def test_equal_texts_fall_to_the_same_side() -> None:
    for number in range(200):
        shown = [
            f"Table {number} was cold!",
            f"table {number} was  cold",
            f"TABLE {number} was cold .",
        ]
        assert len({in_dev(example(text)) for text in shown}) == 1


def test_the_rule_never_changes_and_cuts_a_tenth() -> None:
    first = [number for number in range(120) if in_dev(example(f"visit {number}"))]
    assert first == [6, 37, 51, 54, 56, 63, 67, 81, 91, 99, 104, 107]
    assert 170 < sum(in_dev(example(f"meal {number}")) for number in range(2000)) < 230
