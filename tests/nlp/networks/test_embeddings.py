"""Word embeddings row by row, in each of their forms."""

from typing import get_args

import pytest
import torch
from padded import DIMENSIONS, TRAINED, WORDS, vectors_with_gaps

from nlp.errors import ModelError
from nlp.networks.embeddings import CHANNELS, Channels, WordEmbeddings
from nlp.vocabulary import PAD, UNKNOWN

EVERY_CHANNEL = pytest.mark.parametrize("channels", CHANNELS)


@EVERY_CHANNEL
def test_embeddings_row_by_row(channels: Channels) -> None:
    table = WordEmbeddings(WORDS, TRAINED, DIMENSIONS, channels=channels)
    table.load_vectors(vectors_with_gaps())
    ids = torch.arange(WORDS).unsqueeze(0)
    given_rows = table(ids)[0]
    assert given_rows.shape == (WORDS, table.width)
    for i in range(WORDS):
        parts = []
        if table.static is not None:
            parts.append(table.static[i].float())
        if table.learnt is not None:
            parts.append(table.learnt.weight[i if i < TRAINED else UNKNOWN])
        torch.testing.assert_close(given_rows[i], torch.cat(parts))


@EVERY_CHANNEL
def test_which_tables_each_form_has(channels: Channels) -> None:
    table = WordEmbeddings(WORDS, TRAINED, DIMENSIONS, channels=channels)
    has = (table.static is not None, table.learnt is not None)
    assert has == {
        "random": (False, True),
        "static": (True, False),
        "non-static": (False, True),
        "two-channel": (True, True),
    }[channels]  # fmt: skip
    assert table.width == DIMENSIONS * sum(has)


def test_static_vectors_are_halves_and_not_learnt() -> None:
    table = WordEmbeddings(WORDS, TRAINED, DIMENSIONS, channels="static")
    vectors = vectors_with_gaps()
    table.load_vectors(vectors)
    assert table.static is not None
    assert table.static.dtype == torch.float16
    assert not list(table.parameters())
    assert "static" in table.state_dict()
    known = ~vectors.isnan().any(dim=1)
    torch.testing.assert_close(table.static[known], vectors[known].half())
    assert (table.static[~known] == 0).all()


def test_words_without_a_vector_keep_their_random_start() -> None:
    table = WordEmbeddings(WORDS, TRAINED, DIMENSIONS, channels="two-channel")
    assert table.learnt is not None
    before = table.learnt.weight.detach().clone()
    vectors = vectors_with_gaps()
    table.load_vectors(vectors)
    after = table.learnt.weight.detach()
    assert after.shape == (TRAINED, DIMENSIONS)
    torch.testing.assert_close(after[[PAD, UNKNOWN, 4]], before[[PAD, UNKNOWN, 4]])
    torch.testing.assert_close(after[[2, 3, 5, 6, 7]], vectors[[2, 3, 5, 6, 7]])
    assert (after[PAD] == 0).all()


def test_only_trained_rows_are_learnt() -> None:
    """A word that training never saw reads, and moves, the unknown word's row."""
    table = WordEmbeddings(WORDS, TRAINED, DIMENSIONS, channels="non-static")
    table(torch.tensor([[TRAINED, TRAINED - 1, PAD]])).sum().backward()
    assert table.learnt is not None
    gradient = table.learnt.weight.grad
    assert gradient is not None
    assert gradient.abs().sum(dim=1).nonzero().squeeze(1).tolist() == [UNKNOWN, TRAINED - 1]


def test_unknown_channels_are_refused() -> None:
    with pytest.raises(ModelError, match="'frozen'; known: random, static, non-static"):
        WordEmbeddings(WORDS, TRAINED, DIMENSIONS, channels="frozen")  # type: ignore[arg-type]
    assert get_args(Channels) == CHANNELS
