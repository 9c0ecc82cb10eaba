"""Scores against loops written out longhand, masks by brute force, heads against torch's own."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from padded import mask_of
from torch import Tensor, nn

from nlp.errors import ModelError
from nlp.networks.attention import (
    SCORES,
    Additive,
    Attention,
    Bilinear,
    Direction,
    MultiHeadAttention,
    ScoreName,
    SelfAttention,
    causal_mask,
    local_mask,
    masked_softmax,
    self_mask,
)

Q, T, WIDTH = 3, 5, 4


def built(score: ScoreName, *, query_width: int = WIDTH) -> Attention:
    torch.manual_seed(5)
    return Attention(score, query_width=query_width, key_width=WIDTH)


def tensors(*, query_width: int = WIDTH, batch: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(6)
    return (
        torch.randn(batch, Q, query_width),
        torch.randn(batch, T, WIDTH),
        torch.randn(batch, T, 7),
    )


# -- scores --------------------------------------------------------------------------------------


@torch.no_grad()
def longhand(attention: Attention, query: Tensor, key: Tensor) -> float:
    """The score of one query and one key, number by number."""
    score = attention.score
    if isinstance(score, Bilinear):
        rows, columns = score.weight.shape
        cells = ((i, j) for i in range(rows) for j in range(columns))
        return sum(float(key[i] * score.weight[i, j] * query[j]) for i, j in cells)
    if isinstance(score, Additive):
        inner = [
            math.tanh(float(w @ key + b + u @ query))
            for w, b, u in zip(score.key.weight, score.key.bias, score.query.weight, strict=True)
        ]
        return sum(float(v) * x for v, x in zip(score.value.weight[0], inner, strict=True))
    product = sum(float(a * b) for a, b in zip(query, key, strict=True))
    return product / math.sqrt(len(key)) if score.__class__.__name__ == "ScaledDot" else product


@pytest.mark.parametrize("score", SCORES)
def test_each_score_is_its_formula(score: ScoreName) -> None:
    width = 6 if score in ("bilinear", "additive") else WIDTH
    attention = built(score, query_width=width)
    query, keys, _ = tensors(query_width=width)
    scores = attention.score(query, keys).detach()
    assert scores.shape == (2, Q, T)
    for b in range(2):
        for i in range(Q):
            for j in range(T):
                expected = longhand(attention, query[b, i], keys[b, j])
                assert float(scores[b, i, j]) == pytest.approx(expected, abs=1e-5)


def test_the_scores_are_their_einsum() -> None:
    query, keys, _ = tensors()
    dot = torch.einsum("bqd,btd->bqt", query, keys)
    torch.testing.assert_close(built("dot").score(query, keys), dot)
    torch.testing.assert_close(built("scaled-dot").score(query, keys), dot / 2)
    bilinear = built("bilinear")
    expected = torch.einsum("bqj,ij,bti->bqt", query, bilinear.score.weight, keys)
    torch.testing.assert_close(bilinear.score(query, keys), expected)


@pytest.mark.parametrize("score", SCORES)
def test_the_context_is_the_weighted_sum_of_the_values(score: ScoreName) -> None:
    attention, (query, keys, values) = built(score), tensors()
    mask = mask_of((2, T))
    context, weights = attention(query, keys, values, mask)
    for b, length in enumerate((2, T)):
        for i in range(Q):
            odds = [math.exp(longhand(attention, query[b, i], keys[b, j])) for j in range(length)]
            shares = [odd / sum(odds) for odd in odds] + [0.0] * (T - length)
            expected = sum((s * v for s, v in zip(shares, values[b], strict=True)), torch.zeros(7))
            torch.testing.assert_close(weights[b, i], torch.tensor(shares))
            torch.testing.assert_close(context[b, i], expected)


def test_dot_is_torchs_own_attention() -> None:
    query, keys, _ = tensors()
    values, mask = torch.randn(2, T, 7), torch.rand(2, Q, T) < 0.6
    mask[:, :, 0] = True
    expected = nn.functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
    context, _ = built("scaled-dot")(query, keys, values, mask)
    torch.testing.assert_close(context, expected, atol=1e-5, rtol=1e-5)


# -- masks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("score", SCORES)
def test_a_query_that_may_look_nowhere_gets_zeros_and_no_nan(score: ScoreName) -> None:
    attention, (query, keys, values) = built(score), tensors()
    mask = torch.tensor([[False] * T, [True] * T])
    context, weights = attention(query.requires_grad_(), keys, values, mask)
    assert not context[0].any()
    assert not weights[0].any()
    torch.testing.assert_close(weights[1].sum(dim=-1), torch.ones(Q))
    context.sum().backward()
    assert query.grad is not None
    assert query.grad.isfinite().all()


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 99))
def test_masked_places_weigh_nothing_whatever_stands_there(lengths: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    mask = mask_of(lengths, extra=2)
    scores = torch.randn(len(lengths), 3, mask.shape[1]) * 50
    weights = masked_softmax(scores.masked_fill(~mask[:, None], 1e30), mask)
    assert (weights.masked_select(~mask[:, None].expand_as(weights)) == 0).all()
    for row, length in enumerate(lengths):
        torch.testing.assert_close(weights[row, :, :length], scores[row, :, :length].softmax(-1))


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 4), st.data())
def test_local_and_causal_masks_by_brute_force(q: int, t: int, w: int, data: st.DataObject) -> None:
    centres = data.draw(st.lists(st.integers(0, t - 1), min_size=q, max_size=q))
    assert local_mask(q, t, w)[0].tolist() == [
        [abs(j - i) <= w for j in range(t)] for i in range(q)
    ]
    given_places = local_mask(q, t, w, centres=torch.tensor([centres]))
    assert given_places.tolist() == [[[abs(j - c) <= w for j in range(t)] for c in centres]]
    assert causal_mask(t)[0].tolist() == [[j <= i for j in range(t)] for i in range(t)]


@pytest.mark.parametrize(
    ("direction", "window", "sees"),
    [
        ("bi-directional", None, lambda _i, _j: True),
        ("causal", None, lambda i, j: j <= i),
        ("bi-directional", 1, lambda i, j: abs(i - j) <= 1),
        ("causal", 2, lambda i, j: 0 <= i - j <= 2),
    ],
)
def test_self_attention_sees_what_its_switches_allow(
    direction: Direction, window: int | None, sees: Callable[[int, int], bool]
) -> None:
    torch.manual_seed(1)
    attention = SelfAttention("bilinear", WIDTH, direction=direction, window=window)
    mask = mask_of((3, T))
    context, weights = attention(torch.randn(2, T, WIDTH), mask)
    assert context.shape == (2, T, WIDTH)
    for row, length in enumerate((3, T)):
        expected = [[j < length and sees(i, j) for j in range(T)] for i in range(T)]
        assert (weights[row] > 0).tolist() == expected
    assert self_mask(mask) is mask


# -- heads ---------------------------------------------------------------------------------------


def twin(ours: MultiHeadAttention, width: int, key_width: int) -> nn.MultiheadAttention:
    """torch's own with the same weights."""
    theirs = nn.MultiheadAttention(
        width, ours.heads, batch_first=True, kdim=key_width, vdim=key_width
    )
    parts = (ours.query, ours.key, ours.value)
    state = {
        "in_proj_bias": torch.cat([part.bias for part in parts]),
        "out_proj.weight": ours.output.weight,
        "out_proj.bias": ours.output.bias,
    }
    if key_width == width:
        state["in_proj_weight"] = torch.cat([part.weight for part in parts])
    else:
        names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        state |= {name: part.weight for name, part in zip(names, parts, strict=True)}
    theirs.load_state_dict(state)
    return theirs.eval()


@pytest.mark.parametrize(("heads", "key_width"), [(1, 8), (4, 8), (2, 6)])
def test_multi_head_attention_is_torchs_own(heads: int, key_width: int) -> None:
    torch.manual_seed(heads)
    ours = MultiHeadAttention(8, heads, key_width=key_width).eval()
    theirs = twin(ours, 8, key_width)
    query, keys, mask = torch.randn(2, Q, 8), torch.randn(2, T, key_width), mask_of((2, T))
    context, weights = ours(query, keys, keys, mask)
    expected, odds = theirs(query, keys, keys, key_padding_mask=~mask, average_attn_weights=False)
    torch.testing.assert_close(context, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(weights, odds, atol=1e-5, rtol=1e-5)


def test_multi_head_attention_takes_a_mask_of_pairs_as_torchs_does() -> None:
    torch.manual_seed(0)
    ours, vectors = MultiHeadAttention(8, 2).eval(), torch.randn(2, T, 8)
    allowed = causal_mask(T)
    expected, _ = twin(ours, 8, 8)(vectors, vectors, vectors, attn_mask=~allowed[0])
    context, _ = ours(vectors, vectors, vectors, allowed)
    torch.testing.assert_close(context, expected, atol=1e-5, rtol=1e-5)


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: built("cosine"), "unknown attention score 'cosine'; known: dot, scaled-dot, bil"),  # type: ignore[arg-type]
        (lambda: built("dot", query_width=3), "one width, not 3 and 4"),
        (lambda: MultiHeadAttention(10, 4), "4 attention heads do not divide a width of 10"),
        (
            lambda: SelfAttention("dot", 4, direction="backwards"),  # type: ignore[arg-type]
            "unknown direction 'backwards'; known: bi-directional, causal",
        ),
    ],
)
def test_what_cannot_be_is_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build()
