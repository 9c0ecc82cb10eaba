"""Encoders of `transformers` in our arrays, against the library on one text without padding."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
import torch
from encoders import CONFIG
from padded import mask_of
from torch import Tensor

from nlp.errors import ModelError
from nlp.networks.encoder import Encoder
from nlp.networks.pretrained import (
    PretrainedAspect,
    PretrainedClassifier,
    PretrainedTagger,
)

_SMALL: Final = {
    "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 24, "max_position_embeddings": 12,
}  # fmt: skip
KINDS: Final[dict[str, dict[str, Any]]] = {
    "bert": {**_SMALL, "model_type": "bert", "type_vocab_size": 2},
    "roberta": {**_SMALL, "model_type": "roberta", "pad_token_id": 1, "type_vocab_size": 1},
    "electra": {**_SMALL, "model_type": "electra", "embedding_size": 8},
    "distilbert": {
        "model_type": "distilbert", "vocab_size": 40, "dim": 16, "n_layers": 2, "n_heads": 2,
        "hidden_dim": 24, "max_position_embeddings": 12,
    },
}  # fmt: skip
LENGTHS: Final = (3, 7, 1)


def encoder(kind: str) -> Encoder:
    torch.manual_seed(7)
    return Encoder(KINDS[kind]).eval()


def pieces_of(lengths: tuple[int, ...], *, extra: int = 0) -> Tensor:
    """1 + ids, zeros behind; an id of 0 and RoBERTa's padding (1) are among them as sub-words."""
    mask = mask_of(lengths, extra=extra)
    generator = torch.Generator().manual_seed(1)
    return (torch.randint(2, 40, mask.shape, generator=generator) + 1) * mask


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_padded_row_is_read_as_the_library_reads_it_alone(kind: str) -> None:
    ours, pieces = encoder(kind), pieces_of(LENGTHS, extra=2)
    states = ours(pieces)
    assert states.shape == (3, 9, 16)
    for row, length in enumerate(LENGTHS):
        alone = ours.model(input_ids=pieces[row : row + 1, :length] - 1).last_hidden_state
        torch.testing.assert_close(states[row, :length], alone[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_the_limit_is_the_longest_row_that_can_be_read(kind: str) -> None:
    ours = encoder(kind)
    assert ours.limit == (10 if kind == "roberta" else 12)
    assert ours(pieces_of((ours.limit,))).isfinite().all()
    with pytest.raises((IndexError, RuntimeError)):
        ours(pieces_of((ours.limit + 1,)))


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_segments_count_for_encoders_that_know_them(kind: str) -> None:
    ours, pieces = encoder(kind), pieces_of((6,))
    segments = torch.tensor([[0, 0, 0, 1, 1, 1]])
    told, untold = ours(pieces, segments), ours(pieces)
    assert torch.equal(told, untold) == (kind in ("roberta", "distilbert"))
    if kind == "bert":
        expected = ours.model(input_ids=pieces - 1, token_type_ids=segments).last_hidden_state
        torch.testing.assert_close(told, expected)


# -- heads ---------------------------------------------------------------------------------------


def sized(**sizes: Any) -> dict[str, Any]:  # noqa: ANN401
    torch.manual_seed(3)
    return {"words": 9, "trained": 9, "config": KINDS["bert"], **sizes}


@torch.no_grad()
def test_the_classifier_pools_the_sub_words_of_each_row() -> None:
    pieces = pieces_of(LENGTHS)
    for pooling in ("mean", "first"):
        network = PretrainedClassifier({"sentiment": 2}, **sized(pooling=pooling)).eval()
        states = network.encoder(pieces)
        rows = [
            states[i, :n].mean(dim=0) if pooling == "mean" else states[i, 0]
            for i, n in enumerate(LENGTHS)
        ]
        expected = network.heads["sentiment"](torch.stack(rows))
        torch.testing.assert_close(network(pieces=pieces)["sentiment"], expected)


@torch.no_grad()
def test_the_tagger_reads_each_words_first_sub_word() -> None:
    network = PretrainedTagger({"upos": 4, "xpos": 5}, **sized()).eval()
    pieces, firsts = pieces_of((6, 4)), torch.tensor([[1, 3, 4], [1, 2, 0]])
    states, outputs = network.encoder(pieces), network(pieces=pieces, firsts=firsts)
    assert outputs["xpos"].shape == (2, 3, 5)
    for row, places in enumerate(([1, 3, 4], [1, 2])):
        expected = network.heads["upos"](states[row, places])
        torch.testing.assert_close(outputs["upos"][row, : len(places)], expected)


def test_the_aspect_network_tells_the_aspect_from_the_text() -> None:
    network = PretrainedAspect({"sentiment": 3}, **sized(pooling="first")).eval()
    pieces, segments = pieces_of((6,)), torch.tensor([[0, 0, 0, 1, 1, 1]])
    told = network(pieces=pieces, segments=segments)["sentiment"]
    assert told.shape == (1, 3)
    assert not torch.equal(told, network(pieces=pieces, segments=segments * 0)["sentiment"])
    assert network.limit == 12


def with_config(**changes: object) -> Mapping[str, object]:
    return {**CONFIG, **changes}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Encoder({}), "'None' is no configuration of a known encoder"),
        (lambda: Encoder({"model_type": "nonsense"}), "'nonsense' is no configuration of a known"),
        (lambda: Encoder({"model_type": "t5"}), "'t5' is no encoder that transformers can build"),
        (lambda: Encoder(with_config(is_decoder=True)), "'bert' is no encoder that transformers"),
        (lambda: Encoder(with_config(hidden_act="step")), "'bert' cannot be built of this conf"),
        (lambda: Encoder(with_config(num_attention_heads=3)), "'bert' cannot be built of this"),
        (
            lambda: PretrainedClassifier({"sentiment": 2}, **sized(pooling="last")),
            "unknown pooling 'last'; known: mean, first",
        ),
    ],
)
def test_what_cannot_be_is_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build()


def test_a_configuration_names_no_code_to_run() -> None:
    """A version's folder comes from elsewhere: `auto_map` would fetch and run what it names."""
    Encoder(with_config(auto_map={"AutoModel": "stranger/code--model.Model"}))
