"""From the training split to a fresh network: vocabulary, alphabet, labels, sizes, vectors.

Only the training split is looked at, so that nothing of dev or test can slip into a model.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from nlp.networks.base import Network
from nlp.networks.embeddings import WordEmbeddings
from nlp.networks.table import build_network, network_class
from nlp.tasks.base import Example, Task
from nlp.text import splitter
from nlp.vocabulary import Vocabulary, build_vocabulary, normal_form
from training.errors import RecipeError
from training.manifest import ModelSpec, TextSpec
from training.pretrained import check_room, find_encoder, give_weights, with_encoder
from training.recipe import Recipe
from training.tasks.table import trainable
from training.vectors import Vectors, load_vectors

_RARE_CHARACTER: Final = 3


@dataclass(frozen=True, slots=True)
class Materials:
    """All that a loop needs and a version keeps, weights excepted."""

    spec: ModelSpec
    vocabulary: Vocabulary
    network: Network

    @property
    def task(self) -> Task:
        return self.spec.task_for(self.vocabulary)


def build_materials(recipe: Recipe, train: Sequence[Example]) -> Materials:
    """Seeded. Raises RecipeError, DataError, and ModelError for sizes the network refuses."""
    words = trainable(recipe.task).words(train, splitter(recipe.text.tokenizer))
    vectors = _vectors(recipe, words)
    vocabulary = build_vocabulary(
        words,
        lowercase=recipe.text.lowercase,
        min_count=recipe.text.min_count,
        max_words=recipe.text.max_words,
        extra=() if vectors is None else vectors.words[: recipe.text.vector_words],
    )
    spec = _spec(recipe, train, vocabulary, words)
    encoder = find_encoder(recipe)
    if encoder is not None:
        spec = with_encoder(spec, encoder)
    torch.manual_seed(recipe.seed)
    network = build_network(spec.architecture, spec.outputs, spec.sizes)
    check_room(network, spec)
    if vectors is not None:
        _give_vectors(network, _table(vectors, vocabulary))
    if encoder is not None:
        give_weights(network, encoder)
    return Materials(spec, vocabulary, network)


def _give_vectors(network: Network, table: Tensor) -> None:
    """table: (words, dimensions). Raises RecipeError where the network's dimensions are others."""
    for module in network.modules():
        if isinstance(module, WordEmbeddings):
            _check_dimensions(module, table)
            module.load_vectors(table)


def _check_dimensions(embeddings: WordEmbeddings, table: Tensor) -> None:
    learnt = embeddings.static if embeddings.learnt is None else embeddings.learnt.weight
    if learnt is not None and learnt.shape[1] != table.shape[1]:
        raise RecipeError(
            f"must be {table.shape[1]}, as the vectors are, and is {learnt.shape[1]}",
            path="network.sizes.dimensions",
        )


def _vectors(recipe: Recipe, words: Iterable[str]) -> Vectors | None:
    if not recipe.text.vectors:
        return None
    wanted = {normal_form(word, lowercase=recipe.text.lowercase) for word in words}
    return load_vectors(recipe.text.vectors, wanted=wanted, first=recipe.text.vector_words)


def _table(vectors: Vectors, vocabulary: Vocabulary) -> Tensor:
    """(words, dimensions), NaN where a word has no vector."""
    rows = {word: i for i, word in enumerate(vectors.words)}
    table = torch.full((len(vocabulary), vectors.matrix.shape[1]), float("nan"))
    for i, word in enumerate(vocabulary.words):
        if word in rows:
            table[i] = torch.from_numpy(vectors.matrix[rows[word]])
    return table


def _spec(
    recipe: Recipe, train: Sequence[Example], vocabulary: Vocabulary, words: Sequence[str]
) -> ModelSpec:
    inputs = network_class(recipe.network.architecture).inputs
    alphabet = _alphabet(words) if "characters" in inputs else ""
    sizes: dict[str, Any] = {
        **recipe.network.sizes,
        "words": len(vocabulary),
        "trained": vocabulary.trained,
    }
    if alphabet:
        sizes["alphabet"] = len(alphabet) + 2
    text = TextSpec(
        tokenizer=recipe.text.tokenizer,
        lowercase=recipe.text.lowercase,
        trained=vocabulary.trained,
        features=inputs,
        alphabet=alphabet,
        window_tokens=recipe.text.max_window_tokens,
    )
    architecture, tolerance = recipe.network.architecture, recipe.publish.tolerance
    layers = trainable(recipe.task).layers(train)
    return ModelSpec(recipe.task, architecture, sizes, layers, text, tolerance=tolerance)


def _alphabet(words: Iterable[str]) -> str:
    """Characters seen a few times; the rest share the unknown one, which is learnt that way."""
    counts = Counter(character for word in words for character in word)
    return "".join(sorted(c for c, count in counts.items() if count >= _RARE_CHARACTER))
