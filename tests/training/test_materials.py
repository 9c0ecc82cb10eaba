"""What a network is made of comes from the training split and the recipe, and from nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import REVIEWS, TAGGED

from nlp.networks.textcnn import TextCNN
from nlp.tasks.base import Example
from nlp.vocabulary import PAD, UNKNOWN
from training.errors import RecipeError
from training.materials import build_materials
from training.recipe import Recipe

TEXTS = [Example(text, label) for text, label in REVIEWS]
SENTENCES = [Example(words, (upos, xpos)) for words, upos, xpos in TAGGED]
VECTORS = {"film": [1.0, 2.0, 3.0], "soup": [4.0, 5.0, 6.0], "ferry": [7.0, 8.0, 9.0]}
"""The last word stands in no review."""


def with_sizes(recipe: Recipe, **sizes: Any) -> Recipe:  # noqa: ANN401 - sizes are of many kinds
    return replace(recipe, network=replace(recipe.network, sizes=sizes))


@pytest.fixture
def pretrained(recipes: dict[str, Recipe], tmp_path: Path) -> Recipe:
    """A recipe with a file of three vectors, all of whose words join the vocabulary."""
    lines = [" ".join([word, *map(str, numbers)]) for word, numbers in VECTORS.items()]
    (tmp_path / "vectors.txt").write_text("".join(line + "\n" for line in lines))
    recipe = recipes["sentiment"]
    text = replace(recipe.text, vectors=str(tmp_path / "vectors.txt"), vector_words=3)
    return with_sizes(replace(recipe, text=text), dimensions=3, filters=2, channels="two-channel")


def test_the_seed_makes_the_weights(recipes: dict[str, Recipe]) -> None:
    """Whatever was drawn before."""
    weights = []
    for seed in (13, 13, 14):
        torch.rand(3)
        materials = build_materials(replace(recipes["sentiment"], seed=seed), TEXTS)
        weights.append(materials.network.state_dict())
    first, second, other = weights
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["heads.sentiment.weight"], other["heads.sentiment.weight"])


def test_words_and_labels_are_those_of_training(recipes: dict[str, Recipe]) -> None:
    materials = build_materials(recipes["sentiment"], TEXTS[:3])
    assert materials.vocabulary.knows("Film")
    assert not materials.vocabulary.knows("waiter")
    assert materials.spec.layers == {"sentiment": ("positive",)}
    assert materials.spec.sizes["words"] == len(materials.vocabulary)


def test_rare_words_and_long_vocabularies(recipes: dict[str, Recipe]) -> None:
    recipe = recipes["sentiment"]
    often = replace(recipe, text=replace(recipe.text, min_count=4))
    assert set(build_materials(often, TEXTS).vocabulary.words[2:]) == {"a", "and", "the", ".", ","}
    short = replace(recipe, text=replace(recipe.text, max_words=2))
    assert len(build_materials(short, TEXTS).vocabulary) == 4


def test_a_tagger_numbers_characters_seen_often(recipes: dict[str, Recipe]) -> None:
    """Rarer ones share the unknown character, which is learnt that way."""
    materials = build_materials(recipes["tagging"], SENTENCES)
    letters = "".join(word for words, _, _ in TAGGED for word in words)
    frequent = {letter for letter in letters if letters.count(letter) >= 3}
    assert materials.spec.text.alphabet == "".join(sorted(frequent))
    assert materials.spec.sizes["alphabet"] == len(frequent) + 2
    assert materials.spec.layers["upos"] == tuple(sorted({t for _, row, _ in TAGGED for t in row}))


def test_vectors_stand_in_their_words_rows(pretrained: Recipe) -> None:
    materials = build_materials(pretrained, TEXTS)
    assert isinstance(materials.network, TextCNN)
    embeddings, vocabulary = materials.network.embeddings, materials.vocabulary
    assert embeddings.static is not None
    assert embeddings.learnt is not None
    for word, numbers in VECTORS.items():
        assert embeddings.static[vocabulary.id(word)].tolist() == numbers
    for word in ("film", "soup"):
        assert embeddings.learnt.weight[vocabulary.id(word)].tolist() == VECTORS[word]
    assert embeddings.static[[PAD, UNKNOWN, vocabulary.id("waiter")]].count_nonzero() == 0
    assert vocabulary.id("ferry") >= vocabulary.trained == len(embeddings.learnt.weight)
    assert not vocabulary.knows("ferry")
    assert np.isfinite(embeddings.learnt.weight.detach().numpy()).all()


@pytest.mark.parametrize("channels", ["static", "non-static", "two-channel"])
def test_vectors_of_another_length_are_refused(channels: str, pretrained: Recipe) -> None:
    wrong = with_sizes(pretrained, dimensions=4, filters=2, channels=channels)
    message = r"^network\.sizes\.dimensions: must be 3, as the vectors are, and is 4$"
    with pytest.raises(RecipeError, match=message):
        build_materials(wrong, TEXTS)
