"""A retraining from end to end, on a tiny model with real feedback: SQLite, store, training."""

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from retraining import START, Place, champion, copying, give, place, reviews
from tiny_runs import bytes_of, command, die, exit_code, sentiment_recipe, start, write_csv
from typer.testing import CliRunner

from model_store import Store, Version, open_store
from model_store.errors import Unsigned
from model_store.feedback import open_feedback
from model_store.keys import Keys, make_key
from training.errors import DataError
from training.recipe import Recipe, Source
from training.recipe_files import load_recipe
from training.retrain.feedback import check_task
from training.retrain.policy import load_policy
from training.retrain.publishing import Sign
from training.retrain.request import Request, Result
from training.retrain.run import Tools, retrain
from training.run import run_recipe
from training.run_folder import RunFolder
from valence import app

STEPS = ("plan", "collect", "audit", "train", "evaluate", "gate", "publish", "promote", "result")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: ARG001
    return champion(tmp_path_factory.mktemp("champion"))


@pytest.fixture(scope="module")
def better(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: ARG001
    """A version that was trained on the new words, too."""
    folder = tmp_path_factory.mktemp("better")
    write_csv(folder / "new.csv", reviews(40, offset=300))
    recipe = load_recipe(sentiment_recipe(folder))
    train = (*recipe.data.train, Source(file=str(folder / "new.csv")))
    recipe = replace(recipe, data=replace(recipe.data, train=train))
    return run_recipe(recipe, RunFolder.create(recipe, folder), device="cpu").folder


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory, version: Path) -> Path:
    """A store and feedback, to be copied."""
    folder = tmp_path_factory.mktemp("pristine")
    give(place(folder, version).feedback, reviews(70))
    return folder


@pytest.fixture
def here(tmp_path: Path, pristine: Path) -> Place:
    shutil.copytree(pristine, tmp_path, dirs_exist_ok=True)
    return Place(
        open_store(tmp_path / "store"), f"sqlite:///{tmp_path / 'feedback.sqlite3'}", tmp_path
    )


def retrained(
    here: Place,
    train: Callable[..., None],
    *,
    sign: Sign | None = None,
    **asked: Any,  # noqa: ANN401
) -> Result:
    """In this process, with a trainer of the test's own."""
    defaults = {"runs": here.folder / "runs", "policy": load_policy(here.policy)}
    request = Request("tiny", **{**defaults, **asked})
    with open_feedback(here.feedback) as base:
        return retrain(request, Tools(here.store, base, train, actor="tests", sign=sign))


def run(here: Place, *more: str, code: int = 0) -> dict[str, Any]:
    """The last line that the command printed."""
    ran = CliRunner().invoke(app, here.arguments(*more))
    assert ran.exit_code == code, ran.output
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    assert found["exit"] == code
    return found


def record(here: Place, step: str) -> dict[str, Any]:
    (folder,) = (here.folder / "runs").glob("retrain-tiny-*")
    found: dict[str, Any] = json.loads((folder / f"{step}.json").read_text(encoding="utf-8"))
    return found


def test_killed_at_every_step_it_goes_on_and_does_nothing_twice(here: Place) -> None:
    """Each call dies as the next step begins, and once in the middle of an epoch."""
    for step in ("collect", "audit", "train", "epoch", *STEPS[4:]):
        urls = (here.store.url, here.feedback)
        child = start(killed_at, here.folder, urls, here.policy, step)
        assert exit_code(child) == -signal.SIGKILL, step
    log = here.folder / "log"
    assert exit_code(start(command, here.arguments(), log)) == 0, log.read_text(encoding="utf-8")
    found = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    assert (found["outcome"], found["version"]) == ("promoted", 2)

    assert here.store.versions("tiny") == [1, 2]
    assert [e.version for e in here.store.log("tiny")] == [1, 2]
    assert [e.version for e in here.store.log("tiny", "challenger")] == [2]
    (folder,) = (here.folder / "runs").iterdir()
    rows = (folder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    epochs = [row["epoch"] for row in map(json.loads, rows) if "dev_accuracy" in row]
    assert epochs == sorted(set(epochs)), "an epoch was trained twice"

    manifest = here.store.manifest("tiny", 2)
    gate, made = manifest.raw["gate"], manifest.raw["retrain"]
    assert manifest.parent == 1
    assert gate["passed"]
    assert gate == record(here, "gate")
    assert here.store.log("tiny")[-1].report == {"job": made["job"], **gate}
    assert here.store.log("tiny")[-1].reason.startswith("valence retrain: passed: better on")
    assert made["until"] == record(here, "plan")["until"]
    assert gate["differences"]["held-out feedback"]["value"] > 0.2
    assert (folder / "gate.png").is_file()
    assert list(folder.glob("feedback-*")) == [], "texts must not stay behind"
    texts = "".join(p.read_text(encoding="utf-8") for p in folder.glob("*.json"))
    assert "table 3" not in texts

    again = CliRunner().invoke(app, here.arguments())
    assert json.loads(again.stdout.splitlines()[-1])["outcome"] == "nothing to do"
    assert here.store.versions("tiny") == [1, 2]


def killed_at(folder: Path, urls: tuple[str, str], policy: Path, step: str) -> None:
    """In a child: the same as the command does, until a step begins."""
    import torch

    torch.set_num_threads(1)
    request = Request("tiny", runs=folder / "runs", policy=load_policy(policy), device="cpu")

    def train(recipe: Recipe, run: RunFolder, check: Callable[[], None]) -> None:
        check()
        run_recipe(recipe, run, device="cpu", record=lambda _: dies("epoch"))

    def dies(name: str) -> None:
        if name == step:
            die()

    with open_feedback(urls[1]) as base:
        store = open_store(urls[0])
        retrain(request, Tools(store, base, train, actor="tests", say=dies))


def test_a_refused_challenger_is_published_and_serves_nobody(here: Place, version: Path) -> None:
    """The same question asked again finds the same job; more feedback is needed for another."""
    found = retrained(here, copying(version))  # as good as the champion: not better
    assert (found.outcome, found.code, found.version) == ("refused", 3, 2)
    assert found.sentence.startswith("refused: better, all sets: not shown to be better anywhere")
    assert here.store.resolve("tiny").number == 1
    assert here.store.resolve("tiny@challenger").number == 2
    verdict = here.store.manifest("tiny", 2).raw["gate"]
    assert not verdict["passed"]
    assert (Path(found.job) / "gate.png").is_file()

    assert retrained(here, untrained) == found
    give(here.feedback, reviews(5, offset=900), at=START + timedelta(hours=2))
    assert retrained(here, untrained).outcome == "nothing to do"
    assert here.store.versions("tiny") == [1, 2]
    other = retrained(here, copying(version), repeat=2, overrides=("training.epochs=7",))
    assert other.outcome == "refused", "another recipe is another question"


def untrained(*_: object) -> None:
    raise AssertionError("nothing was to be trained")


def test_never_means_never(here: Place, better: Path) -> None:
    found = retrained(here, copying(better), promote=False)
    assert (found.outcome, found.code, found.version) == ("passed", 0, 2), found.sentence
    assert "it was not asked for" in found.sentence
    assert here.store.resolve("tiny").number == 1
    made = here.store.manifest("tiny", 2).raw["retrain"]
    assert made["champion"] == {"version": 1, "digest": here.store.manifest("tiny", 1).digest}
    assert made["used"]["train"] + made["used"]["held_out"] == 140
    assert not any("feedback" in s.get("file", "") for s in made["recipe"]["data"]["train"])


def test_the_next_retraining_starts_from_the_same_base(here: Place, better: Path) -> None:
    """A retrained champion's feedback is collected anew, never added to itself."""
    assert retrained(here, copying(better)).outcome == "promoted"
    give(here.feedback, reviews(40, offset=700), at=START + timedelta(days=1))
    seen: list[Recipe] = []

    def train(recipe: Recipe, run: RunFolder, check: Callable[[], None]) -> None:
        seen.append(recipe)
        copying(better)(recipe, run, check)

    assert retrained(here, train).version == 3
    files = [Path(source.file).name for source in seen[0].data.train]
    assert files == ["train.csv", "feedback-train.jsonl"]
    first, second = (here.store.manifest("tiny", n).raw["retrain"] for n in (2, 3))
    assert first["recipe"] == second["recipe"]
    used = [sum(made["used"][side] for side in ("train", "held_out")) for made in (first, second)]
    assert used == [140, 220]
    assert second["used"]["held_out"] > first["used"]["held_out"]


def test_too_little_feedback_is_nothing_to_do(here: Place) -> None:
    found = run(here, "--minimum", "141")
    assert found["outcome"] == "nothing to do"
    assert "140 new judgements" in found["sentence"]
    give(here.feedback, reviews(20, offset=200), at=START + timedelta(days=1))
    since = (START + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    assert "40 new judgements" in run(here, "--since", since)["sentence"]
    assert not (here.folder / "runs").exists()


def test_a_dry_run_writes_nothing(here: Place) -> None:
    before = bytes_of(Path(here.store.url.removeprefix("file://")))
    found = run(here, "--dry-run")
    assert found["outcome"] == "would retrain"
    counts = [int(word) for word in found["sentence"].split() if word.isdigit()]
    assert counts[0] == 48
    assert counts[1] + counts[3] == 140
    assert bytes_of(Path(here.store.url.removeprefix("file://"))) == before
    assert not (here.folder / "runs").exists()


def test_one_retraining_of_a_model_at_a_time(here: Place) -> None:
    with here.store.lease("tiny", "retrain", holder="ops@elsewhere", seconds=60):
        found = run(here, code=5)
    assert found["outcome"] == "busy"
    assert "held for retrain by ops@elsewhere" in found["sentence"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--set", "training.epoch=3"], 1, "did you mean 'epochs'"),
        (["--set", "task=tagging"], 1, "task: must be 'sentiment'"),
        (["--promote", "perhaps"], 2, "auto or never"),
        (["--trusted", "keys"], 2, "give --sign-key"),
        (["--recipe", "sentimant"], 1, "did you mean 'sentiment'"),
        (["--gate", "none.toml"], 1, "no gate policy"),
    ],
)
def test_what_is_wrong_is_said(here: Place, arguments: list[str], code: int, said: str) -> None:
    ran = CliRunner().invoke(app, here.arguments(*arguments))
    assert ran.exit_code == code
    assert said in " ".join(ran.stderr.split())


def test_a_model_that_is_not_there_and_a_task_that_cannot_learn(here: Place) -> None:
    arguments = here.arguments()
    arguments[1] = "other"
    ran = CliRunner().invoke(app, arguments)
    assert (ran.exit_code, "there is no model 'other'" in ran.stderr) == (1, True)
    with pytest.raises(DataError, match="the task tagging cannot be learned from"):
        check_task("tagging")


def test_a_signed_store_gets_a_signed_challenger(here: Place, better: Path) -> None:
    key, public = make_key(here.folder / "signer.pem")
    here.store.sign("tiny", 1, key, signer="tests")
    strict = open_store(here.store.url, trusted=Keys.of(str(public)))
    guarded = Place(strict, here.feedback, here.folder)

    def sign(store: Store, made: Version) -> None:
        store.sign(made.name, made.number, key, signer="tests", digest=made.digest)

    assert retrained(guarded, copying(better), sign=sign).outcome == "promoted"
    assert strict.resolve("tiny").number == 2


def test_an_unsigned_champion_is_not_even_read(here: Place) -> None:
    _, public = make_key(here.folder / "signer.pem")
    strict = open_store(here.store.url, trusted=Keys.of(str(public)))
    with pytest.raises(Unsigned):
        retrained(Place(strict, here.feedback, here.folder), untrained)


def test_somebody_elses_promotion_meanwhile_is_respected(here: Place, better: Path) -> None:
    """The champion moved while the challenger was in training: it was compared with another."""

    def train(recipe: Recipe, run: RunFolder, check: Callable[[], None]) -> None:
        copying(better)(recipe, run, check)
        here.store.publish("tiny", here.store.export("tiny", 1, here.folder / "copy"))
        here.store.promote("tiny", 2, actor="somebody", reason="by hand")

    found = retrained(here, train)
    assert found.outcome == "passed"
    assert "the champion is tiny@2 by now" in found.sentence
    assert here.store.resolve("tiny").number == 2


def test_a_job_that_nobody_goes_on_with_leaves_no_text_behind(here: Place, better: Path) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        retrained(here, failing)
    (left,) = (here.folder / "runs").iterdir()
    assert list(left.glob("feedback-*"))
    assert retrained(here, copying(better), holdout=0.3).outcome == "promoted"
    assert not left.exists()


def failing(*_: object) -> None:
    raise RuntimeError("killed")


def test_a_rollback_by_hand_is_not_undone_by_the_same_feedback(here: Place, better: Path) -> None:
    assert retrained(here, copying(better)).outcome == "promoted"
    here.store.rollback("tiny", actor="somebody", reason="complaints")
    (job,) = (here.folder / "runs").iterdir()
    shutil.rmtree(job)  # as on another machine
    assert retrained(here, untrained).outcome == "nothing to do"
