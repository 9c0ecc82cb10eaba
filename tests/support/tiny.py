"""Small real models that have learnt a few of our own sentences by heart."""

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from nlp.model import Model
from nlp.networks.base import Network
from nlp.networks.table import build_network, network_class
from nlp.tasks.base import Example
from nlp.text import split_words
from nlp.vocabulary import Vocabulary, build_vocabulary
from training.export import write_model
from training.manifest import ModelSpec, TextSpec

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


SIZES: Final[dict[str, dict[str, Any]]] = {
    "textcnn": {"dimensions": 16, "channels": "random", "filters": 12, "dropout": 0.0},
    "bilstm-tagger": {
        "dimensions": 16, "channels": "random", "hidden": 16, "layers": 1, "dropout": 0.0,
        "character_width": 8, "character_hidden": 8,
    },
}  # fmt: skip
ARCHITECTURES: Final = {"sentiment": "textcnn", "tagging": "bilstm-tagger"}
"""The architecture a task is tried with unless a test says otherwise."""

TASKS: Final = {"textcnn": "sentiment", "bilstm-tagger": "tagging"}
"""The task each architecture is tried on: every one of nlp.networks.table has an entry."""


def examples(task: str) -> list[Example]:
    if task == "sentiment":
        return [Example(text, label) for text, label in REVIEWS]
    return [Example(words, (upos, xpos)) for words, upos, xpos in TAGGED]


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


@cache
def _exported(
    task: str, architecture: str, seed: int, steps: int, sizes: tuple[tuple[str, object], ...]
) -> TemporaryDirectory[str]:
    made = TemporaryDirectory(prefix="tiny-")  # lives as long as the cache that holds it
    learnt = examples(task)
    torch.manual_seed(seed)
    spec, vocabulary = _describe(task, architecture, learnt, {**SIZES[architecture], **dict(sizes)})
    network = build_network(architecture, spec.outputs, spec.sizes)
    window_task = spec.task_for(vocabulary)
    encoded = [window_task.encode(example.item) for example in learnt]
    arrays = window_task.collate([item.windows[0] for item in encoded])
    gold = _gold(learnt, spec.layers)
    _fit(network, {k: torch.from_numpy(v) for k, v in arrays.items()}, gold, steps)
    write_model(network, spec.to_manifest(), vocabulary, Path(made.name))
    return made


def _describe(
    task: str, architecture: str, learnt: list[Example], sizes: dict[str, Any]
) -> tuple[ModelSpec, Vocabulary]:
    items = [split_words(e.item).words if isinstance(e.item, str) else e.item for e in learnt]
    vocabulary = build_vocabulary((w for words in items for w in words), lowercase=True)
    alphabet = "".join(sorted({c for words in items for word in words for c in word}))
    inputs = network_class(architecture).inputs
    text = TextSpec("words", True, vocabulary.trained, inputs, alphabet, 64)
    layers = _layers(task, learnt)
    sizes = {**sizes, "words": len(vocabulary), "trained": vocabulary.trained}
    if "characters" in inputs:
        sizes["alphabet"] = len(alphabet) + 2
    return ModelSpec(task, architecture, sizes, layers, text), vocabulary


def _layers(task: str, learnt: list[Example]) -> dict[str, tuple[str, ...]]:
    if task == "sentiment":
        return {"sentiment": ("negative", "positive")}
    layers = zip(*(example.gold for example in learnt), strict=True)
    tags = [tuple(sorted({tag for row in layer for tag in row})) for layer in layers]
    return dict(zip(("upos", "xpos"), tags, strict=True))


def _gold(learnt: list[Example], layers: Mapping[str, tuple[str, ...]]) -> dict[str, torch.Tensor]:
    """Gold ids by layer: (batch,) or (batch, time) with -100 on padding."""
    if "sentiment" in layers:
        return {"sentiment": torch.tensor([layers["sentiment"].index(str(e.gold)) for e in learnt])}
    longest = max(len(e.item) for e in learnt)
    gold: dict[str, torch.Tensor] = {}
    for number, (name, tags) in enumerate(layers.items()):
        table = np.full((len(learnt), longest), -100)
        for row, example in enumerate(learnt):
            ids = [tags.index(tag) for tag in example.gold[number]]
            table[row, : len(ids)] = ids
        gold[name] = torch.from_numpy(table)
    return gold


def _fit(
    network: Network,
    inputs: dict[str, torch.Tensor],
    gold: dict[str, torch.Tensor],
    steps: int,
) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    network.train()
    for _ in range(steps):
        logits = network(**inputs)
        losses = [cross_entropy(logits[k].flatten(0, -2), gold[k].flatten()) for k in gold]
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
