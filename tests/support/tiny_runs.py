"""Tiny recipes over files that are written on the spot, and runs of them that get killed.

Children come from a fork server that has imported torch once and computed nothing: a child starts
in milliseconds, and has no thread pool of a parent's to deadlock on.
"""

import csv
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final, Literal

from training.recipe import Recipe
from training.run_folder import RunFolder

GOOD: Final = ("warm", "funny", "lovely", "superb", "charming", "clever", "fresh", "kind")
BAD: Final = ("dull", "rude", "cold", "noisy", "tedious", "awful", "stale", "mean")
THINGS: Final = ("film", "soup", "waiter", "book", "phone", "story", "room", "song")
SPLITS: Final = {"train": 24, "dev": 8, "test": 10}
"""Pairs of a positive and a negative review in each split."""

VERBS: Final = ("reads", "paints", "sells", "breaks", "likes", "finds")
NAMES: Final = ("Ida", "Tom", "Rome", "Mia", "Oslo", "Ben")

PRELOADED: Final = [
    *("training.run", "training.commands", "valence", "onnxscript", "networkx"),
    *("training.retrain.run", "model_store.feedback.base"),
]
"""What every child needs; onnxscript and networkx are what the exporter loads late."""

_POLL_SECONDS: Final = 0.001
_PATIENCE_SECONDS: Final = 120.0


def reviews(pairs: int, offset: int) -> list[tuple[str, str]]:
    """Sentences of our own; the words that tell the label recur, the whole sentences never."""
    rows = []
    for i in range(pairs):
        thing, visit = THINGS[(i * 3 + offset) % 8], f"visit {offset}{i}"
        good = f"{GOOD[(i + offset) % 8]} and {GOOD[(i * 5 + offset + 1) % 8]}"
        bad = f"{BAD[(i + offset) % 8]} {thing}, and {BAD[(i * 3 + offset + 2) % 8]} too"
        rows.append((f"The {thing} was {good}, {visit}.", "positive"))
        rows.append((f"A {bad}, {visit}.", "negative"))
    return rows


def tagged(sentences: int, offset: int) -> list[list[tuple[str, str, str]]]:
    """(word, upos, xpos) rows by sentence."""
    found = []
    for i in range(sentences):
        adjective = (*GOOD, *BAD)[(i * 5 + offset) % 16]
        sentence = [
            (NAMES[(i + offset) % 6], "PROPN", "NNP"),
            (VERBS[(i * 5 + offset) % 6], "VERB", "VBZ"),
            ("the", "DET", "DT"),
            (adjective, "ADJ", "JJ"),
            (THINGS[(i * 3 + offset) % 8], "NOUN", "NN"),
            (str(100 * offset + i), "NUM", "CD"),
            (".", "PUNCT", "."),
        ]
        found.append(sentence[: 7 if i % 3 else 5])
    return found


def write_csv(path: Path, rows: list[tuple[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("text", "label"), *rows])


def write_conllu(path: Path, sentences: list[list[tuple[str, str, str]]]) -> None:
    blocks = [
        "".join(
            f"{i}\t{word}\t_\t{upos}\t{xpos}\t_\t_\t_\t_\t_\n"
            for i, (word, upos, xpos) in enumerate(sentence, 1)
        )
        for sentence in sentences
    ]
    path.write_text("\n".join(blocks) + "\n", encoding="utf-8")


def sentiment_recipe(folder: Path, *, name: str = "tiny") -> Path:
    """A recipe file with its three CSV files beside it; every random thing is switched on."""
    for offset, (split, pairs) in enumerate(SPLITS.items(), 1):
        write_csv(folder / f"{split}.csv", reviews(pairs, offset))
    text = f"""
name = "{name}"
task = "sentiment"
description = "A tiny model of our own sentences."
{_data(folder, "csv")}
[network]
architecture = "textcnn"
[network.sizes]
dimensions = 8
channels = "random"
filters = 6
dropout = 0.3
[training]
epochs = 4
patience = 4
batch_size = 2
learning_rate = 0.01
warmup_share = 0.1
word_dropout = 0.1
"""
    return _written(folder / "sentiment.toml", text)


def tagging_recipe(folder: Path, *, name: str = "tinytags") -> Path:
    """With a CRF, dropout and gradient accumulation that does not divide an epoch."""
    for offset, (split, sentences) in enumerate(SPLITS.items(), 1):
        write_conllu(folder / f"{split}.conllu", tagged(sentences, offset))
    text = f"""
name = "{name}"
task = "tagging"
{_data(folder, "conllu")}
[audit]
allow = ["duplicates", "leaks"]
[network]
architecture = "bilstm-tagger"
[network.sizes]
dimensions = 8
channels = "random"
hidden = 48
layers = 1
character_width = 6
character_hidden = 6
dropout = 0.2
crf = true
[training]
epochs = 3
patience = 3
batch_size = 2
gradient_accumulation = 5
learning_rate = 0.02
word_dropout = 0.1
"""
    return _written(folder / "tagging.toml", text)


def _data(folder: Path, suffix: str) -> str:
    lines = [f'{split} = ["{(folder / split).as_posix()}.{suffix}"]' for split in SPLITS]
    return "\n".join(["[data]", *lines])


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that was never stopped."""

    recipe: Recipe
    run: RunFolder


@dataclass(frozen=True, slots=True)
class Moment:
    """When a child kills itself: at its nth row of metrics, when a stage begins, or as soon as a
    file of the run folder is there.
    """

    kind: Literal["row", "stage", "file"]
    value: int | str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_until(run: Path, moment: Moment) -> None:
    """In a child: go on with a run until the moment has come."""
    import torch

    from training.run import run_recipe

    torch.set_num_threads(1)
    folder = RunFolder.open(run)
    rows = _counted(moment.value if moment.kind == "row" else -1)
    stage = str(moment.value) if moment.kind == "stage" else "no stage"
    if moment.kind == "file":
        threading.Thread(target=_watch, args=(run, str(moment.value)), daemon=True).start()
    run_recipe(
        folder.recipe(),
        folder,
        device="cpu",
        record=lambda _: next(rows),
        say=lambda text: die() if text.startswith(stage) else None,
    )


def _counted(last: int | str) -> Iterator[None]:
    count = 0
    while True:
        count += 1
        if count == last:
            die()
        yield


def _watch(run: Path, pattern: str) -> None:
    while not any(run.glob(pattern)):
        time.sleep(_POLL_SECONDS)
    die()


def command(arguments: list[str], log: Path) -> None:
    """In a child: the command line itself, what it prints going to a file."""
    import sys

    import torch

    from valence import app

    torch.set_num_threads(1)
    with log.open("w", encoding="utf-8") as file:
        sys.stdout = sys.stderr = file
        app(arguments)


def start(target: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """A child of the fork server."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    child = context.Process(target=target, args=arguments, daemon=True)
    child.start()
    return child


def exit_code(child: ForkServerProcess) -> int:
    """Of a child that has ended, or ends soon. Raises TimeoutError for one that does not."""
    child.join(_PATIENCE_SECONDS)
    if child.exitcode is None:
        child.kill()
        raise TimeoutError("the child did not end")
    return child.exitcode


def bytes_of(folder: Path) -> Mapping[str, bytes]:
    """Every file below a folder, by its path there."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
