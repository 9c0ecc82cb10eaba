"""The behavioural tests: templates, rules, and models of which the answers are known."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tiny import in_memory

from nlp.model import Model
from nlp.tasks.aspects import AspectsAnswer, JudgedAspect
from nlp.tasks.base import Answer, AspectItem, Item
from nlp.tasks.sentiment import SentimentAnswer
from training.retrain.behaviour import Case, Move, capabilities, expanded, passes, suites

LEXICON = {"great": 1, "wonderful": 1, "awful": -1, "dull": -1, "expensive": -1}


@dataclass(frozen=True)
class ByWords:
    """Counts opinion words; heeds "not" where it is told to. `labels` are all that it knows."""

    task_name: str = "sentiment"
    negation: bool = True
    labels: tuple[str, ...] = ("negative", "positive")

    @property
    def manifest(self) -> dict[str, Any]:
        return {"task": self.task_name}

    @property
    def task(self) -> Any:  # noqa: ANN401
        @dataclass
        class Layers:
            layers: dict[str, Sequence[str]]

        return Layers({"sentiment": self.labels})

    def answer(self, items: Iterable[Item]) -> list[Answer]:
        return [self._one(item) for item in items]

    def _one(self, item: Item) -> Answer:
        text = item.text if isinstance(item, AspectItem) else str(item)
        words = text.lower().replace(".", " ").split()
        total = sum(LEXICON.get(word, 0) for word in words)
        score = 0.5 + 0.4 * max(-1, min(1, -total if self.negation and "not" in words else total))
        scores = {"negative": 1 - score, "positive": score}
        label = "positive" if score >= 0.5 else "negative"
        if isinstance(item, AspectItem):
            judged = JudgedAspect(item.aspects[0], label, scores[label], scores, None)
            return AspectsAnswer((judged,), 1)
        return SentimentAnswer(label, scores[label], scores, 1)


def passed(case: Case, **kind: Any) -> bool:  # noqa: ANN401
    (found,) = passes(ByWords(**kind), [case])  # type: ignore[arg-type]
    return found


def test_minimum_functionality_asks_for_the_label() -> None:
    assert passed(Case("A great room.", label="positive"))
    assert not passed(Case("A room.", label="negative"))


def test_invariance_asks_for_the_same_label_whatever_it_is() -> None:
    assert passed(Case("Ida said it was awful.", other="Tom said it was awful."))
    assert not passed(Case("It was great.", other="It was awful."))


def test_direction_asks_how_the_probability_moves() -> None:
    negated = Case("It is great.", other="It is not great.", move=Move("positive", most=-0.1))
    assert passed(negated)
    assert not passed(negated, negation=False)
    kept = Case("It is great.", other="It is very great.", move=Move("positive", least=-0.1))
    assert passed(kept)


def test_aspects_are_asked_for_by_place_or_as_categories() -> None:
    text = "The restaurant was expensive, but the menu was wonderful"
    found = passes(
        ByWords("aspects"),  # type: ignore[arg-type]
        [Case(text, "positive", aspect="menu"), Case(text, "positive", aspect="price")],
    )
    assert found == (True, True)


def test_a_template_stands_for_each_choice_of_words() -> None:
    case = Case("{who} liked the {thing}, {who} did.", other="{who} saw it.", aspect="{thing}")
    words = {"who": ("Ida", "Tom"), "thing": ("soup", "film", "tea"), "unused": ("x",)}
    found = list(expanded(case, words))
    assert len(found) == 6
    assert found[0].text == "Ida liked the soup, Ida did."
    assert (found[5].other, found[5].aspect) == ("Tom saw it.", "tea")


def test_the_book_is_well_formed() -> None:
    """Every suite has cases, none twice; an aspect stands in its texts; changes have two texts."""
    seen = Counter((s.task, s.capability, s.kind) for s in suites())
    assert set(seen.values()) == {1}
    for suite in suites():
        assert len(suite.cases) == len(set(suite.cases)) >= 2
        for case in suite.cases:
            assert "{" not in case.text + case.other + case.aspect
            assert bool(case.aspect) == (suite.task == "aspects")
            assert bool(case.other) == (suite.kind != "minimum functionality")
            assert bool(case.move) == (suite.kind == "direction")
            assert bool(case.label) == (suite.kind == "minimum functionality")
            assert case.aspect == "price" or case.aspect in case.text
            assert case.text != case.other


def test_the_lectures_example_is_among_the_aspects() -> None:
    found = {c.aspect: c.label for s in suites() if "lecture" in s.capability for c in s.cases}
    assert found == {"price": "negative", "menu": "positive"}


@pytest.mark.parametrize("task", ["sentiment", "aspects"])
def test_real_models_take_every_suite_of_their_task(task: str) -> None:
    model = in_memory(task, {"sentiment": "textcnn", "aspects": "attention-lstm"}[task], steps=2)
    few = [replace(s, cases=s.cases[:3]) for s in suites()]
    found = capabilities(model, model, few)
    expected = {(s.capability, s.kind) for s in few if s.task == task}
    unknown = {("neutral mentions", "minimum functionality")}  # the tiny model has two labels
    assert {(one.name, one.kind) for one in found} | unknown == expected | unknown
    assert all(one.champion == one.challenger for one in found)


def test_labels_that_a_model_lacks_leave_their_cases_out() -> None:
    stars = ByWords(labels=("1", "2"))
    found = capabilities(stars, stars)  # type: ignore[arg-type]
    assert {one.kind for one in found} == {"invariance"}


def test_other_tasks_have_no_behavioural_tests() -> None:
    model: Model = in_memory("extraction", "bilstm-tagger", steps=1)
    assert capabilities(model, model) == ()
