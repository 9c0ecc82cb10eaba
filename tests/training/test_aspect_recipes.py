"""The shipped recipes of aspects: their own sentences, and what may be compared with what."""

from collections import Counter
from typing import Literal, cast

import pytest

from nlp.tasks.base import AspectItem, Example
from training.audit import example_key
from training.datasets import load
from training.recipe import Recipe, Source
from training.recipe_files import load_recipe

SMOKE = "The restaurant was expensive, but the menu was great"
COMPARED = ("aspects-lstm", "aspects-attention", "aspects-target")
SHIPPED = ("aspects", "aspect-terms")
MAY_BE_SHIPPED = {"mams_atsa", "mams_acsa"}


def everyday(task: str) -> list[tuple[AspectItem, tuple[str, ...]]]:
    """Texts with their aspects and labels; for "extraction" only terms, and texts without any."""
    aspects: Literal["both", "terms"] = "both" if task == "aspects" else "terms"
    source = Source(file="aspects-everyday.jsonl", format="aspects", aspects=aspects)
    examples = load(source, task=task).examples
    return [(cast(AspectItem, e.item), cast(tuple[tuple[str, ...]], e.gold)[0]) for e in examples]


def test_our_sentences_mix_labels_terms_and_categories() -> None:
    texts = [item.text for item, _ in everyday("extraction")]
    assert len(texts) == len(set(texts)) >= 150
    rows = everyday("aspects")
    located = Counter(aspect.located for item, _ in rows for aspect in item.aspects)
    assert min(located.values()) > 200
    assert sum(len(set(gold)) > 1 for _, gold in rows) > 90
    prices = Counter(
        label
        for item, gold in rows
        for aspect, label in zip(item.aspects, gold, strict=True)
        if aspect.text == "price" and "price" not in item.text.lower()
    )
    assert min(prices["positive"], prices["negative"]) >= 20  # that the text does not name
    assert any(not item.aspects for item, _ in everyday("extraction"))


def test_the_smoke_test_is_in_no_sentence_of_ours() -> None:
    ours = [item.text for item, _ in everyday("extraction")]
    assert key_of(SMOKE) not in map(key_of, ours)
    assert not any("restaurant was expensive" in text or "menu was great" in text for text in ours)


def key_of(text: str) -> str:
    """What the audit knows a text by: letter case and marks aside."""
    return example_key(Example(text, "positive"))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_learns_from_what_may_be(name: str) -> None:
    data = load_recipe(name).data
    named = {source.dataset.split(":")[0] for source in data.train if source.dataset}
    assert named <= MAY_BE_SHIPPED
    assert all(source.file == "aspects-everyday.jsonl" for source in data.train if source.file)


def test_the_lectures_networks_learn_from_the_same_data() -> None:
    recipes = [load_recipe(name) for name in COMPARED]
    assert len({compared(recipe) for recipe in recipes}) == 1
    assert len({recipe.network.architecture for recipe in recipes}) == len(recipes)


def compared(recipe: Recipe) -> str:
    """All that three networks must share for their scores to be compared."""
    return repr((recipe.data, recipe.audit, recipe.text, recipe.training.metric))
