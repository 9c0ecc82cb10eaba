"""Small real models that have learnt a few of our own sentences by heart."""

import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import encoders
import torch

from nlp.features import Extractor
from nlp.lecture_features import Lexicon
from nlp.model import Model
from nlp.networks.base import Network
from nlp.networks.table import build_network, network_class
from nlp.runtimes.torch import TorchRuntime
from nlp.tasks.base import Aspect, AspectItem, Example
from nlp.terms import Grams, LinearExtractor, Terms
from nlp.text import split_words
from nlp.vocabulary import Vocabulary, build_vocabulary
from training.export import write_model
from training.items import collator
from training.learner import Learner
from training.manifest import ModelSpec, TextSpec
from training.tasks.table import trainable

REVIEWS = (
    ("A warm, funny and beautifully acted film.", "positive"),
    ("I loved every minute of this charming story!", "positive"),
    ("Great food, friendly staff; we will come back.", "positive"),
    ("The battery lasts all week and the screen is superb.", "positive"),
    ("What a delightful, clever little book.", "positive"),
    ("Dull, noisy and far too long.", "negative"),
    ("The waiter was rude and the soup was cold.", "negative"),
    ("I hated it; a waste of an evening.", "negative"),
    ("It broke after two days and nobody answered my mails.", "negative"),
    ("A tedious, badly written mess...", "negative"),
)
"""Our own sentences, enough to overfit."""

TAGGED = (
    (("The", "waiter", "smiled", "."), ("DET", "NOUN", "VERB", "PUNCT"), ("DT", "NN", "VBD", ".")),
    (("She", "reads", "old", "books", "."), ("PRON", "VERB", "ADJ", "NOUN", "PUNCT"),
     ("PRP", "VBZ", "JJ", "NNS", ".")),
    (("Rome", "is", "lovely", "!"), ("PROPN", "AUX", "ADJ", "PUNCT"), ("NNP", "VBZ", "JJ", ".")),
    (("We", "ate", "two", "pizzas"), ("PRON", "VERB", "NUM", "NOUN"), ("PRP", "VBD", "CD", "NNS")),
)  # fmt: skip

PAIRED: tuple[tuple[str, dict[str, str]], ...] = (
    ("The menu was great, but the price was steep.", {"menu": "positive", "price": "negative"}),
    ("Friendly waiters and a lovely view.", {"waiters": "positive", "view": "positive"}),
    ("The onion soup arrived cold.", {"onion soup": "negative"}),
    ("We came on a Tuesday.", {}),
    ("The wine list is what one expects.", {"wine list": "neutral"}),
)
"""Texts with aspects, each a part of its text, and their labels."""

JUDGED = (
    ("The soup was superb, but the bill was outrageous.",
     {"soup": "positive", "bill": "negative", "food": "positive", "price": "negative"}),
    ("Cheap rooms, rude porter.",
     {"rooms": "positive", "porter": "negative", "price": "positive", "service": "negative"}),
    ("We waited an hour 🙁 for a delicious curry; the tables are by the window.",
     {"curry": "positive", "tables": "neutral", "service": "negative", "food": "positive"}),
    ("The screen 📱 is dull and the battery life is fantastic!",
     {"screen": "negative", "battery life": "positive"}),
)  # fmt: skip
"""Texts that mix judgements of terms, which they hold, and of categories, which they do not."""


SIZES: Final[dict[str, dict[str, Any]]] = {
    "linear": {"terms": 60, "tf": "log", "norm": True, "lecture": True},
    "textcnn": {"dimensions": 16, "channels": "random", "filters": 12, "dropout": 0.0},
    "bilstm-tagger": {
        "dimensions": 16, "channels": "random", "hidden": 16, "layers": 1, "dropout": 0.0,
        "character_width": 8, "character_hidden": 8,
    },
    "feed-forward": {"dimensions": 16, "channels": "random", "hidden": [16], "dropout": 0.0},
    "recurrent": {"dimensions": 16, "channels": "random", "hidden": 12, "dropout": 0.0},
    "aspect-lstm": {"dimensions": 16, "channels": "random", "hidden": 16, "dropout": 0.0},
    "attention-lstm": {
        "dimensions": 16, "channels": "random", "hidden": 16, "places": 8, "dropout": 0.0,
    },
    "target-lstm": {"dimensions": 16, "channels": "random", "hidden": 16, "dropout": 0.0},
    "recurrent-encoder-decoder": {
        "dimensions": 16, "channels": "random", "hidden": 16, "dropout": 0.0,
    },
    "window-language-model": {"dimensions": 24, "hidden": 32, "history": 3, "dropout": 0.0},
    "recurrent-language-model": {"dimensions": 32, "hidden": 32, "dropout": 0.0},
    "transformer-language-model": {
        "dimensions": 16, "hidden": 16, "heads": 2, "layers": 1, "feed_forward": 32, "dropout": 0.0,
    },
    "transformer-encoder-decoder": {
        "dimensions": 16, "channels": "random", "hidden": 16, "heads": 2, "layers": 1,
        "feed_forward": 32, "dropout": 0.0,
    },
    "transformer": {
        "dimensions": 16, "channels": "random", "width": 16, "heads": 2, "layers": 1,
        "feed_forward": 32, "dropout": 0.0,
    },
    "transformer-tagger": {
        "dimensions": 16, "channels": "random", "width": 16, "heads": 2, "layers": 1,
        "feed_forward": 32, "filters": 16, "character_width": 8, "dropout": 0.0,
    },
    "pretrained": {"config": encoders.CONFIG, "dropout": 0.0},
    "pretrained-tagger": {"config": encoders.CONFIG, "dropout": 0.0},
    "pretrained-aspect": {"config": encoders.CONFIG, "dropout": 0.0},
}  # fmt: skip
ARCHITECTURES: Final = {
    "sentiment": "textcnn",
    "tagging": "bilstm-tagger",
    "aspects": "attention-lstm",
    "extraction": "bilstm-tagger",
    "language-model": "recurrent-language-model",
}
"""The architecture a task is tried with unless a test says otherwise."""

TASKS: Final = {
    "aspect-lstm": "aspects",
    "attention-lstm": "aspects",
    "target-lstm": "aspects",
    "bilstm-tagger": "tagging",
    "recurrent-encoder-decoder": "pairs",
    "transformer-encoder-decoder": "pairs",
    "window-language-model": "language-model",
    "recurrent-language-model": "language-model",
    "transformer-language-model": "language-model",
    "feed-forward": "sentiment",
    "linear": "sentiment",
    "recurrent": "sentiment",
    "textcnn": "sentiment",
    "transformer": "sentiment",
    "transformer-tagger": "tagging",
    "pretrained": "sentiment",
    "pretrained-tagger": "tagging",
    "pretrained-aspect": "aspects",
}
"""The task each architecture is tried on: every one of nlp.networks.table has an entry."""

EXAMPLES: Final[dict[str, Callable[[], list[Example]]]] = {
    "sentiment": lambda: [Example(text, label) for text, label in REVIEWS],
    "tagging": lambda: [Example(words, (upos, xpos)) for words, upos, xpos in TAGGED],
    "pairs": lambda: [_paired(text, aspects) for text, aspects in PAIRED],
    "extraction": lambda: [_paired(text, aspects) for text, aspects in PAIRED],
    "language-model": lambda: [Example(text, "") for text, _ in REVIEWS],
    "aspects": lambda: [_judged(text, aspects) for text, aspects in JUDGED],
}
"""A few of our own examples of each task, to be known by heart."""


def _paired(text: str, aspects: Mapping[str, str]) -> Example:
    places = [(text.index(term), term) for term in aspects]
    terms = tuple(Aspect(term, start, start + len(term)) for start, term in places)
    return Example(AspectItem(text, terms), (tuple(aspects.values()),))


def _judged(text: str, aspects: Mapping[str, str]) -> Example:
    places = [(text.find(aspect), aspect) for aspect in aspects]
    asked = tuple(
        Aspect(aspect) if start < 0 else Aspect(aspect, start, start + len(aspect))
        for start, aspect in places
    )
    return Example(AspectItem(text, asked), (tuple(aspects.values()),))


def _linear(words: list[str]) -> Extractor:
    """Sixty words and pairs, and a lexicon of four words."""
    grams = Grams(2, stop_words=frozenset({"the"}))
    names = list(dict.fromkeys(grams(words)))[::2]
    lexicon = Lexicon(["warm", "delightful"], ["rude", "badly written"], negation=True)
    return LinearExtractor(Terms(names[:60], grams), lexicon)


EXTRACTORS: Final[dict[str, Callable[[list[str]], Extractor]]] = {
    "linear": _linear,
    "pretrained": encoders.subwords,
    "pretrained-tagger": encoders.subwords,
    "pretrained-aspect": encoders.subwords,
}
"""What makes the further arrays of an architecture, from the words of the examples."""


def examples(task: str) -> list[Example]:
    return EXAMPLES[task]()


def overfit(
    task: str,
    folder: Path,
    *,
    architecture: str | None = None,
    seed: int = 0,
    steps: int = 60,
    **sizes: object,
) -> Model:
    """Train on our own sentences until they are known by heart; export to `folder`.

    An export takes seconds: the same model is made once a process and copied from then on.
    """
    architecture = architecture or ARCHITECTURES[task]
    made = _exported(task, architecture, seed, steps, tuple(sorted(sizes.items())))
    shutil.copytree(made.name, folder, dirs_exist_ok=True)
    return Model.load(folder)


def in_memory(task: str, architecture: str, *, seed: int = 0, steps: int = 10) -> Model:
    """As `overfit`, through torch and not exported, so in no time."""
    learnt = examples(task)
    torch.manual_seed(seed)
    spec, vocabulary = _describe(task, architecture, learnt, SIZES[architecture])
    network = build_network(architecture, spec.outputs, spec.sizes)
    _fit(network, _batch(spec, vocabulary, learnt), steps)
    return Model(spec.to_manifest(), spec.task_for(vocabulary), TorchRuntime(network))


@cache
def _exported(
    task: str, architecture: str, seed: int, steps: int, sizes: tuple[tuple[str, object], ...]
) -> TemporaryDirectory[str]:
    made = TemporaryDirectory(prefix="tiny-")  # lives as long as the cache that holds it
    learnt = examples(task)
    torch.manual_seed(seed)
    spec, vocabulary = _describe(task, architecture, learnt, {**SIZES[architecture], **dict(sizes)})
    network = build_network(architecture, spec.outputs, spec.sizes)
    _fit(network, _batch(spec, vocabulary, learnt), steps)
    write_model(
        network,
        spec.to_manifest(),
        vocabulary=vocabulary,
        folder=Path(made.name),
        extractor=spec.extractor,
    )
    return made


def _describe(
    task: str, architecture: str, learnt: list[Example], sizes: dict[str, Any]
) -> tuple[ModelSpec, Vocabulary]:
    words = trainable(task).words(learnt, split_words)
    vocabulary = build_vocabulary(words, lowercase=True)
    inputs = network_class(architecture).inputs
    alphabet = "".join(sorted({c for word in words for c in word}))
    text = TextSpec("words", True, vocabulary.trained, inputs, alphabet, 64)
    sizes = {**sizes, "words": len(vocabulary), "trained": vocabulary.trained}
    if "characters" in inputs:
        sizes["alphabet"] = len(alphabet) + 2
    make = EXTRACTORS.get(architecture)
    extractor = None if make is None else make(words)
    layers = trainable(task).layers(learnt)
    return ModelSpec(task, architecture, sizes, layers, text, extractor=extractor), vocabulary


def _batch(
    spec: ModelSpec, vocabulary: Vocabulary, learnt: list[Example]
) -> dict[str, torch.Tensor]:
    task = spec.task_for(vocabulary)
    return collator(task)(trainable(spec.task).items(learnt, task, strict=True))


def _fit(network: Network, batch: dict[str, torch.Tensor], steps: int) -> None:
    learner = Learner(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    learner.train()
    for _ in range(steps):
        optimizer.zero_grad()
        learner(**batch)["loss"].backward()
        optimizer.step()
