"""The linear network against arithmetic written out, and its digamma against SciPy's."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import digamma as exact

from nlp.errors import ModelError
from nlp.networks.linear import Linear, Topics, digamma

LABELS = {"mood": 3}
TERMS = torch.tensor([[2, 5, 0, 0], [1, 2, 3, 4], [0, 0, 0, 0]])
COUNTS = torch.tensor([[1.0, 3.0, 0.0, 0.0], [1.0, 1.0, 2.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
LECTURE = torch.tensor([[3.0, 2, 1, 3, 0, 4.19], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]])


FREQUENCIES: dict[str, Callable[[float], float]] = {
    "count": lambda n: n,
    "binary": lambda _: 1.0,
    "log": lambda n: 1.0 + math.log(n),
}


def network(**sizes: object) -> Linear:
    """With every number drawn by a seed."""
    torch.manual_seed(0)
    made = Linear(LABELS, **sizes)  # type: ignore[arg-type]
    with torch.no_grad():
        for tensor in (*made.parameters(), *made.buffers()):
            if tensor.is_floating_point():
                tensor.uniform_(0.1, 1.0)
    return made.eval()


def test_digamma_is_scipys() -> None:
    x = np.concatenate([np.geomspace(1e-3, 1e6, 400), np.linspace(0.01, 12, 200)])
    found = digamma(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, exact(x), rtol=1e-9, atol=1e-9)
    single = digamma(torch.from_numpy(x.astype(np.float32))).numpy()
    np.testing.assert_allclose(single, exact(x), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("tf", ["count", "binary", "log"])
@pytest.mark.parametrize("norm", [False, True])
def test_logits_are_weighted_counts_times_weights(tf: str, norm: bool) -> None:
    net = network(terms=5, tf=tf, norm=norm, lecture=True)
    assert net.table is not None
    assert net.dense is not None
    table, dense = net.table.weight.detach().numpy(), net.dense.weight.detach().numpy()
    logits = net(terms=TERMS, counts=COUNTS, lecture=LECTURE)["mood"].detach().numpy()
    frequency = FREQUENCIES[tf]
    for row in range(3):
        x = np.zeros(6)
        for term, count in zip(TERMS[row].tolist(), COUNTS[row].tolist(), strict=True):
            if term:
                x[term] = frequency(count) * float(net.weights[term])
        if norm and x.any():
            x /= np.sqrt((x**2).sum())
        standard = (LECTURE[row].numpy() - net.dense.mean.numpy()) / net.dense.scale.numpy()
        expected = x @ table + standard @ dense + net.bias.detach().numpy()
        np.testing.assert_allclose(logits[row], expected, rtol=1e-5)


def test_contributions_and_bias_are_the_logits() -> None:
    net = network(terms=5, tf="log", norm=True, lecture=True, projections=[4, 2])
    with torch.no_grad():
        out = net(terms=TERMS, counts=COUNTS, lecture=LECTURE)
        constant = net.chain(net.bias)
    assert out["mood_contributions"].shape == (3, 4, 3)
    assert out["mood_features"].shape == (3, 6, 3)
    parts = out["mood_contributions"].sum(dim=1) + out["mood_features"].sum(dim=1)
    torch.testing.assert_close(parts + constant, out["mood"])
    assert not out["mood_contributions"][2].any()  # padding adds nothing


def test_topics_sum_to_one_and_an_empty_text_is_of_every_topic() -> None:
    topics = Topics(5, 3, 1 / 3, 20)
    topics.beta[1:].uniform_(0.1, 1.0)
    shares = topics(TERMS, COUNTS)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(3))
    torch.testing.assert_close(shares[2], torch.full((3,), 1 / 3))


def test_with_topics_the_parts_are_left_out() -> None:
    net = network(terms=5, topics=2, topic_prior=0.5, lecture=True)
    assert list(net(terms=TERMS, counts=COUNTS, lecture=LECTURE)) == ["mood"]
    alone = network(terms=5, topics=2, topic_prior=0.5, only_topics=True)
    assert alone.table is None
    assert alone(terms=TERMS, counts=COUNTS)["mood"].shape == (3, 3)


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ModelError, match="one layer of labels, not 2"):
        Linear({"a": 2, "b": 2}, terms=3)
    with pytest.raises(ModelError, match="unknown tf 'often'; known: count, binary, log"):
        Linear(LABELS, terms=3, tf="often")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="reads terms, features, or both"):
        Linear(LABELS)
    with pytest.raises(ModelError, match="topics are read from terms"):
        Linear(LABELS, lecture=True, topics=2)
    with pytest.raises(ModelError, match="only_topics reads topics"):
        Linear(LABELS, terms=3, only_topics=True)
