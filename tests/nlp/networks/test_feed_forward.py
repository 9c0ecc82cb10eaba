"""The deep averaging network against its equations in numpy, one text at a time."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from padded import DIMENSIONS, TRAINED, WORDS, vectors_with_gaps, words_of
from torch import nn

from nlp.errors import ModelError
from nlp.networks.feed_forward import ACTIVATIONS, Activation, FeedForward

Floats = NDArray[np.float64]


def gelu(x: Floats) -> Floats:
    return np.asarray(0.5 * x * (1 + np.array([math.erf(v / math.sqrt(2)) for v in x])))


FORMULAS: dict[str, Callable[[Floats], Floats]] = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "gelu": gelu,
}


def averaging(**sizes: Any) -> FeedForward:  # noqa: ANN401
    torch.manual_seed(2)
    network = FeedForward(
        {"sentiment": 3}, words=WORDS, trained=TRAINED, dimensions=DIMENSIONS, **sizes
    )
    network.embeddings.load_vectors(vectors_with_gaps())
    return network.eval()


def affine(layer: nn.Module, x: Floats) -> Floats:
    assert isinstance(layer, nn.Linear)
    weight, bias = (t.detach().double().numpy() for t in (layer.weight, layer.bias))
    return np.asarray(weight @ x + bias)


@pytest.mark.parametrize("hidden", [[], [7], [7, 4, 6]])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_the_equations_written_out(activation: Activation, hidden: list[int]) -> None:
    network = averaging(hidden=hidden, activation=activation)
    lengths = (4, 1, 7)
    words = words_of(lengths, extra=3)
    with torch.no_grad():
        logits = network(words=words)["sentiment"].numpy()
        vectors = network.embeddings(words).double().numpy()
    for row, length in enumerate(lengths):
        features = vectors[row, :length].sum(axis=0) / length
        for layer in network.layers:
            features = FORMULAS[activation](affine(layer, features))
        expected = affine(network.heads["sentiment"], features)
        np.testing.assert_allclose(logits[row], expected, atol=1e-5)


def test_the_order_of_words_does_not_matter() -> None:
    network, words = averaging(), words_of((6,))
    with torch.no_grad():
        there, back = (network(words=w)["sentiment"] for w in (words, words.flip(1)))
    torch.testing.assert_close(there, back)


def test_it_drops_out_in_training_only() -> None:
    network, words = averaging(dropout=0.5), words_of((6, 3))
    network.train()
    assert not torch.equal(network(words=words)["sentiment"], network(words=words)["sentiment"])


def test_unknown_activations_are_refused() -> None:
    with pytest.raises(ModelError, match="unknown activation 'step'; known: relu, tanh, sigmoid"):
        averaging(activation="step")
