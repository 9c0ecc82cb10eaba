"""TextCNN against a loop over filters and places."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from padded import DIMENSIONS, TRAINED, WORDS, vectors_with_gaps, words_of
from torch import nn

from nlp.networks.embeddings import CHANNELS, Channels
from nlp.networks.textcnn import TextCNN

EVERY_CHANNEL = pytest.mark.parametrize("channels", CHANNELS)


def naive_textcnn(network: TextCNN, ids: Sequence[int]) -> NDArray[np.float64]:
    """One text, one filter, one place at a time, over the words alone: (classes,)."""
    with torch.no_grad():
        vectors = network.embeddings(torch.tensor([ids]))[0].numpy()  # (time, width)
    strongest = []
    for layer in network.convolutions:
        assert isinstance(layer, nn.Conv1d)
        weights, biases = layer.weight.detach().numpy(), layer.bias
        assert biases is not None
        for filter_weights, bias in zip(weights, biases.tolist(), strict=True):
            strongest.append(_strongest(filter_weights, bias, vectors))
    (head,) = network.heads.values()
    assert isinstance(head, nn.Linear)
    weights, bias = head.weight.detach().numpy(), head.bias.detach().numpy()
    return np.asarray(weights @ np.array(strongest) + bias)


def _strongest(weights: NDArray[np.float32], bias: float, vectors: NDArray[np.float32]) -> float:
    """The highest ReLU answer of one filter (width, w) over all places that touch a word."""
    w = weights.shape[1]
    answers = []
    for first in range(1 - w, len(vectors)):
        total = bias
        for k in range(w):
            if 0 <= first + k < len(vectors):
                total += float(weights[:, k] @ vectors[first + k])
        answers.append(max(0.0, total))
    return max(answers)


@EVERY_CHANNEL
def test_textcnn_is_the_naive_loop(channels: Channels) -> None:
    torch.manual_seed(7)
    network = TextCNN(
        {"sentiment": 3},
        words=WORDS,
        trained=TRAINED,
        dimensions=DIMENSIONS,
        channels=channels,
        widths=(1, 2, 3, 5),
        filters=4,
    ).eval()
    network.embeddings.load_vectors(vectors_with_gaps())
    lengths = (9, 1, 2, 5, 3)
    words = words_of(lengths, extra=4)
    with torch.no_grad():
        logits = network(words=words)["sentiment"].numpy()
    for row, length in enumerate(lengths):
        expected = naive_textcnn(network, words[row, :length].tolist())
        np.testing.assert_allclose(logits[row], expected, atol=1e-5)


def test_textcnn_drops_out_in_training_only() -> None:
    torch.manual_seed(0)
    network = TextCNN({"sentiment": 2}, words=WORDS, trained=TRAINED, filters=8, dropout=0.5)
    words = words_of((6, 3))
    network.train()
    assert not torch.equal(network(words=words)["sentiment"], network(words=words)["sentiment"])
    network.eval()
    assert torch.equal(network(words=words)["sentiment"], network(words=words)["sentiment"])
