"""The tagger's outputs, and the table of architectures."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from padded import TRAINED, WORDS, words_of

from nlp.errors import ModelError
from nlp.features import Features
from nlp.networks.bilstm_tagger import BiLSTMTagger
from nlp.networks.table import NETWORKS, build_network, network_class


def tagger(**sizes: Any) -> BiLSTMTagger:  # noqa: ANN401
    torch.manual_seed(3)
    known = {"words": WORDS, "trained": TRAINED, "alphabet": 9, "hidden": 6, "character_hidden": 4}
    return BiLSTMTagger({"upos": 5, "xpos": 7}, **{**known, **sizes}).eval()


def test_the_tagger_gives_each_layer_its_tags() -> None:
    words = words_of((4, 2))
    spellings = torch.zeros_like(words)
    characters = torch.zeros(1, 1, dtype=torch.long)
    arrays = {"words": words, "shapes": words % 11, "characters": characters}
    outputs = tagger(crf=True)(**arrays, spellings=spellings)
    assert {name: tuple(output.shape) for name, output in outputs.items()} == {
        "upos": (2, 4, 5),
        "xpos": (2, 4, 7),
        "upos_transitions": (2, 7, 5),
        "xpos_transitions": (2, 9, 7),
    }
    assert set(tagger(crf=False)(**arrays, spellings=spellings)) == {"upos", "xpos"}


def test_each_spelling_is_read_as_if_alone() -> None:
    network = tagger()
    spelled = torch.tensor([[0, 0, 0, 0], [2, 3, 4, 5], [6, 0, 0, 0], [7, 8, 0, 0]])
    with torch.no_grad():
        together = network._spell(spelled)
        for row, length in ((1, 4), (2, 1), (3, 2)):
            alone = network._spell(spelled[row : row + 1, :length])
            torch.testing.assert_close(together[row], alone[0])


@pytest.mark.parametrize("cell", ["rnn", "gru"])
@pytest.mark.parametrize("directions", [1, 2])
def test_the_tagger_takes_any_cell_in_any_direction(cell: str, directions: int) -> None:
    network = tagger(cell=cell, directions=directions)
    words = words_of((5, 2), extra=1)
    arrays = {"words": words, "shapes": words % 11, "spellings": words * 0}
    characters = torch.zeros(1, 1, dtype=torch.long)
    with torch.no_grad():
        together = network(**arrays, characters=characters)["upos"]
        alone = network(**{k: v[1:, :2] for k, v in arrays.items()}, characters=characters)["upos"]
    torch.testing.assert_close(together[1:, :2], alone)
    assert network.encoder.width == 6 * directions


def test_every_architecture_names_features_that_exist() -> None:
    for network in NETWORKS.values():
        assert Features(network.inputs).names == network.inputs


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: network_class("bert"), "unknown architecture 'bert'; known: .*textcnn"),
        (lambda: build_network("textcnn", {"s": 2}, {"depth": 3}), r"no size \['depth'\]; known: "),
        (lambda: build_network("textcnn", {"s": 2}, {"words": 5}), "cannot be built of these siz"),
        (
            lambda: build_network("textcnn", {"s": 2}, {"words": "5", "trained": 5}),
            "textcnn cannot be built of these sizes",
        ),
        (
            lambda: build_network(
                "textcnn", {"s": 2}, {"words": 5, "trained": 5, "channels": "none"}
            ),
            "unknown channels 'none'",
        ),
    ],
)
def test_what_is_not_in_the_table_is_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build()
