"""The parts of the story that could be wrong without anybody noticing."""

import pytest

from benchmarks.story.traffic import Answer, Labelled, accuracy, judgement, parts_of


def answer(said: str, gold: str) -> Answer:
    return Answer(Labelled("A kind waiter.", gold), said, "0" * 32, "receipt")


def test_accuracy_is_the_share_of_right_answers() -> None:
    answers = [answer("positive", "positive"), answer("positive", "negative")]
    assert accuracy(answers) == 0.5


def test_a_person_says_the_texts_own_label_or_another() -> None:
    said = judgement(answer("positive", "negative"))
    assert said["label"] == "negative"
    assert judgement(answer("positive", "negative"), "positive")["label"] == "positive"
    assert said.keys() == {"id", "receipt", "label", "text"}


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_parts_are_the_whole_in_order(size: int) -> None:
    parts = parts_of(range(20), size)
    assert [item for part in parts for item in part] == list(range(20))
    assert max(map(len, parts)) <= size
