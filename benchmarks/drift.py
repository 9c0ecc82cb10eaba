"""What the drift figures are worth, on real data: false alarms, alarms, estimates, and their cost.

    VALENCE_DATA=<folder of data sets> python -m benchmarks.drift [--draws 300]

For each starter model: its reference (dev) against items drawn, with replacement, from the test
split of the same data and from other data sets that it was not trained on; how often PSI passes 0.1
and 0.25, the point that it passes once in a hundred draws, and how often the estimate of accuracy
lies more than 5 points below dev's. Then the accuracy on each data set beside three estimates of it
that see no label. Then the microseconds an item that watching costs, beside those of reading and
answering it, in the same run.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model_store.starter import embedded_store
from nlp.drift import REFERENCE, Reference, Shift, compare, estimated_accuracy
from nlp.model import Model
from nlp.sketches import Look, Seen, Sketch
from nlp.tasks.base import Answer, Encoded, Row
from training.datasets import load
from training.recipe import Source
from training.tasks.labelled import Labelled
from training.tasks.table import trainable

SIZES: Final = (200, 500, 2000)
FELL: Final = 0.05
ITEMS: Final = 2000
"""At most so many of a data set are read, a seeded sample."""

_POLAR: Final = {"neutral": ""}
_DATA: Final[dict[str, tuple[Source, ...]]] = {
    "sentiment": (
        Source(dataset="sst2:test"),
        Source(dataset="yelp_sentences:test"),
        Source(dataset="semeval2017_task4:test", labels=_POLAR),
        Source(dataset="amazon_reviews:all"),
        Source(dataset="fdu_mtl:test"),
        Source(dataset="imdb:test"),
        Source(dataset="mpqa:all"),
    ),
    "tags": (Source(dataset="ud_english_ewt:test"), Source(dataset="ud_french_sequoia:test")),
    "aspects": (
        Source(dataset="mams_atsa:test"),
        Source(dataset="mams_acsa:test", aspects="categories"),
        Source(dataset="semeval14_restaurants:test"),
        Source(dataset="semeval14_laptops:test"),
        Source(dataset="acos_laptop:test"),
        Source(dataset="acos_restaurant:test"),
    ),
}
"""What each model was not trained on; first the test split of its own data."""

_ESTIMATES: Final = ("ATC", "mean", "difference")


@dataclass(frozen=True, slots=True)
class Watched:
    """One model and what it is compared with."""

    name: str
    model: Model
    reference: Reference
    look: Look


@dataclass(frozen=True, slots=True)
class Traffic:
    """A data set as the model met it; right: of each answer's labels, in order."""

    name: str
    seen: list[Seen]
    right: NDArray[np.bool_]
    micros: tuple[float, float]  # reading and answering an item; watching it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=300, help="samples of each size")
    parser.add_argument("--model", choices=list(_DATA), action="append", help="default: all")
    arguments = parser.parse_args()
    if not os.environ.get("VALENCE_DATA"):
        sys.exit("set VALENCE_DATA to the folder that holds the data sets")
    console = Console()
    for name in arguments.model or _DATA:
        watched = starter(name)
        traffic = [meet(watched, source) for source in _DATA[name]]
        console.print(alarms(watched, traffic, draws=arguments.draws))
        console.print(estimates(watched, traffic))
        console.print(costs(watched, traffic))


def starter(name: str) -> Watched:
    with TemporaryDirectory() as scratch:
        model = Model.load(embedded_store().materialise(name, 1, Path(scratch)), threads=1)
    reference = Reference.from_dict(model.manifest[REFERENCE])
    return Watched(name, model, reference, Look.of(model.manifest, reference.threshold or 1.0))


def meet(watched: Watched, source: Source) -> Traffic:
    """The model's answers to a data set, as the service would count them."""
    model, task = watched.model, watched.model.manifest["task"]
    loaded = load(source, task=task, seed=13).examples
    drawn = np.random.default_rng(13).permutation(len(loaded))[:ITEMS]
    examples = [loaded[place] for place in drawn]
    begun = perf_counter()
    read = model.read([example.item for example in examples])
    answers = [model.decode(*one) for one in read]
    answered = perf_counter()
    seen, watching = _watch(watched, read, answers)
    micros = (1e6 * (answered - begun) / len(read), 1e6 * watching / len(read))
    scoring, layer = cast(Labelled, trainable(task)), next(iter(model.task.layers))
    gold = [label for e in examples for label in scoring.gold(e, model.task)[layer]]
    said = [label for answer in answers for label in scoring.said(answer, model.task)[layer]]
    return Traffic(source.dataset, seen, np.array(gold) == np.array(said), micros)


def _watch(
    watched: Watched, read: Sequence[tuple[Encoded, list[Row]]], answers: Sequence[Answer]
) -> tuple[list[Seen], float]:
    plain = [answer.to_dict() for answer in answers]  # as the service has them anyway
    begun = perf_counter()
    seen = [watched.look.see(e, said) for (e, _), said in zip(read, plain, strict=True)]
    sketch_of(seen)
    return seen, perf_counter() - begun


def sketch_of(seen: Sequence[Seen]) -> Sketch:
    sketch = Sketch()
    for one in seen:
        sketch.add(one)
    return sketch


def alarms(watched: Watched, traffic: Sequence[Traffic], *, draws: int) -> Table:
    """For each data set, size and feature: how often PSI passes, its 99 % point, KS's median."""
    title = f"{watched.name}: PSI against dev ({watched.reference.sketch.items:,} items)"
    table = Table(title=title, caption=f"{draws} draws each; > 0.1, > 0.25, 99 % point, median KS")
    features = list(compare(watched.reference.sketch, watched.reference.sketch))
    for heading in ("data", "n", *features, "fell"):
        table.add_column(heading)
    for one in traffic:
        for size in SIZES:
            drawn = _drawn(one, size, draws)
            shifts = [compare(watched.reference.sketch, sketch) for sketch in drawn]
            cells = [_cell([shift[feature] for shift in shifts]) for feature in features]
            table.add_row(one.name, f"{size:,}", *cells, _fallen(watched.reference, drawn))
    return table


def _drawn(one: Traffic, size: int, draws: int) -> list[Sketch]:
    generator = np.random.default_rng(17)
    places = (generator.integers(len(one.seen), size=size) for _ in range(draws))
    return [sketch_of([one.seen[place] for place in drawn]) for drawn in places]


def _fallen(reference: Reference, drawn: Sequence[Sketch]) -> str:
    """How often the estimate is more than FELL below the reference's accuracy."""
    before = reference.accuracy or 0.0
    lost = [before - (estimated_accuracy(reference, sketch) or 0.0) for sketch in drawn]
    return f"{np.mean(np.array(lost) > FELL):4.0%}"


def _cell(found: Sequence[Shift]) -> str:
    psi = np.array([shift.psi for shift in found])
    ks = [shift.ks for shift in found if shift.ks is not None]
    shares = f"{(psi > 0.1).mean():4.0%} {(psi > 0.25).mean():4.0%}"
    tail = f" {np.median(ks):.2f}" if ks else ""
    return f"{shares} {np.quantile(psi, 0.99):.2f}{tail}"


def estimates(watched: Watched, traffic: Sequence[Traffic]) -> Table:
    """Accuracy beside its estimates, and the mean absolute error of each."""
    reference = watched.reference
    accuracy, confidence = reference.accuracy or 0.0, reference.sketch.confidence or 0.0
    table = Table(title=f"{watched.name}: accuracy without labels (dev: {accuracy:.3f})")
    for heading in ("data", "items", "accuracy", *_ESTIMATES, "no change"):
        table.add_column(heading, justify="right")
    errors: list[list[float]] = []
    for one in traffic:
        sketch, true = sketch_of(one.seen), float(one.right.mean())
        mean = sketch.confidence or 0.0
        estimated = estimated_accuracy(reference, sketch) or 0.0
        shifted = min(1.0, max(0.0, accuracy + mean - confidence))
        said = [estimated, mean, shifted, accuracy]
        errors.append([abs(value - true) for value in said])
        cells = [f"{value:.3f} ({value - true:+.3f})" for value in said]
        table.add_row(one.name, f"{sketch.items:,}", f"{true:.3f}", *cells)
    means = [f"{error:.3f}" for error in np.mean(errors, axis=0)]
    table.add_row("mean absolute error", "", "", *means, style="bold")
    return table


def costs(watched: Watched, traffic: Sequence[Traffic]) -> Table:
    table = Table(title=f"{watched.name}: microseconds an item")
    for heading in ("data", "words", "read and answered", "watched", "share"):
        table.add_column(heading, justify="right")
    for one in traffic:
        words = np.mean([seen.tokens for seen in one.seen])
        whole, watching = one.micros
        share = f"{watching / whole:.1%}"
        table.add_row(one.name, f"{words:.0f}", f"{whole:.0f}", f"{watching:.1f}", share)
    sketch = sketch_of(traffic[0].seen)
    table.caption = f"one comparison at a scrape: {_micros(lambda: compare(sketch, sketch)):.0f}"
    return table


def _micros(work: Callable[[], Any], *, times: int = 100) -> float:
    begun = perf_counter()
    for _ in range(times):
        work()
    return 1e6 * (perf_counter() - begun) / times


if __name__ == "__main__":
    main()
