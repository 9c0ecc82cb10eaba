"""Which aspects a run gets, against a longhand count, and the cases by hand."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.tasks.base import Aspect, AspectItem, Example
from training.aspects import AspectCounts, Choice, choose

TEXT = "soup and tea"
SOUP, TEA, PRICE = Aspect("soup", 0, 4), Aspect("tea", 9, 12), Aspect("price")


def example(*judged: tuple[Aspect, str]) -> Example:
    item = AspectItem(TEXT, tuple(aspect for aspect, _ in judged))
    return Example(item, (tuple(label for _, label in judged),), "a.txt:1")


def chosen(choice: Choice, *judged: tuple[Aspect, str]) -> list[tuple[Aspect, str]]:
    found = choose([example(*judged)], choice, AspectCounts())
    return [
        pair
        for one in found
        if isinstance(one.item, AspectItem)
        for pair in zip(one.item.aspects, one.gold[0], strict=True)
    ]


@pytest.mark.parametrize(
    ("aspects", "expected"),
    [
        ("terms", [(SOUP, "positive"), (TEA, "negative")]),
        ("categories", [(PRICE, "neutral")]),
        ("both", [(SOUP, "positive"), (TEA, "negative"), (PRICE, "neutral")]),
    ],
)
def test_terms_categories_or_both_terms_by_place(
    aspects: str, expected: list[tuple[Aspect, str]]
) -> None:
    choice = Choice("aspects", aspects)  # type: ignore[arg-type]
    given = ((PRICE, "neutral"), (TEA, "negative"), (SOUP, "positive"))
    assert chosen(choice, *given) == expected


def test_equal_labels_are_merged_and_differing_ones_leave_the_aspect_out() -> None:
    judged = ((SOUP, "positive"), (SOUP, "positive"), (TEA, "positive"), (TEA, "negative"))
    counts = AspectCounts()
    (found,) = choose([example(*judged)], Choice("aspects"), counts)
    assert found == example((SOUP, "positive"))
    assert counts == AspectCounts(found=4, used=1, merged=1, torn=2, conflict=0)


def test_for_extraction_every_term_counts_once_whatever_its_labels() -> None:
    judged = ((TEA, "positive"), (TEA, "negative"), (SOUP, "conflict"))
    assert [a for a, _ in chosen(Choice("extraction"), *judged)] == [SOUP, TEA]
    assert chosen(Choice("pairs"), *judged) == []


def test_conflict_is_kept_where_it_is_asked_for() -> None:
    judged = ((SOUP, "conflict"), (TEA, "positive"))
    assert chosen(Choice("aspects"), *judged) == [(TEA, "positive")]
    assert chosen(Choice("aspects", conflict="keep"), *judged) == list(judged)


@pytest.mark.parametrize(("task", "left"), [("aspects", 0), ("extraction", 1), ("pairs", 1)])
def test_a_text_without_aspects_is_left_out_only_where_one_must_be_judged(
    task: str, left: int
) -> None:
    assert len(choose([example((PRICE, "positive"))], Choice(task), AspectCounts())) == left


LABELS = st.sampled_from(["positive", "negative", "conflict"])
JUDGED = st.lists(st.tuples(st.sampled_from([SOUP, TEA, PRICE]), LABELS), max_size=8)


@given(JUDGED, st.sampled_from(["aspects", "extraction", "pairs"]), st.booleans())
def test_choices_and_counts_equal_those_of_longhand(
    judged: list[tuple[Aspect, str]], task: str, keep: bool
) -> None:
    choice = Choice(task, "terms", "keep" if keep else "drop")
    counts = AspectCounts()
    found = dict(pair for pair in chosen(choice, *judged))
    choose([example(*judged)], choice, counts)
    labels: defaultdict[Aspect, list[str]] = defaultdict(list)
    for aspect, label in judged:
        if aspect != PRICE and (keep or task == "extraction" or label != "conflict"):
            labels[aspect].append(label)
    expected = {a: ls[0] for a, ls in labels.items() if task == "extraction" or len({*ls}) == 1}
    assert found == expected
    assert counts.found == sum(aspect != PRICE for aspect, _ in judged)
    assert counts.used == len(expected)
    assert counts.found == counts.used + counts.merged + counts.torn + counts.conflict
