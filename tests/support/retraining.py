"""A store with a tiny champion, and a feedback database that knows words the champion does not."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from tiny_runs import THINGS, sentiment_recipe

from model_store import Store, open_store
from model_store.feedback import Prediction, Span, Submission, open_feedback
from training.recipe import Recipe
from training.recipe_files import load_recipe
from training.run import run_recipe
from training.run_folder import RunFolder

NEW_GOOD: Final = ("brilliant", "crisp", "gorgeous", "snug")
NEW_BAD: Final = ("grim", "soggy", "shabby", "bland")
START: Final = datetime(2031, 3, 1, 9, tzinfo=UTC)
LATER: Final = datetime(2090, 1, 1, tzinfo=UTC)
POLICY: Final = """
least_items = 10
least_slice_items = 10
margin = 0.25
slice_bound = 0.3
ece_bound = 0.3
behaviour_bound = 1.0
behaviour_total_bound = 1.0
latency_ratio = 100.0
resamples = 200
"""
"""For data of twenty items and networks that know a dozen words."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a champion and its feedback are."""

    store: Store
    feedback: str
    folder: Path

    @property
    def policy(self) -> Path:
        path = self.folder / "gate.toml"
        path.write_text(POLICY, encoding="utf-8")
        return path

    def arguments(self, *more: str) -> list[str]:
        """Of `valence retrain`."""
        urls = ["--store", self.store.url, "--feedback", self.feedback]
        files = ["--gate", str(self.policy), "--runs", str(self.folder / "runs")]
        return ["retrain", "tiny", "--device", "cpu", "--json", *urls, *files, *more]


def champion(folder: Path) -> Path:
    """A version folder of the tiny sentiment recipe, trained on the spot."""
    recipe = load_recipe(sentiment_recipe(folder))
    run = RunFolder.create(recipe, folder)
    return run_recipe(recipe, run, device="cpu").folder


def place(folder: Path, version: Path) -> Place:
    """A store whose champion `tiny` is that version."""
    store = open_store(folder / "store")
    store.publish("tiny", version)
    store.promote("tiny", 1, actor="tests", reason="fixture")
    return Place(store, f"sqlite:///{folder / 'feedback.sqlite3'}", folder)


def reviews(pairs: int, *, offset: int = 0) -> list[tuple[str, str]]:
    """Texts with words that the champion has never seen; no two are equal."""
    rows = []
    for i in range(offset, offset + pairs):
        thing, good, bad = THINGS[i % 8], NEW_GOOD[i % 4], NEW_BAD[i % 4]
        rows.append((f"That {thing} looked {good}, table {i}.", "positive"))
        rows.append((f"That {thing} looked {bad}, table {i}.", "negative"))
    return rows


def submission(
    number: int, text: str, label: str | None, *, task: str = "sentiment", model: str = "tiny",
    spans: Sequence[Span] = (),
) -> Submission:  # fmt: skip
    digest = sha256(text.encode()).hexdigest()
    prediction = Prediction(
        id=f"{number:032x}", model=model, version=1, task=task, text_digest=digest,
        predicted="positive" if label else None, score=0.6,
    )  # fmt: skip
    return Submission(prediction, label, tuple(spans), text, LATER)


def give(url: str, rows: Sequence[tuple[str, str]], *, at: datetime = START) -> None:
    """Judgements, all received at one moment."""
    numbers = [int(sha256(text.encode()).hexdigest()[:12], 16) for text, _ in rows]
    made = [submission(n, text, label) for n, (text, label) in zip(numbers, rows, strict=True)]
    with open_feedback(url) as base:
        base.add(made, now=at)


def copying(version: Path, *, dev: float = 0.9) -> Callable[..., None]:
    """A trainer that is done at once: what it trained is that version folder."""

    def train(recipe: Recipe, run: RunFolder, check: Callable[[], None]) -> None:
        check()
        shutil.copytree(version, run.version, dirs_exist_ok=True)
        run.add_metrics({"step": 1, "steps": 1, "epoch": 1.0, f"dev_{recipe.training.metric}": dev})

    return train
