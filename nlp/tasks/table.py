"""The literal table of tasks: manifest's task name -> how its parts become a task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from nlp.errors import ModelError
from nlp.features import Features
from nlp.pair_grammar import check_symbols
from nlp.spans import TAGS
from nlp.tasks.aspects import Aspects
from nlp.tasks.base import Task
from nlp.tasks.extraction import LAYER as ASPECT
from nlp.tasks.extraction import Extraction
from nlp.tasks.language_model import LanguageModel
from nlp.tasks.pairs import LAYER as PAIRS
from nlp.tasks.pairs import Pairs
from nlp.tasks.sentiment import LAYER, Sentiment
from nlp.tasks.tagging import Tagging
from nlp.text import Splitter
from nlp.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Parts:
    """What a manifest says of a task."""

    layers: Mapping[str, tuple[str, ...]]
    split: Splitter
    vocabulary: Vocabulary
    features: Features
    window_tokens: int
    temperatures: Mapping[str, float]


def _sentiment(parts: Parts) -> Task:
    return _judging(Sentiment, parts)


def _aspects(parts: Parts) -> Task:
    return _judging(Aspects, parts)


def _judging(task: type[Sentiment] | type[Aspects], parts: Parts) -> Task:
    if set(parts.layers) != {LAYER}:
        raise ModelError(f"a sentiment model has one layer, {LAYER!r}; not {sorted(parts.layers)}")
    labels, temperature = parts.layers[LAYER], parts.temperatures.get(LAYER, 1.0)
    words = (parts.split, parts.vocabulary, parts.features)
    return task(labels, *words, parts.window_tokens, temperature)


def _tagging(parts: Parts) -> Tagging:
    words = (parts.split, parts.vocabulary, parts.features)
    return Tagging(parts.layers, *words, parts.window_tokens, parts.temperatures)


def _extraction(parts: Parts) -> Task:
    if parts.layers != {ASPECT: TAGS}:
        raise ModelError(f"an extraction model has one layer, {ASPECT!r}, of {', '.join(TAGS)}")
    return Extraction(_tagging(parts), parts.temperatures.get(ASPECT, 1.0))


def _language_model(parts: Parts) -> Task:
    if parts.layers:
        raise ModelError(f"a language model has no layers; not {sorted(parts.layers)}")
    return LanguageModel(parts.split, parts.vocabulary, parts.features, parts.window_tokens)


def _pairs(parts: Parts) -> Task:
    if set(parts.layers) != {PAIRS}:
        raise ModelError(f"a pairs model has one layer, {PAIRS!r}; not {sorted(parts.layers)}")
    symbols, temperature = parts.layers[PAIRS], parts.temperatures.get(PAIRS, 1.0)
    check_symbols(symbols)
    words = (parts.split, parts.vocabulary, parts.features)
    return Pairs(symbols, *words, parts.window_tokens, temperature)


TASKS: Final[dict[str, Callable[[Parts], Task]]] = {
    "sentiment": _sentiment,
    "tagging": _tagging,
    "aspects": _aspects,
    "extraction": _extraction,
    "language-model": _language_model,
    "pairs": _pairs,
}
