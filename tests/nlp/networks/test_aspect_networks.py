"""Networks of aspect sentiment against the same answer worked out longhand, one row at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nlp.errors import ModelError
from nlp.networks.aspect_attention import AttentionLSTM
from nlp.networks.aspect_lstm import AspectLSTM
from nlp.networks.aspect_target import TargetLSTM
from nlp.networks.aspect_terms import near_term, term_ends
from nlp.tasks.aspects import FAR, places_of

OUTPUTS = {"sentiment": 3}
SIZES: dict[str, Any] = {"words": 30, "trained": 20, "dimensions": 6, "hidden": 4, "dropout": 0.0}
LENGTHS = (7, 4, 9, 1)
TERMS = ((2, 4), None, (8, 9), (0, 1))


def rows(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """words (4, 9), aspect (4, 3), places (4, 9), padded."""
    rng = np.random.default_rng(seed)
    words, aspect, places = np.zeros((4, 9)), np.zeros((4, 3)), np.zeros((4, 9))
    for i, (length, term) in enumerate(zip(LENGTHS, TERMS, strict=True)):
        words[i, :length] = rng.integers(1, 30, length)
        aspect[i, : 1 + i % 3] = rng.integers(1, 30, 1 + i % 3)
        places[i, :length] = places_of(length, term)
    made = (torch.from_numpy(array).long() for array in (words, aspect, places))
    return next(made), next(made), next(made)


def mean(vectors: Tensor) -> Tensor:
    return torch.stack(list(vectors)).sum(dim=0) / len(vectors)


# -- where terms stand ---------------------------------------------------------------------------


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    window=st.integers(0, 4),
    data=st.data(),
)
def test_ends_and_neighbourhood_of_a_term_counted_out(
    lengths: list[int], window: int, data: st.DataObject
) -> None:
    terms = [data.draw(st.none() | st.integers(0, length - 1)) for length in lengths]
    places = torch.zeros(len(lengths), max(lengths), dtype=torch.long)
    for i, (length, term) in enumerate(zip(lengths, terms, strict=True)):
        span = None if term is None else (term, term + 1)
        places[i, :length] = torch.from_numpy(places_of(length, span))
    first, last = term_ends(places)
    near = near_term(places, window)
    for i, (length, term) in enumerate(zip(lengths, terms, strict=True)):
        expected = (0, length - 1) if term is None else (term, term)
        assert (int(first[i]), int(last[i])) == expected
        inside = [t for t in range(length) if term is None or abs(t - term) <= window]
        assert near[i].nonzero().flatten().tolist() == inside


# -- attention -----------------------------------------------------------------------------------


def asking(network: AttentionLSTM, states: Tensor, named: Tensor, term: Sequence[int]) -> Tensor:
    if network.reader is None:
        return mean(named)
    if network.aspect == "states" and term:
        return mean(states[list(term)])
    everything = torch.ones(1, len(named), dtype=torch.bool)
    return mean(network.reader(named.unsqueeze(0), everything)[0])


def longhand(
    network: AttentionLSTM, words: Tensor, aspect: Tensor, places: Tensor
) -> tuple[Tensor, Tensor]:
    """One row without padding: logits and weights, by s_t = h_t^T W q and a loop over the words."""
    named = network.embeddings(aspect)
    inputs = []
    for word, place in zip(words, places, strict=True):
        parts = [network.embeddings(word)]
        parts += [mean(named)] if network.append else []
        parts += [network.places(place)] if network.places is not None else []
        inputs.append(torch.cat(parts))
    everything = torch.ones(1, len(words), dtype=torch.bool)
    states = network.encoder(torch.stack(inputs).unsqueeze(0), everything)[0]
    term = [t for t, place in enumerate(places) if place == 1]
    query = asking(network, states, named, term)
    weight = network.attention.score.weight
    scores = [float(state @ weight @ query) for state in states]
    reach = 1 + network.window if network.window and term else FAR
    asked = [
        np.exp(s) if int(place) <= reach else 0.0 for s, place in zip(scores, places, strict=True)
    ]
    alpha = torch.tensor(np.array(asked) / sum(asked), dtype=torch.float32)
    attended = sum(a * state for a, state in zip(alpha, states, strict=True))
    beside = {"": [], "aspect": [query], "max": [states.amax(dim=0)], "last": [last(states)]}
    read = torch.cat([attended, *beside[network.beside]])
    return network.heads["sentiment"](read), alpha


def last(states: Tensor) -> Tensor:
    half = states.shape[1] // 2
    return torch.cat([states[-1, :half], states[0, half:]])


@pytest.mark.parametrize("aspect", ["mean", "recurrent", "states"])
@pytest.mark.parametrize("window", [0, 2])
@pytest.mark.parametrize(
    ("beside", "append", "places"),
    [("", True, 5), ("aspect", False, 5), ("max", True, 0), ("last", False, 0)],
)
@torch.no_grad()
def test_attention_is_the_lectures_formula(
    aspect: str, window: int, beside: str, append: bool, places: int
) -> None:
    torch.manual_seed(3)
    switches: dict[str, Any] = {"aspect": aspect, "window": window, "beside": beside}
    network = AttentionLSTM(OUTPUTS, **SIZES, **switches, append=append, places=places).eval()
    words, asked, distances = rows()
    found = network(words=words, aspect=asked, places=distances)
    for i, length in enumerate(LENGTHS):
        own = asked[i][asked[i] > 0]
        logits, alpha = longhand(network, words[i, :length], own, distances[i, :length])
        torch.testing.assert_close(found["sentiment"][i], logits)
        torch.testing.assert_close(found["sentiment_attention"][i, :length], alpha)
        assert not found["sentiment_attention"][i, length:].any()


@torch.no_grad()
def test_the_same_text_is_judged_by_what_is_asked() -> None:
    torch.manual_seed(4)
    words, asked, _ = rows()
    text, term = words[2:3].repeat(2, 1), asked[2:3].repeat(2, 1)
    categories = {"aspect": torch.tensor([[5], [6]]), "places": torch.full((2, 9), FAR)}
    ends = np.stack([places_of(9, (0, 1)), places_of(9, (8, 9))])
    terms = {"aspect": term, "places": torch.from_numpy(ends)}
    for network in (AttentionLSTM(OUTPUTS, **SIZES), TargetLSTM(OUTPUTS, **SIZES)):
        for asks in (categories, terms):
            found = network.eval()(words=text, **asks)["sentiment"]
            assert (found[0] - found[1]).abs().max() > 1e-4


def test_what_is_unknown_is_refused() -> None:
    for switch, value in (("aspect", "sum"), ("score", "cosine"), ("beside", "min"), ("cell", "x")):
        with pytest.raises(ModelError, match=value):
            AttentionLSTM(OUTPUTS, **{**SIZES, switch: value})


# -- two LSTMs that meet on the term -------------------------------------------------------------


@pytest.mark.parametrize("connect", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
@torch.no_grad()
def test_each_lstm_reads_its_side_and_the_term(connect: bool, layers: int) -> None:
    """Against texts that are really cut, and turned round."""
    torch.manual_seed(5)
    network = TargetLSTM(OUTPUTS, **SIZES, connect=connect, layers=layers).eval()
    words, asked, places = rows()
    found = network(words=words, aspect=asked, places=places)["sentiment"]
    for i, (length, term) in enumerate(zip(LENGTHS, TERMS, strict=True)):
        first, end = term or (0, length)
        vectors = network.embeddings(words[i, :length])
        if connect:
            own = mean(network.embeddings(asked[i][asked[i] > 0]))
            vectors = torch.cat([vectors, own.expand(length, -1)], dim=1)
        left, right = vectors[:end], vectors[first:].flip(0)
        ends = [
            side(part.unsqueeze(0), torch.ones(1, len(part), dtype=torch.bool))[0, -1]
            for side, part in ((network.left, left), (network.right, right))
        ]
        torch.testing.assert_close(found[i], network.heads["sentiment"](torch.cat(ends)))


# -- the baseline --------------------------------------------------------------------------------


@torch.no_grad()
def test_the_baseline_is_an_lstm_and_the_highest_of_its_states() -> None:
    torch.manual_seed(6)
    network = AspectLSTM(OUTPUTS, **SIZES).eval()
    words, _, _ = rows()
    found = network(prefixed=words)["sentiment"]
    for i, length in enumerate(LENGTHS):
        states, _ = network.encoder.forwards[0](network.embeddings(words[i : i + 1, :length]))
        expected = network.heads["sentiment"](states[0].amax(dim=0))
        torch.testing.assert_close(found[i], expected)
