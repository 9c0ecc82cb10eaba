"""The loss is what the textbooks say, and nothing random touches padding."""

import itertools

import pytest
import torch
from tiny import SIZES
from torch import Tensor
from torch.nn.functional import cross_entropy

from nlp.networks.base import Network
from nlp.networks.table import build_network
from nlp.vocabulary import PAD, UNKNOWN
from training.items import GOLD, IGNORED
from training.learner import Learner

LENGTHS = (1, 4, 3)
TAGS = 3


class Spy(Network):
    """Keeps what it was given, and answers with zeros."""

    inputs = ("words",)

    def forward(self, words: Tensor) -> dict[str, Tensor]:
        self.words = words
        return {"sentiment": torch.zeros(len(words), 2, requires_grad=True)}


def words_batch() -> Tensor:
    """(3, 4), padded behind."""
    rows = torch.full((len(LENGTHS), max(LENGTHS)), PAD)
    for row, length in zip(rows, LENGTHS, strict=True):
        row[:length] = torch.arange(2, 2 + length)
    return rows


def tagger(*, crf: bool) -> Network:
    torch.manual_seed(0)
    sizes = {**SIZES["bilstm-tagger"], "words": 9, "trained": 9, "alphabet": 5, "crf": crf}
    return build_network("bilstm-tagger", {"upos": TAGS, "xpos": 2}, sizes)


def tagger_batch() -> dict[str, Tensor]:
    words = words_batch()
    gold = torch.where(words == PAD, IGNORED, words % TAGS)
    return {
        "words": words,
        "shapes": words,
        "spellings": torch.where(words == PAD, 0, 1),
        "characters": torch.tensor([[0, 0], [2, 3]]),
        GOLD + "upos": gold,
        GOLD + "xpos": torch.where(words == PAD, IGNORED, words % 2),
    }


def answers(learner: Learner, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    given = {name: tensor for name, tensor in batch.items() if not name.startswith(GOLD)}
    return learner.network(**given)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_texts_by_cross_entropy(smoothing: float) -> None:
    torch.manual_seed(0)
    network = build_network(
        "textcnn", {"sentiment": 2}, {**SIZES["textcnn"], "words": 9, "trained": 9}
    )
    learner = Learner(network, label_smoothing=smoothing)
    gold = torch.tensor([0, 1, 1])
    loss = learner(words=words_batch(), **{GOLD + "sentiment": gold})["loss"]
    logits = network(words=words_batch())["sentiment"]
    expected = cross_entropy(logits, gold, label_smoothing=smoothing)
    torch.testing.assert_close(loss, expected)


def test_tags_by_cross_entropy_of_each_word_summed_over_layers() -> None:
    """Computed word by word, so that padding has no part in it."""
    learner, batch = Learner(tagger(crf=False)).eval(), tagger_batch()
    outputs = answers(learner, batch)
    expected = torch.zeros(())
    for layer in ("upos", "xpos"):
        losses = [
            cross_entropy(outputs[layer][row, place], batch[GOLD + layer][row, place])
            for row, length in enumerate(LENGTHS)
            for place in range(length)
        ]
        expected = expected + torch.stack(losses).mean()
    torch.testing.assert_close(learner(**batch)["loss"], expected)


def test_a_chain_by_brute_force_over_all_tag_sequences() -> None:
    learner, batch = Learner(tagger(crf=True)).eval(), tagger_batch()
    outputs = answers(learner, batch)
    expected = torch.zeros(())
    for layer in ("upos", "xpos"):
        packed, total = outputs[layer + "_transitions"][0], torch.zeros(())
        for row, length in enumerate(LENGTHS):
            gold = batch[GOLD + layer][row, :length].tolist()
            total = total + sequence_loss(packed, outputs[layer][row, :length], gold)
        expected = expected + total / sum(LENGTHS)
    torch.testing.assert_close(learner(**batch)["loss"], expected)


def sequence_loss(packed: Tensor, emissions: Tensor, gold: list[int]) -> Tensor:
    """-log of the gold path's share of all paths. packed: (K + 2, K). emissions: (time, K)."""
    transitions, start, end = packed[:-2], packed[-2], packed[-1]

    def score(path: tuple[int, ...]) -> Tensor:
        steps = sum(transitions[a, b] for a, b in itertools.pairwise(path))
        words = sum(emissions[t, tag] for t, tag in enumerate(path))
        return start[path[0]] + words + steps + end[path[-1]]

    paths = itertools.product(range(emissions.shape[1]), repeat=len(gold))
    return torch.logsumexp(torch.stack([score(path) for path in paths]), dim=0) - score(tuple(gold))


@pytest.mark.parametrize("crf", [False, True])
def test_more_padding_changes_no_loss(crf: bool) -> None:
    learner, batch = Learner(tagger(crf=crf)).eval(), tagger_batch()
    wider = {
        name: tensor
        if name == "characters"
        else torch.nn.functional.pad(tensor, (0, 3), value=IGNORED if GOLD in name else PAD)
        for name, tensor in batch.items()
    }
    torch.testing.assert_close(learner(**wider)["loss"], learner(**batch)["loss"])


def test_word_dropout_never_touches_padding() -> None:
    spy = Spy()
    learner = Learner(spy, word_dropout=0.5).train()
    words = words_batch().repeat(200, 1)
    torch.manual_seed(0)
    learner(words=words, **{GOLD + "sentiment": torch.zeros(len(words), dtype=torch.long)})
    dropped = spy.words != words
    assert (spy.words[words == PAD] == PAD).all()
    assert (spy.words[dropped] == UNKNOWN).all()
    share = dropped.sum() / (words != PAD).sum()
    assert 0.45 < share < 0.55, "1,600 words, each dropped by an even chance"


@pytest.mark.parametrize(("word_dropout", "training"), [(0.5, False), (0.0, True)])
def test_words_are_dropped_in_training_only(word_dropout: float, training: bool) -> None:
    spy = Spy()
    learner = Learner(spy, word_dropout=word_dropout).train(training)
    learner(words=words_batch(), **{GOLD + "sentiment": torch.zeros(3, dtype=torch.long)})
    assert torch.equal(spy.words, words_batch())
