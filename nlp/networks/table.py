"""The literal table of architectures: manifest's architecture name -> class.

A change of what an architecture computes gets a new name, so that old versions stay loadable.
"""

import inspect
from collections.abc import Mapping
from typing import Any, Final

from nlp.errors import ModelError
from nlp.networks.aspect_attention import AttentionLSTM
from nlp.networks.aspect_lstm import AspectLSTM
from nlp.networks.aspect_target import TargetLSTM
from nlp.networks.base import Network
from nlp.networks.bilstm_tagger import BiLSTMTagger
from nlp.networks.feed_forward import FeedForward
from nlp.networks.language_models import (
    RecurrentLanguageModel,
    TransformerLanguageModel,
    WindowLanguageModel,
)
from nlp.networks.linear import Linear
from nlp.networks.pretrained import PretrainedAspect, PretrainedClassifier, PretrainedTagger
from nlp.networks.recurrent_classifier import RecurrentClassifier
from nlp.networks.recurrent_encoder_decoder import RecurrentEncoderDecoder
from nlp.networks.textcnn import TextCNN
from nlp.networks.transformer_classifier import TransformerClassifier
from nlp.networks.transformer_encoder_decoder import TransformerEncoderDecoder
from nlp.networks.transformer_tagger import TransformerTagger

NETWORKS: Final[dict[str, type[Network]]] = {
    "linear": Linear,
    "feed-forward": FeedForward,
    "recurrent": RecurrentClassifier,
    "textcnn": TextCNN,
    "bilstm-tagger": BiLSTMTagger,
    "aspect-lstm": AspectLSTM,
    "attention-lstm": AttentionLSTM,
    "target-lstm": TargetLSTM,
    "window-language-model": WindowLanguageModel,
    "recurrent-language-model": RecurrentLanguageModel,
    "transformer-language-model": TransformerLanguageModel,
    "recurrent-encoder-decoder": RecurrentEncoderDecoder,
    "transformer-encoder-decoder": TransformerEncoderDecoder,
    "transformer": TransformerClassifier,
    "transformer-tagger": TransformerTagger,
    "pretrained": PretrainedClassifier,
    "pretrained-tagger": PretrainedTagger,
    "pretrained-aspect": PretrainedAspect,
}


def network_class(architecture: str) -> type[Network]:
    """Raises ModelError for a name that is not in the table."""
    if architecture not in NETWORKS:
        known = ", ".join(sorted(NETWORKS))
        raise ModelError(f"unknown architecture {architecture!r}; known: {known}")
    return NETWORKS[architecture]


def build_network(
    architecture: str, outputs: Mapping[str, int], sizes: Mapping[str, Any]
) -> Network:
    """A network with fresh weights. Raises ModelError for an unknown architecture or size."""
    network = network_class(architecture)
    known = [name for name in inspect.signature(network).parameters if name != "outputs"]
    unknown = sorted(set(sizes) - set(known))
    if unknown:
        raise ModelError(f"{architecture} has no size {unknown}; known: {', '.join(known)}")
    try:
        return network(dict(outputs), **sizes)
    except ModelError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:  # sizes come from a file
        raise ModelError(f"{architecture} cannot be built of these sizes: {error}") from error
