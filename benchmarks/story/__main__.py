"""The story, chapter by chapter: `python -m benchmarks.story [--keep FOLDER]`.

Needs VALENCE_DATA (SST-2 for the model, tweets for the drift), the training extra and Prometheus.
Exit status: 0 when all went as told, 1 when something did not, 2 where something is missing.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from benchmarks.story import figures, stage
from benchmarks.story.figures import Chapter, look
from benchmarks.story.stage import Prometheus, StoryError, last_json, until, valence
from benchmarks.story.traffic import Answer, Labelled, Load, accuracy, ask, judge, judgement
from training.datasets import load
from training.errors import DataError
from training.recipe import Source

CALM, DRIFTED, KEPT = 1200, 4000, 1500
"""Texts of the training's own kind; of another, which people judge; of that one, only measured."""
FORGED, CONTRADICTED, AGAIN = 20, 40, 40
WINDOW_SECONDS: Final = 60
POLL_SECONDS: Final = 0.5
SEED: Final = 13
LEAST_PSI: Final = 0.25
RETRAIN: Final = ("retrain", "sentiment", "--json", "--device", "cpu", "--promote", "auto")
WORSE: Final = (
    *("--set", "data.limit=1500", "--set", "training.epochs=1"),
    *("--set", "audit.max_duplicate_share=0.5"),  # few examples, and ours are in it eight times
)
REFUSED: Final = 3
CHAPTERS: Final = 7


@dataclass(slots=True)
class Story:
    """What the chapters share. `url` is the service's."""

    console: Console
    folder: Path
    url: str
    prometheus: Prometheus
    calm: Sequence[Labelled]
    drifted: Sequence[Labelled]
    kept: Sequence[Labelled]
    chapters: list[Chapter] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def store(self) -> tuple[str, ...]:
        return ("--store", str(self.folder / "store"))

    def begin(self, title: str) -> None:
        number = len(self.chapters) + 1
        seconds = time.monotonic() - self.started
        self.console.print(Rule(f"{number}/{CHAPTERS}  {title}  ({seconds:.0f} s)", align="left"))

    def end(self, title: str) -> Chapter:
        """Wait until Prometheus has seen what happened, and keep what it says."""
        now = time.time()
        until(lambda: figures.has_scraped_since(self.prometheus, now), what="Prometheus has looked")
        self.chapters.append(look(self.prometheus, title))
        return self.chapters[-1]

    def say(self, text: str) -> None:
        self.console.print(f"  {text}")


def calm(story: Story) -> None:
    """Traffic like the data that the starter was measured on."""
    story.begin("the starter answers texts of the kind it knows")
    answers = ask(story.url, story.calm)
    story.say(f"{len(answers):,} film reviews, {accuracy(answers):.1%} of the answers right")
    chapter = story.end("calm")
    _expect(_psi(chapter) < LEAST_PSI, "calm traffic looks calm")


def drift(story: Story) -> tuple[list[Answer], list[Answer]]:
    """Tweets, of which the starter has seen none: those that people will judge, and the others."""
    story.begin("other people come: tweets")
    answers, kept = ask(story.url, story.drifted), ask(story.url, story.kept)
    chapter = story.end("drift")
    story.say(
        f"{len(answers):,} tweets; without labels the service puts its accuracy at "
        f"{chapter.figures['accuracy, estimated']}; it is {accuracy(answers):.1%}"
    )
    _expect(_psi(chapter) > LEAST_PSI, "the drift is seen")
    return answers, kept


def feedback(story: Story, answers: Sequence[Answer]) -> None:
    """People judge what they were told; some say it twice, some are wrong, some make it up."""
    story.begin("people say what the answers should have been")
    said = [judgement(answer) for answer in answers]
    twice = said[:AGAIN]
    torn = [judgement(a, _other(a.asked.label)) for a in answers[AGAIN : AGAIN + CONTRADICTED]]
    forged = [{**one, "receipt": _altered(one["receipt"])} for one in said[:FORGED]]
    counts: dict[str, int] = {}
    for result in judge(story.url, [*said, *twice, *torn, *forged]):
        outcome = result.get("outcome") or f"refused: {result['error']['code']}"
        counts[outcome] = counts.get(outcome, 0) + 1
    story.say(", ".join(f"{count:,} {outcome}" for outcome, count in counts.items()))
    story.end("feedback")
    _expect(counts.get("duplicate", 0) == AGAIN, "a judgement sent again is a duplicate")
    refused = sum(count for outcome, count in counts.items() if outcome.startswith("refused"))
    _expect(refused == FORGED, "a forged receipt is refused")


def refuse(story: Story) -> None:
    """A challenger that was hardly trained."""
    story.begin("a worse challenger: trained once over 1,500 examples")
    result = _retrain(story, *WORSE, expect=REFUSED)
    story.say(f"exit status {REFUSED}, {result['outcome']}: {result['sentence']}")
    chapter = story.end("worse")
    _expect(chapter.version == "1", "the champion stays")


def promote(story: Story, before: Sequence[Answer]) -> Load:
    """A good one, while clients ask without a pause."""
    story.begin("a better challenger: the recipe as it is, and the feedback, trained under load")
    load_ = Load(story.url, [item.text for item in story.kept], pause=0.05)
    with load_.running():
        result = _retrain(story, expect=0)
        version = int(result["version"])
        until(lambda: load_.all_see(version), what="every client is answered by the new version")
    story.say(f"{result['outcome']}: {result['sentence']}")
    story.say(f"{load_.answered():,} answers meanwhile, {len(load_.failures)} failures")
    _expect(not load_.failures, "no request fails")
    now = ask(story.url, story.kept)
    story.say(f"tweets nobody judged: {accuracy(before):.1%} right before, {accuracy(now):.1%} now")
    story.end("promoted")
    _expect(accuracy(now) > accuracy(before), "what was promoted is better")
    return load_


def roll_back(story: Story) -> None:
    """Somebody complains; one command, and how long the version still answered."""
    story.begin("complaints: one command back")
    bad = int(story.chapters[-1].version)
    load_ = Load(story.url, [item.text for item in story.kept])
    with load_.running():
        until(lambda: load_.all_see(bad), what="the load is answered by the version")
        valence("rollback", "sentiment", "--reason", "complaints since noon", *story.store)
        commanded = time.monotonic()
        until(lambda: load_.all_see(1), what="every client is answered by the version before")
    seconds = load_.last_of(bad) - commanded
    story.say(
        f"the last answer of sentiment@{bad} came {max(0.0, seconds):.2f} s after the command "
        f"(poll interval {POLL_SECONDS} s); {load_.answered():,} answers, "
        f"{len(load_.failures)} failures"
    )
    story.end("rolled back")
    _expect(not load_.failures, "no request fails")


def log(story: Story) -> None:
    """Who moved the alias, when and why."""
    story.begin("who did what, when and why")
    document = valence("models", "log", "sentiment", "--json", *story.store).stdout
    table = Table("entry", "champion", "action", "by", "at", "why")
    for entry in stage.json_in(document):
        why = entry["reason"] if len(entry["reason"]) < 90 else f"{entry['reason'][:90]}…"
        cells = (entry["entry"], entry["version"], entry["action"], entry["actor"])
        table.add_row(*map(str, cells), entry["at"][:19], why)
    story.console.print(table)
    story.end("log")


def tell(story: Story) -> None:
    """All chapters in turn."""
    calm(story)
    answers, before = drift(story)
    feedback(story, answers)
    refuse(story)
    promote(story, before)
    roll_back(story)
    log(story)
    figures.print_table(story.console, story.chapters)
    seconds = time.monotonic() - story.started
    story.console.print(f"\nAll as told, in {seconds / 60:.1f} minutes.")


def _retrain(story: Story, *more: str, expect: int) -> dict[str, Any]:
    places = ("--feedback", _feedback_url(story.folder), "--runs", str(story.folder / "runs"))
    done = stage.valence_with_bar(
        *RETRAIN, *places, *story.store, *more, expect=(expect,), console=story.console
    )
    return last_json(done)


def _feedback_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'feedback.sqlite3'}"


def _psi(chapter: Chapter) -> float:
    shown = [value for name, value in chapter.figures.items() if name.startswith("PSI")]
    _expect("-" not in shown, "Prometheus has the drift figures")
    return max(map(float, shown))


def _other(label: str) -> str:
    return "negative" if label == "positive" else "positive"


def _altered(receipt: str) -> str:
    """One character of it is another."""
    middle = len(receipt) // 2
    return receipt[:middle] + ("A" if receipt[middle] != "A" else "B") + receipt[middle + 1 :]


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise StoryError(f"not as told: {what}")


def _texts(dataset: str, count: int, *, skip: int = 0) -> list[Labelled]:
    """Polar texts of a data set, each once, a seeded sample."""
    source = Source(dataset=dataset, labels={"neutral": ""}, limit=skip + count)
    examples = load(source, task="sentiment", seed=SEED).examples
    texts = {str(example.item): str(example.gold) for example in examples}
    return [Labelled(text, label) for text, label in list(texts.items())[skip:]]


def _settings(folder: Path) -> dict[str, object]:
    return {
        "store": folder / "store",
        "cache_folder": folder / "cache",
        "models": "sentiment",
        "feedback": _feedback_url(folder),
        "feedback_texts": True,
        "poll_interval_seconds": POLL_SECONDS,
        "drift_window_seconds": WINDOW_SECONDS,
    }


def _run(console: Console, folder: Path) -> None:
    calm_texts = _texts("sst2:test", CALM)
    drifted, kept = (
        _texts("semeval2017_task4:train", DRIFTED),
        _texts("semeval2017_task4:test", KEPT),
    )
    stage.seed_store(folder / "store")
    with ExitStack() as leaving:
        url = leaving.enter_context(stage.service(_settings(folder), folder / "service.log"))
        watcher = leaving.enter_context(stage.prometheus(folder, url))
        tell(Story(console, folder, url, watcher, calm_texts, drifted, kept))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="an empty folder to keep everything in")
    keep: Path | None = parser.parse_args().keep
    console = Console(width=max(100, Console().width))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        with tempfile.TemporaryDirectory(prefix="valence-story-") as scratch:
            folder = Path(scratch) if keep is None else keep.absolute()
            folder.mkdir(parents=True, exist_ok=True)
            _run(console, folder)
    except DataError as error:
        console.print(f"the story needs data: {error}")
        sys.exit(2)
    except StoryError as error:
        console.print(f"[red]{error}[/red]")
        sys.exit(1)


if __name__ == "__main__":
    main()
