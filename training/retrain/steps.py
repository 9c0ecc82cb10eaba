"""The steps of a job up to the gate's verdict, each from what the ones before it left behind."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

from model_store import Store
from nlp.model import Model
from nlp.tasks.base import Example
from training.audit import audit, check
from training.build import build, to_plain
from training.outcome import best_dev
from training.recipe import DevFromTrain, Recipe
from training.retrain.behaviour import capabilities
from training.retrain.budgets import file_sizes, forward_times
from training.retrain.feedback import Feedback, collect, lines, source, without
from training.retrain.gate import Verdict, judge
from training.retrain.job import Job, Record, write_whole
from training.retrain.measured import Compared, Measured
from training.retrain.picture import draw_verdict
from training.retrain.plan import moment, recipe_of
from training.retrain.policy import Policy
from training.retrain.recipes import challenger_recipe, write_champion_vectors
from training.retrain.sides import compare
from training.run_folder import RunFolder
from training.splits import read_all, read_source, read_test

BASE: Final = "base test"
HELD_OUT: Final = "held-out feedback"
COLLECTED: Final = ("collected-train", "collected-held-out")
USED: Final = ("train", "held-out")

Check = Callable[[], None]
"""Raises where the work must not go on."""

Train = Callable[[Recipe, RunFolder, Check], None]
"""Trains, scores and exports a recipe in its folder; may be called again after a kill."""


def collect_feedback(job: Job, plan: Record, base: Feedback, labels: Sequence[str]) -> Record:
    """Judgements to two files of examples, one of which is never trained on."""
    until = moment(plan["until"])
    judgements = base.accepted(plan["name"], since=moment(plan["since"]), until=until)
    found = collect(
        judgements if until else (),
        task=plan["recipe"]["task"],
        labels=labels,
        holdout=plan["holdout"],
    )
    for name, examples in zip(COLLECTED, (found.train, found.held_out), strict=True):
        write_whole(job.texts(name), lines(examples))
    counts = {"train": len(found.train), "held_out": len(found.held_out)}
    return {**counts, "left_out": dict(found.left_out)}


def audit_data(job: Job, plan: Record, labels: Sequence[str]) -> Record:
    """Leaks between base data and feedback are dropped and counted; then the usual audit.

    A judgement for training whose text stands in dev or test is left out. One that is held out and
    whose text stands in train or dev is left out, too: the champion has seen it. Raises AuditError.
    """
    recipe = recipe_of(plan)
    base = read_all(recipe)
    train, held_out = (_read(job, name, recipe, labels) for name in COLLECTED)
    kept = without(train, base["dev"], base["test"])
    fair = without(held_out, base["train"], base["dev"])
    for name, examples in zip(USED, (kept, fair), strict=True):
        write_whole(job.texts(name), lines(examples))
    splits = {**base, "train": (*base["train"], *kept), HELD_OUT: tuple(fair)}
    report = audit({name: examples for name, examples in splits.items() if examples})
    check(report, recipe.audit)
    return {
        "train": len(kept),
        "held_out": len(fair),
        "base": {name: len(examples) for name, examples in base.items()},
        "dropped": {
            "training judgements that stand in dev or test": len(train) - len(kept),
            "held-out judgements that stand in train or dev": len(held_out) - len(fair),
        },
        **report.to_dict(),
    }


def train_challenger(
    job: Job,
    plan: Record,
    store: Store,
    labels: Sequence[str],
    *,
    train: Train,
    check: Check,
) -> Record:
    """The champion's recipe with the feedback; goes on where it was killed."""
    vectors = _champion_vectors(job, plan, store) if plan["vectors"] == "champion" else ""
    recipe = challenger_recipe(
        recipe_of(plan), job, labels=labels, repeat=plan["repeat"], vectors=plan["vectors"]
    )
    run = RunFolder.at(job.training, recipe)
    started = time.monotonic()
    train(recipe, run, check)
    linear = recipe.features is not None
    return {
        "seconds": round(time.monotonic() - started, 1),
        "dev": None if linear else best_dev(run, recipe.training.metric),
        "vectors": vectors,
    }


def evaluate_both(job: Job, plan: Record, store: Store, labels: Sequence[str]) -> Record:
    """Champion and challenger on the very same items, by the serving path."""
    recipe, notes = recipe_of(plan), []
    held_out = _read(job, "held-out", recipe, labels)
    name, items = _base_items(recipe)
    if not items:
        notes.append("the recipe has no test split, and its dev is cut from what is trained on")
    with champion_folder(plan, store) as folder:
        champion, challenger = Model.load(folder), Model.load(job.training / "version")
        sets = {name: items, HELD_OUT: held_out}
        compared = [compare(n, champion, challenger, e) for n, e in sets.items() if e]
        cases = capabilities(champion, challenger)
        timed = forward_times(champion, challenger, [e.item for e in (*items, *held_out)])
        sizes = file_sizes(folder, job.training / "version")
    if not cases:
        notes.append(f"there are no behavioural tests of the task {recipe.task} and its labels")
    found = Measured(tuple(compared), cases, timed, sizes, (*notes, *_said(job, compared)))
    return cast(Record, to_plain(found))


def judge_challenger(job: Job, plan: Record, measured: Record) -> Record:
    """The gate's verdict, and its picture."""
    verdict = judge(build(Measured, measured), build(Policy, plan["policy"]))
    draw_verdict(verdict, job.picture)
    return verdict.to_dict()


def verdict_of(record: Record) -> Verdict:
    return build(Verdict, record)


@contextmanager
def champion_folder(plan: Record, store: Store) -> Iterator[Path]:
    with TemporaryDirectory(prefix="valence-") as cache:
        yield store.materialise(plan["name"], plan["champion"]["version"], Path(cache))


def _champion_vectors(job: Job, plan: Record, store: Store) -> str:
    """The sentence for the record."""
    with champion_folder(plan, store) as folder:
        table = write_champion_vectors(folder, job.vectors)
    was = plan["recipe"]["text"]["vectors"]
    return (
        f"{was} is not on this machine: the word vectors are the champion's own ({table}); words "
        "that are new in the feedback have none"
    )


def _read(job: Job, name: str, recipe: Recipe, labels: Sequence[str]) -> tuple[Example, ...]:
    path = job.texts(name)
    if not path.stat().st_size:
        return ()
    return read_source(recipe, source(path.as_posix(), task=recipe.task, labels=labels))


def _base_items(recipe: Recipe) -> tuple[str, tuple[Example, ...]]:
    """Test; else a dev split of its own, which neither of the two was trained on."""
    if recipe.data.test:
        return BASE, read_test(recipe)
    if isinstance(recipe.data.dev, DevFromTrain):
        return BASE, ()
    return "base dev", read_all(recipe)["dev"]


def _said(job: Job, compared: Sequence[Compared]) -> Iterator[str]:
    """What the reader of a verdict should know of the job."""
    if vectors := (job.record("train") or {}).get("vectors"):
        yield vectors
    if HELD_OUT not in {one.name for one in compared}:
        yield "no judgement is held out: the challenger is compared on the base data alone"


def labels_of(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """The main layer's, of the champion."""
    return tuple(next(iter(manifest["layers"].values())))
