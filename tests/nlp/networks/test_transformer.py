"""Our layers against torch's own with the same weights, positions against the paper's formula."""

import math
from collections.abc import Callable, Mapping

import pytest
import torch
from padded import mask_of
from torch import Tensor, nn

from nlp.errors import ModelError
from nlp.networks.attention import MultiHeadAttention, causal_mask
from nlp.networks.transformer import (
    Activation,
    Norm,
    Positions,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerLayer,
    sinusoids,
)

WIDTH, HEADS, HIDDEN = 8, 2, 12
SWITCHES: tuple[tuple[Norm, Activation], ...] = (("pre", "gelu"), ("post", "relu"))
both = pytest.mark.parametrize(("norm", "activation"), SWITCHES)


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def torch_attention(ours: MultiHeadAttention, name: str) -> dict[str, Tensor]:
    """Our weights under the names of torch's own attention."""
    parts = (ours.query, ours.key, ours.value)
    return {
        f"{name}.in_proj_weight": torch.cat([part.weight for part in parts]),
        f"{name}.in_proj_bias": torch.cat([part.bias for part in parts]),
        f"{name}.out_proj.weight": ours.output.weight,
        f"{name}.out_proj.bias": ours.output.bias,
    }


def torch_linears(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Weight and bias of each module under torch's name for it."""
    return {
        f"{name}.{kind}": tensor
        for name, module in modules.items()
        for kind, tensor in module.state_dict().items()
    }


def twin_layer(ours: TransformerLayer, norm: Norm, activation: Activation) -> nn.Module:
    theirs = nn.TransformerEncoderLayer(
        WIDTH, HEADS, HIDDEN, activation=activation, batch_first=True, norm_first=norm == "pre"
    )
    state = torch_attention(ours.attention, "self_attn") | torch_linears({
        "linear1": ours.feed[0], "linear2": ours.feed[3],
        "norm1": ours.around_attention.norm, "norm2": ours.around_feed.norm,
    })  # fmt: skip
    theirs.load_state_dict(state)
    return theirs.eval()


def twin_decoder_layer(
    ours: TransformerDecoderLayer, norm: Norm, activation: Activation
) -> nn.Module:
    theirs = nn.TransformerDecoderLayer(
        WIDTH, HEADS, HIDDEN, activation=activation, batch_first=True, norm_first=norm == "pre"
    )
    attentions = torch_attention(ours.attention, "self_attn")
    attentions |= torch_attention(ours.cross, "multihead_attn")
    state = attentions | torch_linears({
        "linear1": ours.feed[0], "linear2": ours.feed[3],
        "norm1": ours.around_attention.norm, "norm2": ours.around_cross.norm,
        "norm3": ours.around_feed.norm,
    })  # fmt: skip
    theirs.load_state_dict(state)
    return theirs.eval()


def shaken(module: nn.Module) -> nn.Module:
    """Every weight away from its start, so that none hides behind a one or a zero."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module.eval()


@both
@pytest.mark.parametrize("causal", [False, True])
def test_an_encoder_layer_is_torchs_own(norm: Norm, activation: Activation, causal: bool) -> None:
    torch.manual_seed(1)
    ours = TransformerLayer(WIDTH, HEADS, feed_forward=HIDDEN, norm=norm, activation=activation)
    theirs = twin_layer(shaken(ours), norm, activation)  # type: ignore[arg-type]
    vectors, mask = torch.randn(3, 6, WIDTH), mask_of((2, 6, 4))
    pairs = causal_mask(6) if causal else torch.ones(1, 6, 6, dtype=torch.bool)
    expected = theirs(vectors, src_mask=~pairs[0], src_key_padding_mask=~mask)
    assert_close(ours(vectors, mask.unsqueeze(1) & pairs), expected)


@both
def test_a_decoder_layer_is_torchs_own(norm: Norm, activation: Activation) -> None:
    torch.manual_seed(2)
    ours = TransformerDecoderLayer(
        WIDTH, HEADS, feed_forward=HIDDEN, norm=norm, activation=activation
    )
    theirs = twin_decoder_layer(shaken(ours), norm, activation)  # type: ignore[arg-type]
    vectors, memory = torch.randn(2, 4, WIDTH), torch.randn(2, 5, WIDTH)
    mask, memory_mask = mask_of((4, 2)), mask_of((3, 5))
    allowed = mask.unsqueeze(1) & causal_mask(4)
    states, weights = ours(vectors, allowed, memory, memory_mask)
    expected = theirs(
        vectors, memory,
        tgt_mask=~causal_mask(4)[0], tgt_key_padding_mask=~mask,
        memory_key_padding_mask=~memory_mask,
    )  # fmt: skip
    assert_close(states, expected)
    assert weights.shape == (2, HEADS, 4, 5)
    assert not weights[0, :, :, 3:].any()


@both
def test_an_encoder_stacks_its_layers(norm: Norm, activation: Activation) -> None:
    torch.manual_seed(3)
    sizes = {"layers": 2, "feed_forward": HIDDEN, "norm": norm, "activation": activation}
    ours = TransformerEncoder(WIDTH, HEADS, **sizes).eval()  # type: ignore[arg-type]
    vectors, mask = torch.randn(2, 5, WIDTH), mask_of((5, 3))
    expected = vectors
    for layer in ours.layers:
        expected = layer(expected, mask)
    expected = nn.functional.layer_norm(expected, (WIDTH,)) if norm == "pre" else expected
    assert_close(ours(vectors, mask), expected)


@pytest.mark.parametrize(
    ("causal", "window", "sees"),
    [
        (False, None, lambda _i, _j: True),
        (True, None, lambda i, j: j <= i),
        (False, 1, lambda i, j: abs(i - j) <= 1),
        (True, 2, lambda i, j: 0 <= i - j <= 2),
    ],
)
def test_a_place_changes_with_those_it_sees_and_no_other(
    causal: bool, window: int | None, sees: Callable[[int, int], bool]
) -> None:
    torch.manual_seed(4)
    encoder = TransformerEncoder(
        WIDTH, HEADS, layers=1, feed_forward=HIDDEN, causal=causal, window=window
    ).eval()
    vectors, mask = torch.randn(1, 6, WIDTH), mask_of((6,))
    for j in range(6):
        other = vectors.clone()
        other[0, j, 0] += 1.0
        moved = (encoder(other, mask) - encoder(vectors, mask)).abs().amax(dim=-1)[0] > 1e-6
        assert moved.tolist() == [sees(i, j) for i in range(6)]


def test_a_decoder_reads_its_past_and_the_whole_memory() -> None:
    torch.manual_seed(5)
    decoder = TransformerDecoder(WIDTH, HEADS, layers=2, feed_forward=HIDDEN, memory_width=3).eval()
    vectors, memory, memory_mask = torch.randn(2, 4, WIDTH), torch.randn(2, 5, 3), mask_of((5, 2))
    states, weights = decoder(vectors, mask_of((4, 4)), memory, memory_mask)
    assert_close(weights.sum(dim=-1), torch.ones(2, 4))
    assert not weights[1, :, 2:].any()
    for steps in range(1, 4):
        shorter, _ = decoder(vectors[:, :steps], mask_of((steps,) * 2), memory, memory_mask)
        assert_close(shorter, states[:, :steps])
    memory[1, 2:] = 99.0
    assert_close(decoder(vectors, mask_of((4, 4)), memory, memory_mask)[0], states)


@pytest.mark.parametrize("width", [1, 6, 7])
def test_sinusoidal_positions_are_the_papers(width: int) -> None:
    found = sinusoids(torch.arange(40), width)
    for p in (0, 1, 17, 39):
        for i in range(width):
            angle = p / 10_000 ** ((i - i % 2) / width)
            expected = math.cos(angle) if i % 2 else math.sin(angle)
            assert float(found[p, i]) == pytest.approx(expected, abs=1e-5)
    vectors = torch.randn(2, 40, width)
    assert torch.equal(Positions("sinusoidal", width)(vectors), vectors + found)


def test_learned_positions_are_rows_of_a_table() -> None:
    positions = Positions("learned", 4, limit=6)
    assert positions.table is not None
    vectors = torch.randn(2, 3, 4)
    assert torch.equal(positions(vectors), vectors + positions.table.weight[:3])
    assert (positions.limit, Positions("sinusoidal", 4, limit=6).limit) == (6, None)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Positions("learned", 4), "need a limit of at least one place, not None"),
        (lambda: Positions("rotary", 4), "unknown positions 'rotary'; known: sinusoidal, learned"),  # type: ignore[arg-type]
        (
            lambda: TransformerLayer(8, 3, feed_forward=4),
            "3 attention heads do not divide a width of 8",
        ),
        (
            lambda: TransformerLayer(8, 2, feed_forward=4, norm="middle"),  # type: ignore[arg-type]
            "unknown place of the norm 'middle'; known: pre, post",
        ),
        (
            lambda: TransformerDecoderLayer(8, 2, feed_forward=4, activation="step"),  # type: ignore[arg-type]
            "unknown activation 'step'; known: relu, gelu",
        ),
        (lambda: TransformerDecoder(8, 2, layers=0, feed_forward=4), "at least one layer, not 0"),
    ],
)
def test_what_cannot_be_is_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build()
