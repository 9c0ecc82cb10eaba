"""Copying against numpy written out longhand; nothing is seen before it is written."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from padded import DIMENSIONS, TRAINED, WORDS, mask_of, words_of
from torch import Tensor

from nlp.errors import ModelError
from nlp.networks.base import Network
from nlp.networks.encoder_decoder import (
    COPIES,
    LEAST,
    CopyHead,
    CopyScore,
    WrittenEmbeddings,
    only_layer,
)
from nlp.networks.recurrent_encoder_decoder import RecurrentEncoderDecoder
from nlp.networks.table import build_network
from nlp.pair_grammar import to_prefix

SYMBOLS, WIDTH = 4, 6
SIZES: dict[str, dict[str, Any]] = {
    "recurrent-encoder-decoder": {"hidden": 6},
    "transformer-encoder-decoder": {"hidden": 6, "heads": 2, "layers": 1, "feed_forward": 8},
}
COMMON = {"words": WORDS, "trained": TRAINED, "dimensions": DIMENSIONS, "channels": "random"}


def network(architecture: str, **sizes: Any) -> Network:  # noqa: ANN401
    torch.manual_seed(4)
    sizes = {**COMMON, **SIZES[architecture], **sizes}
    return build_network(architecture, {"pairs": SYMBOLS}, sizes).eval()


def softmax(values: list[float]) -> list[float]:
    weights = [np.exp(value - max(values)) for value in values]
    return [float(weight / sum(weights)) for weight in weights]


# -- the head ------------------------------------------------------------------------------------


def longhand(head: CopyHead, state: list[float], scores: list[float]) -> list[float]:
    """Probabilities of the symbols and of the words, one state and one text at a time."""
    table, bias = head.write.weight.tolist(), head.write.bias.tolist()
    written = [sum(w * s for w, s in zip(r, state, strict=True)) + b
               for r, b in zip(table, bias, strict=True)]  # fmt: skip
    if head.gate is None:
        return softmax([*written, *scores])
    (row,), (offset,) = head.gate.weight.tolist(), head.gate.bias.tolist()
    gate = 1 / (1 + np.exp(-sum(w * s for w, s in zip(row, state, strict=True)) - offset))
    return [gate * p for p in softmax(written)] + [(1 - gate) * p for p in softmax(scores)]


@settings(max_examples=25)
@given(
    copy=st.sampled_from(COPIES),
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    seed=st.integers(0, 999),
)
def test_the_head_is_the_sum_written_out(copy: str, lengths: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    head = CopyHead(WIDTH, SYMBOLS, copy=copy).eval()  # type: ignore[arg-type]
    mask = mask_of(lengths, extra=2)
    states = torch.randn(len(lengths), 3, WIDTH)
    scores = torch.randn(len(lengths), 3, mask.shape[1]) * 3
    given_out = head(states, scores, mask)
    assert given_out.shape == (len(lengths), 3, SYMBOLS + mask.shape[1])
    for row, length in enumerate(lengths):
        for step in range(3):
            expected = longhand(
                head, states[row, step].tolist(), scores[row, step, :length].tolist()
            )
            found = given_out[row, step]
            np.testing.assert_allclose(
                found[: SYMBOLS + length].detach().exp(), expected, atol=1e-5
            )
            assert (found[SYMBOLS + length :] == LEAST).all()


@pytest.mark.parametrize("copy", COPIES)
def test_the_improbable_has_a_floor_and_in_training_a_gradient(copy: str) -> None:
    torch.manual_seed(0)
    head = CopyHead(WIDTH, SYMBOLS, copy=copy)  # type: ignore[arg-type]
    scores = torch.tensor([[[0.0, -200.0, 0.0]]], requires_grad=True)
    states, mask = torch.zeros(1, 1, WIDTH), mask_of([3])
    assert head.eval()(states, scores, mask)[0, 0, SYMBOLS + 1] == LEAST
    trained = head.train()(states, scores, mask)[0, 0, SYMBOLS + 1]
    assert trained < -200
    trained.backward()
    assert scores.grad is not None
    assert scores.grad[0, 0, 1] == 1


def test_the_copy_score_is_the_sum_written_out() -> None:
    torch.manual_seed(1)
    score = CopyScore(WIDTH, 3)
    states, keys = torch.randn(2, 4, WIDTH), torch.randn(2, 5, 3)
    found = score(states, keys)
    weight, bias = score.key.weight, score.key.bias
    for b in range(2):
        for i in range(4):
            for j in range(5):
                inner = torch.tanh(weight @ keys[b, j] + bias)
                torch.testing.assert_close(found[b, i, j], inner @ states[b, i])


# -- the prefix ----------------------------------------------------------------------------------


def test_what_is_written_is_read_where_it_stands() -> None:
    torch.manual_seed(2)
    written = WrittenEmbeddings(SYMBOLS, 3, 2)
    vectors, states = torch.randn(2, 5, 3), torch.randn(2, 5, 2)
    prefix = torch.tensor(
        [[1, 9, 5, 0], [1, 2, 3, 6]]
    )  # begin, word 3, label; begin, end, ;, word 0
    found = written(prefix, vectors, states)
    assert found.shape == (2, 4, written.width)
    table, none = written.embeddings.weight, torch.zeros(2)
    expected = [
        [(table[1], none), (vectors[0, 3], states[0, 3]), (table[5], none), (table[0], none)],
        [(table[1], none), (table[2], none), (table[3], none), (vectors[1, 0], states[1, 0])],
    ]
    for row in range(2):
        for step in range(4):
            torch.testing.assert_close(found[row, step], torch.cat(expected[row][step]))


def prefixes(rows: list[list[int]]) -> Tensor:
    """Outputs already written, one row a text, to the network's input."""
    return torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(to_prefix(row)) for row in rows], batch_first=True
    )


@pytest.mark.parametrize("architecture", SIZES)
@pytest.mark.parametrize("copy", COPIES)
def test_a_step_does_not_see_what_is_written_after_it(architecture: str, copy: str) -> None:
    made, words = network(architecture, copy=copy), words_of([5, 3])
    whole = [[4, 5, 3, 1, 8, 2], [6, 2]]
    together = made(words=words, prefix=prefixes(whole))["pairs"]
    for step in range(4):
        cut = [row[:step] for row in whole]
        alone = made(words=words, prefix=prefixes(cut))["pairs"]
        for row in range(2):
            last = len(cut[row])
            torch.testing.assert_close(together[row, last], alone[row, last], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("architecture", SIZES)
def test_what_is_written_before_a_step_changes_it(architecture: str) -> None:
    made, words = network(architecture), words_of([5])
    after = [made(words=words, prefix=prefixes([[first, 2]]))["pairs"][0, 2] for first in (4, 7)]
    assert (after[0] - after[1]).abs().max() > 1e-4


@pytest.mark.parametrize("architecture", SIZES)
@pytest.mark.parametrize("copy", COPIES)
def test_every_step_is_a_distribution(architecture: str, copy: str) -> None:
    made = network(architecture, copy=copy)
    words, prefix = words_of([6, 1, 3]), prefixes([[4, 5, 2, 1], [4], []])
    sums = made(words=words, prefix=prefix)["pairs"].exp().sum(dim=-1)
    torch.testing.assert_close(sums, torch.ones_like(sums))


@pytest.mark.parametrize("architecture", SIZES)
def test_every_weight_takes_part(architecture: str) -> None:
    for copy in COPIES:
        made = network(architecture, copy=copy).train()
        words, prefix = words_of([5, 4]), prefixes([[4, 5, 3, 1, 8, 2], [6, 2]])
        loss = made(words=words, prefix=prefix)["pairs"][:, 1:, [0, 2, 4]].sum()
        loss.backward()  # type: ignore[no-untyped-call]
        still = [name for name, p in made.named_parameters() if p.grad is None or not p.grad.any()]
        assert still == []


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_decoder_starts_from_the_ends_of_the_encoder(cell: str) -> None:
    made = network("recurrent-encoder-decoder", cell=cell, layers=2)
    assert isinstance(made, RecurrentEncoderDecoder)
    words, mask = words_of([4, 2]), mask_of([4, 2])
    keys = made.encoder(made.embeddings(words), mask)
    ends = torch.cat([keys[[0, 1], [3, 1], :6], keys[:, 0, 6:]], dim=1)
    expected = torch.tanh(made.start(ends)).chunk(2, dim=1)  # a layer each
    torch.testing.assert_close(made._start(keys, mask), torch.stack(expected))


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", SIZES)
def test_unknown_choices_are_refused(architecture: str) -> None:
    with pytest.raises(ModelError, match="unknown copy 'all'; known: joint, mixture"):
        network(architecture, copy="all")
    with pytest.raises(ModelError, match="unknown attention score 'cosine'"):
        network(architecture, attention="cosine")


def test_only_one_layer_can_be_written() -> None:
    assert only_layer({"pairs": 5}) == ("pairs", 5)
    with pytest.raises(ModelError, match="writes one layer"):
        only_layer({"pairs": 5, "more": 2})
