"""The three language models: longhand sums, no look ahead, and the sampled softmax's mean."""

from typing import Any

import pytest
import torch
from padded import DIMENSIONS, TRAINED, WORDS, words_of
from torch import Tensor
from torch.nn.functional import log_softmax

from nlp.errors import ModelError
from nlp.networks.embeddings import WordEmbeddings
from nlp.networks.language_models import (
    LanguageModelNetwork,
    RecurrentLanguageModel,
    TransformerLanguageModel,
    WindowLanguageModel,
)
from nlp.networks.next_word import NextWord
from nlp.networks.table import build_network

SCORES = "next_log_probability"
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "window": ("window-language-model", {"history": 3}),
    "direct": ("window-language-model", {"history": 2, "direct": True, "tied": True}),
    "rnn": ("recurrent-language-model", {"cell": "rnn", "layers": 2}),
    "lstm": ("recurrent-language-model", {"tied": False}),
    "gru": ("recurrent-language-model", {"cell": "gru", "channels": "two-channel"}),
    "transformer": ("transformer-language-model", {"heads": 2, "layers": 2}),
    "learned": ("transformer-language-model", {"heads": 2, "positions": "learned", "norm": "post"}),
}


def built(name: str, **sizes: object) -> LanguageModelNetwork:
    architecture, given = CASES[name]
    torch.manual_seed(0)
    sizes = {"dimensions": DIMENSIONS, "hidden": 6, **given, **sizes}
    network = build_network(architecture, {}, {"words": WORDS, "trained": TRAINED, **sizes})
    assert isinstance(network, LanguageModelNetwork)
    return network.eval()


def asked_everywhere(words: Tensor) -> tuple[Tensor, Tensor]:
    """Every place asked, and what follows: random ids that can be asked for."""
    places = torch.arange(1, words.shape[1] + 1).expand_as(words) * (words != 0)
    generator = torch.Generator().manual_seed(1)
    following = torch.randint(1, TRAINED, words.shape, generator=generator) * (words != 0)
    return places, following


def distribution(network: LanguageModelNetwork, words: Tensor) -> Tensor:
    """Log-probabilities of the trained words after each place: (batch, time, trained)."""
    asked, _ = asked_everywhere(words)
    columns = [
        network(words=words, asked=asked, following=torch.full_like(words, i))[SCORES]
        for i in range(1, TRAINED)
    ]
    return torch.stack(columns, dim=-1)


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_the_words_probabilities_sum_to_one_and_padding_has_none(name: str) -> None:
    network, words = built(name), words_of([5, 2])
    logs = distribution(network, words)
    torch.testing.assert_close(logs[0].exp().sum(dim=-1), torch.ones(5))
    asked, following = asked_everywhere(words)
    last = log_softmax(network(words=words, asked=asked, following=following)["next"], dim=-1)
    torch.testing.assert_close(last[:, 1:], torch.stack([logs[0, 4], logs[1, 1]]))
    assert (last[:, 0] < -1000).all()


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_no_place_sees_a_later_word(name: str) -> None:
    network, words = built(name), words_of([6])
    before = distribution(network, words)
    for place in range(1, 6):
        changed = words.clone()
        changed[:, place:] = changed[:, place:] % (TRAINED - 1) + 1
        after = distribution(network, changed)
        torch.testing.assert_close(after[:, :place], before[:, :place])
        assert not torch.allclose(after[:, place], before[:, place])


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_asking_few_places_gives_what_asking_all_gives(name: str) -> None:
    network, words = built(name), words_of([6, 4])
    asked, following = asked_everywhere(words)
    full = network(words=words, asked=asked, following=following)
    few = network(words=words, asked=asked[:, 2:5], following=following[:, 2:5])
    torch.testing.assert_close(few[SCORES], full[SCORES][:, 2:5])
    torch.testing.assert_close(few["next"][1], full["next"][1])  # the last of both
    assert (full[SCORES][1, 4:] == 0).all()
    alone = network(words=words[:1, :3], asked=torch.tensor([[3]]), following=torch.tensor([[0]]))
    assert alone[SCORES].item() == 0
    expected = distribution(network, words)[0, 2]
    torch.testing.assert_close(log_softmax(alone["next"][0, 1:], dim=-1), expected)


# -- longhand ------------------------------------------------------------------------------------


@torch.no_grad()
def test_the_window_model_is_bengios() -> None:
    network = built("window")
    assert isinstance(network, WindowLanguageModel)
    words = words_of([5])
    table, vectors = network.next_word, network.embeddings(words)[0]
    assert table.weight is not None
    for place in range(5):
        read = [
            vectors[i] if i >= 0 else torch.zeros(DIMENSIONS) for i in range(place - 2, place + 1)
        ]
        hidden = torch.tanh(network.hidden.weight @ torch.cat(read) + network.hidden.bias)
        expected = log_softmax(table.weight @ hidden + table.bias, dim=0)
        torch.testing.assert_close(distribution(network, words)[0, place], expected)


@torch.no_grad()
def test_the_direct_connections_reach_the_softmax_past_the_hidden_layer() -> None:
    network = built("direct", tied=False)
    assert isinstance(network, WindowLanguageModel)
    words, table = words_of([4]), network.next_word
    assert table.weight is not None
    window = torch.cat([network.embeddings(words)[0, 2], network.embeddings(words)[0, 3]])
    hidden = torch.tanh(network.hidden(window))
    expected = table.weight[:, :6] @ hidden + table.weight[:, 6:] @ window + table.bias
    found = distribution(network, words)[0, 3]
    torch.testing.assert_close(found, log_softmax(expected, dim=0))


@torch.no_grad()
def test_the_recurrent_model_is_the_lectures() -> None:
    network = built("rnn", layers=1, tied=False)
    assert isinstance(network, RecurrentLanguageModel)
    words, table = words_of([4]), network.next_word
    weights = dict(network.recurrent.forwards[0].named_parameters())
    state = torch.zeros(6)
    for place, vector in enumerate(network.embeddings(words)[0]):
        drive = weights["weight_ih_l0"] @ vector + weights["bias_ih_l0"]
        state = torch.tanh(drive + weights["weight_hh_l0"] @ state + weights["bias_hh_l0"])
        assert table.weight is not None
        expected = log_softmax(table.weight @ state + table.bias, dim=0)
        torch.testing.assert_close(distribution(network, words)[0, place], expected)


@torch.no_grad()
def test_the_transformer_reads_scaled_embeddings_and_positions() -> None:
    network = built("transformer")
    assert isinstance(network, TransformerLanguageModel)
    words = words_of([5])
    read = network.positions(network.entry(network.embeddings(words)) * 6**0.5)
    states = network.decoder(read, torch.ones(1, 5, dtype=torch.bool))
    torch.testing.assert_close(network.states(words), states)


# -- the output side -----------------------------------------------------------------------------


def test_tied_words_have_one_table() -> None:
    tied, own = built("lstm", tied=True), built("lstm")
    assert tied.next_word.weight is None
    assert own.next_word.weight is not None
    words = words_of([4])
    asked, following = asked_everywhere(words)
    (-tied(words=words, asked=asked, following=following)[SCORES].sum()).backward()  # type: ignore[no-untyped-call]
    learnt = tied.embeddings.learnt
    assert learnt is not None
    assert learnt.weight.grad is not None
    assert (learnt.weight.grad[1:].abs().sum(dim=1) > 0).all()  # words that were not read, too
    assert (learnt.weight.grad[0] == 0).all()


def test_the_sampled_softmax_is_the_full_one_on_average() -> None:
    """The drawn sum has the full sum as its mean; with many samples it is close every time."""
    embeddings = WordEmbeddings(500, 500, 8, channels="random")
    full = NextWord(8, embeddings, tied=True)
    full.bias.data.normal_()
    sampled = NextWord(8, embeddings, tied=True, samples=100)
    sampled.load_state_dict(full.state_dict())
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(2, 3, 8, generator=generator)
    asked, following = torch.tensor([[1, 2, 3], [1, 2, 0]]), torch.tensor([[4, 490, 1], [7, 2, 0]])
    with torch.no_grad():
        exact = full(states, asked, following, embeddings)[SCORES]
        torch.manual_seed(0)
        draws = [sampled.train()(states, asked, following, embeddings) for _ in range(600)]
    assert all(set(draw) == {SCORES} for draw in draws)
    found = torch.stack([draw[SCORES] for draw in draws])
    assert (found[:, 1, 2] == 0).all()
    totals = (-found).exp()  # sum / weight of the word that followed: unbiased
    error = totals.std(dim=0) / 600**0.5
    assert ((totals.mean(dim=0) - (-exact).exp()).abs() <= 4 * error + 1e-6).all()


def test_sampling_is_for_training_alone() -> None:
    network, words = built("lstm", samples=3), words_of([4])
    asked, following = asked_everywhere(words)
    inputs = {"words": words, "asked": asked, "following": following}
    exact = network(**inputs)
    network.train()
    assert set(network(**inputs)) == {SCORES}
    network.eval()
    torch.testing.assert_close(network(**inputs), exact)
    torch.testing.assert_close(built("lstm")(**inputs), exact)


@pytest.mark.parametrize(
    ("name", "sizes", "message"),
    [
        ("lstm", {"tied": True, "channels": "static"}, "tied must be false"),
        ("window", {"history": 0}, "history is 0"),
        ("lstm", {"samples": 7}, "samples is 7; it must be from 0 to under 7"),
        ("lstm", {"samples": -1}, "samples is -1"),
        ("lstm", {"cell": "elman"}, "unknown cell 'elman'"),
        ("transformer", {"heads": 4}, "heads"),
    ],
)
def test_sizes_that_make_no_network_are_refused(
    name: str, sizes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        built(name, **sizes)
