"""The recurrent classifier against each row read alone, word by word and pooled by numpy."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from padded import DIMENSIONS, TRAINED, WORDS, vectors_with_gaps, words_of
from torch import nn

from nlp.networks.pooling import POOLINGS, Pooling
from nlp.networks.recurrent import CELLS, Cell
from nlp.networks.recurrent_classifier import RecurrentClassifier

HIDDEN = 4
LENGTHS = (5, 1, 3)


def classifier(**sizes: Any) -> RecurrentClassifier:  # noqa: ANN401
    torch.manual_seed(4)
    network = RecurrentClassifier(
        {"sentiment": 3},
        words=WORDS,
        trained=TRAINED,
        dimensions=DIMENSIONS,
        hidden=HIDDEN,
        **sizes,
    )
    network.embeddings.load_vectors(vectors_with_gaps())
    return network.eval()


def alone(network: RecurrentClassifier, ids: torch.Tensor) -> NDArray[np.float32]:
    """Logits (classes,) of one text without padding. ids: (1, time)."""
    ahead = network.embeddings(ids)
    for forwards, backwards in zip(
        network.encoder.forwards, network.encoder.backwards, strict=True
    ):
        behind = backwards(ahead.flip(1))[0].flip(1)
        ahead = torch.cat([forwards(ahead)[0], behind], dim=2)
    head = network.heads["sentiment"]
    assert isinstance(head, nn.Linear)
    weight, bias = head.weight.numpy(), head.bias.numpy()
    return np.asarray(weight @ pooled(network.pooling, ahead[0].numpy()) + bias)


def pooled(kind: str, states: NDArray[np.float32]) -> NDArray[np.float32]:
    last = np.concatenate([states[-1, :HIDDEN], states[0, HIDDEN:]])
    parts = {"last": last, "mean": states.mean(axis=0), "max": states.max(axis=0)}
    return np.concatenate(list(parts.values())) if kind == "concat" else parts[kind]


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("pooling", sorted(POOLINGS))
def test_every_row_as_if_alone(cell: Cell, pooling: Pooling) -> None:
    network = classifier(cell=cell, pooling=pooling, layers=2)
    words = words_of(LENGTHS, extra=2)
    with torch.no_grad():
        logits = network(words=words)["sentiment"].numpy()
        for row, length in enumerate(LENGTHS):
            expected = alone(network, words[row : row + 1, :length])
            np.testing.assert_allclose(logits[row], expected, atol=1e-5)


def test_one_direction_reads_no_further() -> None:
    """Its last state does not change with words that stand behind, its states before neither."""
    network = classifier(directions=1)
    words = words_of((6,))
    with torch.no_grad():
        vectors = network.embeddings(words)
        whole = network.encoder(vectors, words != 0)
        part = network.encoder(vectors[:, :4], words[:, :4] != 0)
    torch.testing.assert_close(whole[:, :4], part)


def test_it_drops_out_in_training_only() -> None:
    network, words = classifier(dropout=0.5), words_of((6, 3))
    network.train()
    assert not torch.equal(network(words=words)["sentiment"], network(words=words)["sentiment"])
