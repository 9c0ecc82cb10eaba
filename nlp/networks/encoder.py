"""A model of the `transformers` library as a part of a network: sub-words to states.

It is rebuilt from its own configuration, so that nothing is downloaded, and no code is run but the
library's. Padding is 0 in our arrays, and a sub-word is 1 + its id (`nlp.subwords`).
"""

import inspect
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import MODEL_MAPPING, AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel

from nlp.errors import ModelError
from nlp.vocabulary import PAD

_NO_OPTIONS: Final = ("model_type", "auto_map")
"""auto_map would name code to be run."""

_PLACES_BEHIND_PAD: Final = frozenset({"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl"})
"""Kinds that number a row's places from the padding's id + 1 on."""


class Encoder(nn.Module):
    """A model of `transformers` without a head: sub-words to states.

    width: of a state. limit: places a row may have; None where there is no limit.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Raises ModelError for a configuration of no encoder."""
        super().__init__()
        settings = encoder_settings(config)
        self.model = encoder_model(settings)
        self.width: int = settings.hidden_size
        self.limit = _longest_row(settings)
        self._pad = int(getattr(settings, "pad_token_id", None) or 0)
        self._segments = _reads_segments(self.model, settings)

    def forward(self, pieces: Tensor, segments: Tensor | None = None) -> Tensor:
        """pieces (batch, places): 1 + id, 0 = padding; segments (batch, places): 0, or 1 on the
        second sentence; an encoder that knows no segments leaves them out
        -> (batch, places, width).
        """
        mask = pieces != PAD
        ids = torch.where(mask, pieces - 1, self._pad)
        known = {}
        if self._segments:
            known["token_type_ids"] = torch.zeros_like(ids) if segments is None else segments
        states: Tensor = self.model(input_ids=ids, attention_mask=mask.long(), **known)[0]
        return states


def encoder_settings(config: Mapping[str, Any]) -> PreTrainedConfig:
    """Raises ModelError for a kind of model that `transformers` does not know."""
    kind = str(config.get("model_type"))
    options = {key: config[key] for key in config if key not in _NO_OPTIONS}
    try:
        settings = AutoConfig.for_model(kind, **options)
    except (KeyError, TypeError, ValueError) as error:  # what the library makes of a file's values
        raise ModelError(f"{kind!r} is no configuration of a known encoder") from error
    if not is_encoder(settings):
        raise ModelError(f"{kind!r} is no encoder that transformers can build")
    return settings


def is_encoder(settings: PreTrainedConfig) -> bool:
    """Whether the library has a model for it that reads a text in both directions."""
    writes = bool(settings.is_encoder_decoder or getattr(settings, "is_decoder", False))
    return type(settings) in MODEL_MAPPING and not writes


def encoder_model(settings: PreTrainedConfig) -> PreTrainedModel:
    """With fresh weights, and without the pooling layer, which nothing here reads.

    Raises ModelError for settings that do not fit together.
    """
    options = {"attn_implementation": "eager", **no_pooler(settings)}  # all have it, and it exports
    try:
        model: PreTrainedModel = AutoModel.from_config(settings, **options)  # type: ignore[no-untyped-call]
    except (AttributeError, KeyError, ValueError) as error:  # such as an activation it lacks
        raise ModelError(
            f"{settings.model_type!r} cannot be built of this configuration"
        ) from error
    return model


def no_pooler(settings: PreTrainedConfig) -> dict[str, bool]:
    """The option that leaves out the pooling layer, where a kind of model has it."""
    made: Any = MODEL_MAPPING[type(settings)]
    has = "add_pooling_layer" in inspect.signature(made).parameters
    return {"add_pooling_layer": False} if has else {}


def _longest_row(settings: PreTrainedConfig) -> int | None:
    limit: int | None = getattr(settings, "max_position_embeddings", None)
    if limit is not None and settings.model_type in _PLACES_BEHIND_PAD:
        limit -= int(settings.pad_token_id or 0) + 1
    return limit


def _reads_segments(model: PreTrainedModel, settings: PreTrainedConfig) -> bool:
    takes = "token_type_ids" in inspect.signature(model.forward).parameters
    return takes and int(getattr(settings, "type_vocab_size", None) or 0) > 1
